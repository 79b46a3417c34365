from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from access_checks import backend_of
from api_checks import RU, give_key, submit
from fastapi.testclient import TestClient
from health_cases import MakeDecision, fill
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from triage.config import Settings
from triage.store.sessions import make_sessions

N_DAY, N_BEFORE = 20, 120
GAUGES = {
    *("triage_audited_precision", "triage_audited_precision_low", "triage_contract_breaches"),
    *("triage_waiting", "triage_overdue", "triage_health_seconds"),
    *("triage_drift", "triage_drift_threshold"),
}


@pytest.fixture
def filled(client: TestClient, make_decision: MakeDecision) -> TestClient:
    """A client of a service whose last days are other than the weeks before."""
    sessions = make_sessions(backend_of(client).engine)
    now = datetime.now(UTC)
    fill(sessions, make_decision, since=now - timedelta(days=20), n=N_BEFORE, n_wrong=60)
    fill(sessions, make_decision, since=now - timedelta(hours=70), n=70, changed=True)
    submit(client, RU)
    backend_of(client).health.refresh()
    return client


def gauges(client: TestClient) -> dict[tuple[str, str, str], float]:
    """Return the samples of the gauges by name, figure and window."""
    return {
        (
            sample.name,
            sample.labels.get("figure", ""),
            sample.labels.get("window", ""),
        ): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name in GAUGES
    }


def test_monitor_tells_what_changed_and_what_is_broken(filled: TestClient) -> None:
    answer = filled.get("/monitor").json()

    states = {
        window: {one["name"]: one["state"] for one in found["figures"]}
        for window, found in answer["drifts"].items()
    }
    assert set(states["day"].values()) == {"too_few"}
    assert states["week"]["languages"] == states["week"]["topics"] == "warn"
    precision = answer["audited"]["precision"]
    assert precision["value"] == pytest.approx(130 / 190, abs=0.05)
    assert precision["state"] == "warn"
    assert precision in answer["audited"]["breaches"]
    assert [part["language"] for part in answer["audited"]["parts"]] == [None]
    assert answer["n_waiting"] >= 0
    week = answer["drifts"]["week"]
    assert week["reference"]["until"] == week["window"]["since"]


def test_metrics_have_the_gauges_of_the_summary(filled: TestClient) -> None:
    found, answer = gauges(filled), filled.get("/monitor").json()

    assert {name for name, _, _ in found} == GAUGES
    assert found["triage_contract_breaches", "", ""] == len(answer["audited"]["breaches"]) == 2
    drift = found["triage_drift", "languages", "week"]
    assert drift > found["triage_drift_threshold", "languages", "week"] >= 0.1
    # What says nothing is left out, or an alarm could take it for something.
    assert not any(window == "day" for _, _, window in found)
    assert found["triage_waiting", "", ""] == answer["n_waiting"]
    low = found["triage_audited_precision_low", "", ""]
    assert low < found["triage_audited_precision", "", ""] < 0.9


def test_summary_of_an_empty_store_is_made_in_the_background(client: TestClient) -> None:
    deadline = monotonic() + 30
    while ("triage_waiting", "", "") not in gauges(client) and monotonic() < deadline:
        sleep(0.05)

    found = gauges(client)
    assert found["triage_waiting", "", ""] == found["triage_contract_breaches", "", ""] == 0
    assert "triage_audited_precision" not in {name for name, _, _ in found}
    answer = client.get("/monitor").json()
    assert answer["audited"]["precision"]["value"] is None
    assert answer["drifts"]["week"]["figures"][0]["value"] is None


def test_service_without_a_model_still_tells_its_health(sqlite_home: Path) -> None:
    settings = Settings(home=sqlite_home, model=str(sqlite_home / "none"))
    with TestClient(create_app(settings)) as client:
        give_key(client)
        answer = client.get("/monitor")

    assert answer.status_code == 200
    assert answer.json()["audited"]["parts"] == []
