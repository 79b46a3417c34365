"""Gives each request an id, a line in the log and a place in the metrics."""

from __future__ import annotations

import re
import traceback
from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid4

from api import errors
from api.hardening import harden
from api.metrics import Metrics
from api.scope import DECISION_ID, PROBLEM_CODE

REQUEST_ID = "X-Request-Id"
OTHER = "other"
"""Stands for the route of unknown paths and of static files."""

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

log = structlog.get_logger(__name__)


CLIENT_LEFT = 499
"""Stands for the status of a request that nobody waited for, as in nginx's logs."""


class RequestMiddleware:
    """Wraps the whole app, so that no answer leaves without its request id and safe headers.

    Parameters
    ----------
    render
        Turns the problem of an unforeseen error into a response.
    https_only
        As of `api.hardening.harden`.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, render: errors.Render, *, https_only: bool
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._render = render
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = choose_request_id(Headers(scope=scope))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            started = perf_counter()
            status = await self._serve(scope, receive, send)
            self._record(scope, status or CLIENT_LEFT, perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> int:
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = scope["request_id"]
                harden(headers, scope["path"], https_only=self._https_only)
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            log_failure(error)
            if status:  # part of an answer has left: only a broken connection can tell
                raise
            request = Request(scope)
            problem = errors.problem(request, errors.of_unexpected_error())
            await self._render(request, problem, {})(scope, receive, send_with_id)
        return status

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or OTHER
        code = scope.get(PROBLEM_CODE)
        self._metrics.observe_request(scope["method"], route, status, seconds)
        if code and status >= 500:
            self._metrics.observe_error(code)
        found = {"decision_id": scope.get(DECISION_ID), "code": code}
        log.info(
            "request.served",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **{name: value for name, value in found.items() if value},
        )


def choose_request_id(headers: Headers) -> str:
    """Return the request's own id if it is short and plain, else a fresh one."""
    given = headers.get(REQUEST_ID, "")
    return given if _SANE_ID.fullmatch(given) else str(uuid4())


def log_failure(error: Exception) -> None:
    """Log what failed and where, without its message, which may hold an appeal's text."""
    frames = traceback.extract_tb(error.__traceback__)
    trace = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    log.error("request.failed", error=type(error).__qualname__, trace=trace)
