"""Traces, as a collector receives them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from api_checks import KK, RU, give_key, submit
from fastapi.testclient import TestClient

from api.app import create_app
from triage.config import Settings
from triage.errors import InvalidSettingsError

trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="needs extra `telemetry`"
)

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Takes traces over HTTP as OpenTelemetry's own collector does, and keeps them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        kept = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    kept.append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Any]:
        requests = [trace_service.ExportTraceServiceRequest.FromString(b) for b in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
    thread.join()


def _attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_traces_of_a_request_reach_the_collector_without_its_text(
    collector: Collector, sqlite_home: Path, model_folder: Path
) -> None:
    settings = Settings(home=sqlite_home, model=str(model_folder), otlp_endpoint=collector.url)
    with TestClient(create_app(settings)) as client:
        give_key(client)
        client.headers["traceparent"] = f"00-{TRACE}-{PARENT}-01"
        answer = submit(client, KK, address="Сығанақ 10")
        client.get("/queue", params={"search": "тайна"})
        client.get("/metrics")

    spans = collector.spans()
    requests = {_attributes(span).get("http.route"): span for span in spans if span.kind == 2}
    posted = requests["/classify"]
    assert posted.trace_id.hex() == TRACE
    assert posted.parent_span_id.hex() == PARENT
    assert _attributes(posted)["triage.decision_id"] == answer["decision_id"]
    assert _attributes(posted)["http.response.status_code"] == 200
    assert "/metrics" not in requests
    assert any(span.name == "store" for span in spans)
    sent = b"".join(collector.bodies).decode(errors="replace")
    assert not any(word in sent for word in (*KK.split(), "Сығанақ", "тайна", "search"))


def test_traces_failing_request_tells_no_text(
    collector: Collector, sqlite_home: Path, model_folder: Path
) -> None:
    settings = Settings(home=sqlite_home, model=str(model_folder), otlp_endpoint=collector.url)
    with TestClient(create_app(settings)) as client:
        with client.app.state.backend.engine.begin() as connection:  # type: ignore[attr-defined]  # typed as a bare ASGI app
            connection.exec_driver_sql("ALTER TABLE appeals RENAME COLUMN text TO words")
        assert client.post("/classify", json={"text": RU}).status_code == 503

    [failed] = [span for span in collector.spans() if span.kind == 2]
    assert _attributes(failed)["http.response.status_code"] == 503
    assert not any(
        word in b"".join(collector.bodies).decode(errors="replace") for word in RU.split()
    )


def test_app_with_traces_wanted_and_no_exporter_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("api.telemetry.find_spec", lambda name: util.find_spec("no_such_package"))
    settings = Settings(home=tmp_path, otlp_endpoint="http://127.0.0.1:4318")

    with pytest.raises(InvalidSettingsError, match=r"appeal-triage\[telemetry\]"):
        create_app(settings)


@pytest.mark.parametrize("endpoint", ["collector:4318", "ftp://collector"])
def test_settings_endpoint_that_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="otlp_endpoint"):
        Settings(otlp_endpoint=endpoint)
