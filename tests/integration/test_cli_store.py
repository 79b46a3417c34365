from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from api.bootstrap import build_policies, build_service
from api.cli import app
from models.registry import ModelRegistry
from triage.appeal import Appeal
from triage.config import CHAMPION, MODEL_NAME, Settings
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


@pytest.fixture
def registered_triage(home: Path, monkeypatch: pytest.MonkeyPatch) -> Triage:
    """Commands on a registry of two versions, the first of them the champion."""
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)
    monkeypatch.delenv("TRIAGE_MODEL", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(home))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_audit_replay_decides_by_the_model_and_policy_of_then(registered_triage: Triage) -> None:
    settings = Settings()
    engine = make_engine(settings.store_url)
    service = build_service(settings, engine)
    policies = build_policies(settings, engine, service)
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    service.use(registry.load(settings.model))
    decision = service.submit(Appeal(text="Запах газа в подъезде"), actor="a")
    registry.set_alias(MODEL_NAME, CHAMPION, "2")
    policies.set(replace(service.policy, urgent_hours=1), actor="a", reason="test")
    engine.dispose()

    by_then = registered_triage("audit", "replay", decision.id)
    by_today = registered_triage("audit", "replay", decision.id, "--today")

    assert by_then.exit_code == 0, by_then.output
    assert len(by_then.stdout.splitlines()) == 1
    assert by_today.exit_code == 1
    assert "differs in: due_at\n" in by_today.stdout
    assert "model_version: 1 then, 2 now\n" in by_today.stdout

    _delete_version(settings, "1")
    gone = registered_triage("audit", "replay", decision.id)
    assert gone.exit_code == 1
    assert "models:/appeal-triage/1" in gone.stderr


def _delete_version(settings: Settings, version: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    client.delete_model_version(MODEL_NAME, version)


@pytest.mark.parametrize("unknown", ["00000000-0000-7000-8000-000000000000", "x", ""])
def test_audit_replay_unknown_decision_is_told(triage: Triage, unknown: str) -> None:
    result = triage("audit", "replay", unknown)
    assert result.exit_code == 1
    assert result.stderr == f"error: no decision {unknown}\n"
