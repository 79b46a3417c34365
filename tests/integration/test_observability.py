from __future__ import annotations

import re
from pathlib import Path

import pytest
from api_checks import KK, RU, give_key, submit
from fastapi.testclient import TestClient

from api.app import create_app
from triage.config import Settings


@pytest.fixture
def client(sqlite_home: Path, model_folder: Path) -> TestClient:
    client = TestClient(create_app(Settings(home=sqlite_home, model=str(model_folder))))
    give_key(client)
    return client


def _last_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = [line for line in capsys.readouterr().out.splitlines() if "request.served" in line]
    return re.sub(r"\x1b\[[0-9;]*m", "", lines[-1])


def test_log_of_a_decision_has_its_id(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with client:
        made = submit(client, KK, appeal_id="109-1")["decision_id"]
        assert f"decision_id={made}" in _last_line(capsys)
        submit(client, KK, appeal_id="109-1")
        assert f"decision_id={made}" in _last_line(capsys)
        client.get(f"/decisions/{made.upper()}")
        assert f"decision_id={made}" in _last_line(capsys)
        client.get(f"/decisions/{RU}")
        assert "decision_id=" not in _last_line(capsys)


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

    assert "status=422" in refused
    assert "code=" in refused
    assert "code=store_unavailable" in failed
    assert [line for line in metrics.splitlines() if line.startswith("triage_errors_total")] == [
        'triage_errors_total{code="store_unavailable"} 1.0'
    ]
