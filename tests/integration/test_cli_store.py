from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from api.bootstrap import build_service
from api.cli import app
from models.registry import ModelRegistry
from triage.appeal import Appeal
from triage.config import Settings
from triage.store.sessions import make_engine

Triage = Callable[..., Result]


@pytest.fixture
def triage(monkeypatch: pytest.MonkeyPatch, sqlite_home: Path, model_folder: Path) -> Triage:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(sqlite_home))
    monkeypatch.setenv("TRIAGE_MODEL", str(model_folder))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def decision_id(triage: Triage) -> str:
    """Of a decision that was just made."""
    settings = Settings()
    engine = make_engine(settings.store_url)
    service = build_service(settings, engine)
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    service.use(registry.load(settings.model))
    decision = service.submit(Appeal(text="Запах газа в подъезде"), actor="a")
    engine.dispose()
    return decision.id


def _execute(statement: str) -> None:
    engine = make_engine(Settings().store_url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_purge_counts_and_purges_what_is_old(triage: Triage, decision_id: str) -> None:
    assert triage("purge", "--older-than", "365d").stdout == "0 appeals purged\n"
    # As if it had been made long ago; the ledger knows better, but is not asked here.
    _execute("UPDATE decisions SET waits = false, decided_at = '2020-01-01 00:00:00.000000'")

    counted = triage("purge", "--older-than", "365d", "--dry-run")
    purged = triage("purge", "--older-than", "365d")
    again = triage("purge", "--older-than", "365d")

    assert counted.stdout == "1 appeals would be purged\n"
    assert (purged.exit_code, purged.stdout) == (0, "1 appeals purged\n")
    assert again.stdout == "0 appeals purged\n"
    replayed = triage("audit", "replay", decision_id)
    assert replayed.exit_code == 1
    assert "was removed" in replayed.stderr


@pytest.mark.parametrize("age", ["", "365", "0d", "-1d", "d", "1y"])
def test_purge_age_that_is_no_number_of_days_is_refused(triage: Triage, age: str) -> None:
    assert triage("purge", "--older-than", age).exit_code == 2


def test_purge_without_an_age_is_refused(triage: Triage) -> None:
    assert triage("purge").exit_code == 2


def test_audit_replay_says_that_it_is_the_same(triage: Triage, decision_id: str) -> None:
    result = triage("audit", "replay", decision_id.upper())
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("the same: ")


def test_audit_replay_other_versions_are_told(
    triage: Triage, decision_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_URGENT_HOURS", "1")
    result = triage("audit", "replay", decision_id)
    assert result.exit_code == 1
    assert "differs in: due_at\n" in result.stdout
    assert "policy: " in result.stdout


def test_audit_verify_counts_entries(triage: Triage, decision_id: str) -> None:
    assert triage("audit", "verify").stdout == "the ledger is intact: 2 entries\n"
    _execute("UPDATE appeals SET text = 'x'")
    broken = triage("audit", "verify")
    assert broken.exit_code == 1
    assert f"was changed: {decision_id}" in broken.stderr
