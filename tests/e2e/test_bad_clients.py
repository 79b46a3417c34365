"""Clients that are slow, broken or too many, against the real server."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_process import add_key, running_server, server_environment

from api.limits import MAX_BODY_BYTES
from api.server import MAX_HEAD_BYTES

CLIENT_SECONDS = 1.0
MAX_CONCURRENT = 4
GRACE = 8.0
"""How much later a busy machine may do what it does in time."""

SLOW_CLIENTS = 30
LARGE_FILE = "/static-offline-docs/swagger-ui-bundle.js"
MORE_THAN_BUFFERS_HOLD = 20
TEXT = "Во дворе третий день не убирают снег, коляску не провезти"
HEAD = b"POST /classify HTTP/1.1\r\nHost: triage\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True)
class Served:
    """The running server and where it keeps its things."""

    client: httpx.Client
    key: dict[str, str]
    home: Path
    log: Path

    @contextmanager
    def connect(self) -> Iterator[socket.socket]:
        with closing(socket.create_connection(("127.0.0.1", self.client.base_url.port))) as raw:
            raw.settimeout(2 * CLIENT_SECONDS + GRACE)
            yield raw

    def stored(self) -> int:
        return len(self.client.get("/decisions?limit=200", headers=self.key).json()["items"])


@pytest.fixture(scope="module")
def served(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    environment = server_environment(
        home,
        model=str(model_folder),
        client_seconds=str(CLIENT_SECONDS),
        max_concurrent=str(MAX_CONCURRENT),
    )
    log = home / "server.log"
    with running_server(environment, log) as client:
        yield Served(client, add_key(environment), home, log)


def drip(raw: socket.socket, sent: bytes) -> float:
    """Send byte by byte until the other side ends it; return how long that took."""
    began = time.monotonic()
    try:
        for byte in sent:
            raw.sendall(bytes([byte]))
            time.sleep(CLIENT_SECONDS / 10)
            raw.settimeout(0.001)
            try:
                if raw.recv(1, socket.MSG_PEEK) is not None:
                    break
            except TimeoutError:
                pass
    except (ConnectionError, BrokenPipeError):
        pass
    return time.monotonic() - began


def read_answer(raw: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Read to the end of the connection: status, headers and the JSON of one answer."""
    raw.settimeout(2 * CLIENT_SECONDS + GRACE)
    content = b"".join(iter(lambda: raw.recv(65_536), b""))
    head, _, body = content.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in fields)}
    return int(line.split()[1]), headers, json.loads(body)


def test_server_head_that_drips_ends_the_connection(served: Served) -> None:
    with served.connect() as raw:
        seconds = drip(raw, b"GET /healthz HTTP/1.1\r\n" + b"X-Slow: 1\r\n" * 100)
        ended = raw.recv(1) if seconds < CLIENT_SECONDS else b""

    assert ended == b""
    assert seconds < CLIENT_SECONDS + GRACE
    assert "request_too_slow" in served.log.read_text()


def test_server_connection_without_a_request_is_ended(served: Served) -> None:
    with served.connect() as raw:
        assert raw.recv(1) == b""


def test_server_body_that_drips_is_refused_and_the_connection_ended(served: Served) -> None:
    with served.connect() as raw:
        raw.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        seconds = drip(raw, b" " * 1000)
        status, headers, problem = read_answer(raw)

    assert (status, problem["code"]) == (408, "body_too_slow")
    assert headers["connection"] == "close"
    assert "bytes came" in problem["detail"]
    assert CLIENT_SECONDS * 0.8 < seconds < CLIENT_SECONDS + GRACE


def test_server_serves_others_beside_many_slow_clients(served: Served) -> None:
    with ExitStack() as stack:
        for number in range(SLOW_CLIENTS):
            raw = stack.enter_context(served.connect())
            head = HEAD + b"Content-Length: 1000\r\n\r\n{" if number % 2 else b"GET /heal"
            raw.sendall(head)
        answers = [
            served.client.post("/classify", json={"text": TEXT, "appeal_id": f"beside-{number}"})
            for number in range(2 * MAX_CONCURRENT)
        ]

    assert {answer.status_code for answer in answers} == {200}


