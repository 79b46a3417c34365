from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from api_checks import KK, RU, give_key, submit
from fastapi.testclient import TestClient

from api.app import create_app
from triage.config import Settings
from triage.console import log_to_stderr


@pytest.fixture
def client(sqlite_home: Path, model_folder: Path) -> TestClient:
    client = TestClient(create_app(Settings(home=sqlite_home, model=str(model_folder))))
    give_key(client)
    return client


@pytest.fixture(autouse=True)
def logging() -> Iterator[None]:
    """Log as a server does, whatever other tests of this process have set."""
    before = structlog.get_config()
    log_to_stderr()
    yield
    structlog.configure(**before)


def _last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [line for line in capsys.readouterr().err.splitlines() if "request.served" in line]
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def test_log_of_a_decision_has_its_id(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with client:
        made = submit(client, KK, appeal_id="109-1")["decision_id"]
        assert _last_line(capsys)["decision_id"] == made
        submit(client, KK, appeal_id="109-1")
        assert _last_line(capsys)["decision_id"] == made
        client.get(f"/decisions/{made.upper()}")
        assert _last_line(capsys)["decision_id"] == made
        client.get(f"/decisions/{RU}")
        assert "decision_id" not in _last_line(capsys)


def test_log_and_metrics_of_a_failure_have_its_code(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with client:
        client.post("/classify", json={"text": ""})
        refused = _last_line(capsys)
        with client.app.state.backend.engine.begin() as connection:  # type: ignore[attr-defined]  # typed as a bare ASGI app
            connection.exec_driver_sql("ALTER TABLE appeals RENAME COLUMN text TO words")
        client.post("/classify", json={"text": RU})
        failed = _last_line(capsys)
        metrics = client.get("/metrics").text

    assert refused["status"] == 422
    assert refused["code"] == "text_empty"
    assert failed["code"] == "store_unavailable"
    assert [line for line in metrics.splitlines() if line.startswith("triage_errors_total")] == [
        'triage_errors_total{code="store_unavailable"} 1.0'
    ]
