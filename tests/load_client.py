"""Puts a server under load: so many connections, each sends its next request when answered.

Bare sockets: a client library would need more time for a request than the server does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter


@dataclass(slots=True)
class Load:
    """What a load came to; `seconds` of each request, in no order."""

    wall: float = 0.0
    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.wall

    @property
    def median_ms(self) -> float:
        return 1000 * sorted(self.seconds)[len(self.seconds) // 2]


def post(
    port: int, path: str, bodies: Sequence[bytes], *, connections: int, seconds: float
) -> Load:
    """Send bodies in turn for so many seconds."""
    return asyncio.run(_post(port, path, bodies, connections, seconds))


async def _post(
    port: int, path: str, bodies: Sequence[bytes], connections: int, seconds: float
) -> Load:
    load = Load()
    requests = cycle([_request(path, body) for body in bodies])
    started = perf_counter()
    until = started + seconds
    await asyncio.gather(*(_connection(port, requests, until, load) for _ in range(connections)))
    load.wall = perf_counter() - started
    return load


async def _connection(port: int, requests: Iterator[bytes], until: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (sent := perf_counter()) < until:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        if head.startswith(b"HTTP/1.1 200"):
            load.seconds.append(perf_counter() - sent)
        else:
            load.refused += 1
    writer.close()
    await writer.wait_closed()


def _request(path: str, body: bytes) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise AssertionError(f"no length: {head!r}")
