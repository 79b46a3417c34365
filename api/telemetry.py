"""OpenTelemetry traces, where a collector is configured: what took how long, never any text."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, Engine, event
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import WATCHED
from api.middleware import OTHER
from api.scope import DECISION_ID
from triage.errors import InvalidSettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SERVICE = "appeal-triage"
TRACES_PATH = "/v1/traces"
"""Where a collector takes traces, after its address."""

STORE_SPAN = "store"

_SPAN = "triage.span"


class Tracing:
    """Makes spans and sends them to a collector in the background.

    Parameters
    ----------
    endpoint
        The collector's address, as OpenTelemetry's own `OTEL_EXPORTER_OTLP_ENDPOINT` has it.

    Raises
    ------
    InvalidSettingsError
        The packages of the extra `telemetry` are missing.
    """

    def __init__(self, endpoint: str) -> None:
        if find_spec("opentelemetry.exporter.otlp.proto.http") is None:
            raise InvalidSettingsError(
                "TRIAGE_OTLP_ENDPOINT is set and OpenTelemetry's exporter is missing:"
                " pip install 'appeal-triage[telemetry]'"
            )
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # Not OpenTelemetry's global provider: MLflow traces its own work through that one.
        self._provider = TracerProvider(resource=Resource({SERVICE_NAME: SERVICE}))
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + TRACES_PATH)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer: Tracer = self._provider.get_tracer(SERVICE)

    def watch(self, engine: Engine) -> None:
        """Have each transaction that may write be a span."""

        def begin(connection: Connection) -> None:
            if not connection.get_execution_options().get("read_only", False):
                connection.info[_SPAN] = self.tracer.start_span(STORE_SPAN)

        def end(connection: Connection) -> None:
            if span := connection.info.pop(_SPAN, None):
                span.end()

        event.listen(engine, "begin", begin, insert=True)  # before SQLite waits for its lock
        event.listen(engine, "commit", end)
        event.listen(engine, "rollback", end)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class TracingMiddleware:
    """Makes a span of each request, under the sender's where it names one.

    Address, query and headers are left out: any of them may hold what somebody searched for.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracer = tracing.tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in WATCHED:
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, format_trace_id
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        status = 0

        async def watched_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        sender = TraceContextTextMapPropagator().extract(Headers(scope=scope))
        # The message of an exception may hold an appeal's text.
        with self._tracer.start_as_current_span(
            "request",
            context=sender,
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            trace_id = format_trace_id(span.get_span_context().trace_id)
            with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                await self._app(scope, receive, watched_send)
            span.set_attributes(_attributes(scope, status))


def _attributes(scope: Scope, status: int) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "http.request.method": scope["method"],
        "http.route": getattr(scope.get("route"), "path", None) or OTHER,
        "http.response.status_code": status,
        "triage.request_id": scope["request_id"],
    }
    if decision_id := scope.get(DECISION_ID):
        found["triage.decision_id"] = decision_id
    return found
