"""Takes requests in whole, within a time, and no more of them at once than memory has room for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.bodies import RequestRefusedError
from triage.config import Settings

WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that are always answered: those who watch must see a service that refuses others."""

MAX_BODY_BYTES = 1_048_576
"""20,000 characters take 240 kB where JSON escapes each of them."""

MAX_HELD_BYTES = 64 * MAX_BODY_BYTES
"""Bodies that may lie in memory together; a city's usual appeal takes a thousandth of one."""

MAX_DIGITS = 100

RETRY_AFTER_SECONDS = 1


class LimitsMiddleware:
    """Has the app see complete bodies alone, a bounded number of requests at a time.

    A client that sends slowly takes up none of the places of those that are worked on.

    Parameters
    ----------
    settings
        `max_concurrent` and `client_seconds` of them.
    render
        Turns a problem into a response.
    """

    def __init__(self, app: ASGIApp, settings: Settings, render: errors.Render) -> None:
        self._app = app
        self._render = render
        self._max_in_work = settings.max_concurrent
        self._client_seconds = settings.client_seconds
        self._in_work = 0
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in WATCHED:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            self._check_room()
            if await self._take_in(Headers(scope=scope), receive, body):
                with self._place():
                    await self._app(scope, _replayed(bytes(body), receive), send)
        except RequestRefusedError as refusal:
            await self._refuse(refusal, scope, receive, send)
        finally:
            self._held -= len(body)

    async def _take_in(self, headers: Headers, receive: Receive, body: bytearray) -> bool:
        """Read a body to its end; return whether the client stayed for it."""
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return True
        if _declared_size(headers) > MAX_BODY_BYTES:
            raise _too_large()
        try:
            async with asyncio.timeout(self._client_seconds):
                return await self._read(receive, body)
        except TimeoutError:
            raise RequestRefusedError(
                408,
                "body_too_slow",
                f"the body was not complete within {self._client_seconds:g} seconds:"
                f" {len(body)} bytes came",
                headers={"Connection": "close"},
            ) from None

    async def _read(self, receive: Receive, body: bytearray) -> bool:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            chunk = message.get("body", b"")
            if len(body) + len(chunk) > MAX_BODY_BYTES:
                raise _too_large()
            body += chunk
            self._held += len(chunk)
            if self._held > MAX_HELD_BYTES:
                raise _busy()
            if not message.get("more_body", False):
                return True

    @contextmanager
    def _place(self) -> Iterator[None]:
        self._check_room()
        self._in_work += 1
        try:
            yield
        finally:
            self._in_work -= 1

    def _check_room(self) -> None:
        if self._in_work >= self._max_in_work:
            raise _busy()

    async def _refuse(
        self, refusal: RequestRefusedError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        request = Request(scope)
        problem = errors.problem(request, errors.of_http_error(refusal))
        await self._render(request, problem, refusal.headers or {})(scope, receive, send)


def _busy() -> RequestRefusedError:
    return RequestRefusedError(
        503,
        "server_busy",
        f"as many requests are in work as fit: send it again in {RETRY_AFTER_SECONDS} second",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _too_large() -> RequestRefusedError:
    return RequestRefusedError(
        413, "body_too_large", f"the body is over the limit of {MAX_BODY_BYTES} bytes"
    )


def _declared_size(headers: Headers) -> int:
    """Return the size that a body says to have; 0 where it says none, or nonsense."""
    declared = headers.get("content-length", "")
    # More digits than these Python does not read.
    return int(declared[:MAX_DIGITS]) if declared.isdecimal() else 0


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that gives the body at once, and then what the connection says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