def test_server_client_that_does_not_read_is_left(served: Served) -> None:
    request = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: triage\r\n\r\n".encode()
    with served.connect() as raw:
        raw.sendall(request * MORE_THAN_BUFFERS_HOLD)
        deadline = time.monotonic() + CLIENT_SECONDS + GRACE
        while "answer_not_read" not in served.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    assert "Traceback" not in served.log.read_text()


def test_server_client_that_leaves_in_mid_body_leaves_nothing(served: Served) -> None:
    before = served.stored()
    for part in (b"", b'{"text": "', json.dumps({"text": TEXT}).encode()):
        with served.connect() as raw:
            raw.sendall(HEAD + b"Content-Length: 5000\r\n\r\n" + part)

    assert served.client.get("/healthz").status_code == 200
    assert served.stored() == before
    assert "Traceback" not in served.log.read_text()


def test_server_endless_head_is_refused(served: Served) -> None:
    with served.connect() as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n")
        try:
            for number in range(MAX_HEAD_BYTES // 100):
                raw.sendall(f"X-{number}: {'a' * 200}\r\n".encode())
        except ConnectionError:
            pass  # the answer has come, and what was sent after it is not read
        try:
            status, _, problem = read_answer(raw)
        except ConnectionResetError:
            return

    assert (status, problem["code"]) == (431, "head_too_large")


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELLO\r\n\r\n", b"GET /\xff\r\n\r\n"],
)
def test_server_what_is_no_http_is_answered_with_a_problem(served: Served, sent: bytes) -> None:
    with served.connect() as raw:
        raw.sendall(sent)
        status, headers, problem = read_answer(raw)

    assert (status, problem["code"]) == (400, "invalid_http")
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == problem["request_id"]


@pytest.mark.parametrize("path", ["/classify", "/pages/appeals", "/pages/signin", "/nowhere"])
def test_server_chunked_body_over_limit_is_refused(served: Served, path: str) -> None:
    chunks = (b" " * 65_536 for _ in range(MAX_BODY_BYTES // 65_536 + 1))

    answer = served.client.post(path, content=chunks, headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert "body_too_large" in answer.text


def test_server_more_requests_than_fit_are_told_to_come_again(served: Served) -> None:
    numbers = range(3 * MAX_CONCURRENT)
    with (
        ThreadPoolExecutor(len(numbers)) as pool,
        closing(sqlite3.connect(served.home / "triage.db", isolation_level=None)) as writer,
    ):
        writer.execute("BEGIN IMMEDIATE")  # nothing can be stored until this ends
        sent = [pool.submit(send_appeal, served, number) for number in numbers]
        first_done = as_completed(sent, timeout=GRACE)
        refused = [next(first_done).result() for _ in range(2 * MAX_CONCURRENT)]
        watched = [served.client.get(path).status_code for path in ("/healthz", "/metrics")]
        writer.execute("ROLLBACK")
        answers = [future.result() for future in sent]

    assert {answer.json()["code"] for answer in refused} == {"server_busy"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert watched == [200, 200]
    assert sorted(answer.status_code for answer in answers) == [200] * MAX_CONCURRENT + [503] * (
        2 * MAX_CONCURRENT
    )
    again = [send_appeal(served, number) for number in numbers]
    assert {answer.status_code for answer in again} == {200}


def send_appeal(served: Served, number: int) -> httpx.Response:
    return served.client.post("/classify", json={"text": TEXT, "appeal_id": f"busy-{number}"})


def test_server_does_not_say_what_it_is(served: Served) -> None:
    assert "server" not in served.client.get("/healthz").headers
