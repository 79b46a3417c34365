"""How uvicorn serves: with an end to the patience that it has with slow clients."""

from __future__ import annotations

from asyncio import Transport
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import PROBLEM_TYPE, URN
from api.schemas.problems import Problem
from triage.config import Settings

MAX_HEAD_BYTES = 65_536
"""Of a request's line and headers; httptools itself has no limit."""

CONNECTIONS_FOR_EACH = 8
"""Connections for each request that may be in work, most of them idle. Over it uvicorn answers in
plain text; our own 503 comes long before."""

IDLE_SECONDS = 30
"""How long a connection is kept between two requests."""

SHUTDOWN_SECONDS = 20
"""How long requests in work may take when the service is stopped."""

log = structlog.get_logger(__name__)


class PatientProtocol(HttpToolsProtocol):
    """Ends connections on which a request, or the reading of its answer, takes too long.

    A request's head must be complete within `client_seconds`, and its body within that time
    again. `api.limits` answers a slow body with 408 first; this is for what no application sees.
    """

    def __init__(self, *args: Any, client_seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client_seconds = client_seconds
        self._receiving = _Deadline(self, "request_too_slow")
        self._sending = _Deadline(self, "answer_not_read")
        self._in_head = False
        self._head_bytes = 0
        self._answered: Any = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._receiving.set(self._client_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._receiving.clear()
        self._sending.clear()
        if self._answered is not None:
            # uvicorn itself tells the newest of pipelined requests alone, which is not this one.
            self._answered.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and refuse a head that has no end."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "head_too_large", f"over {MAX_HEAD_BYTES} bytes of headers came")

    def on_message_begin(self) -> None:
        """Note that a request begins; the first one's time runs since the connection was made."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if not self._receiving.is_set:
            self._receiving.set(self._client_seconds)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body, longer than the application does."""
        self._in_head = False
        self._receiving.set(2 * self._client_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._receiving.clear()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._sending.set(self._client_seconds)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._sending.clear()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also where the client has not read its last answer."""
        super().timeout_keep_alive_handler()
        self._sending.set(self._client_seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "invalid_http", msg)

    def _refuse(self, status: int, code: str, detail: str) -> None:
        title, request_id = HTTPStatus(status).phrase, str(uuid4())
        problem = Problem(
            type=URN + code,
            title=title,
            status=status,
            detail=detail,
            code=code,
            instance="",
            request_id=request_id,
        )
        content = problem.model_dump_json(exclude_none=True).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: {PROBLEM_TYPE}\r\nconnection: close\r\n"
            f"content-length: {len(content)}\r\nx-request-id: {request_id}\r\n\r\n"
        )
        log.info("request.refused", code=code, request_id=request_id)
        self.transport.write(head.encode() + content)
        self.transport.close()


class _Deadline:
    """A time by which a client must have done something, or its connection ends."""

    def __init__(self, protocol: HttpToolsProtocol, reason: str) -> None:
        self._protocol = protocol
        self._reason = reason
        self._timer: Any = None

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def set(self, seconds: float) -> None:
        self.clear()
        self._timer = self._protocol.loop.call_later(seconds, self._end)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        log.info("connection.ended", reason=self._reason)
        self._protocol.transport.abort()


def server_options(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn is told, whether it serves alone or with several workers."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": partial(PatientProtocol, client_seconds=settings.client_seconds),
        "ws": "none",
        "limit_concurrency": CONNECTIONS_FOR_EACH * settings.max_concurrent,
        "timeout_keep_alive": IDLE_SECONDS,
        "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
        "server_header": False,
        "log_level": "warning",
        "access_log": False,
    }
