"""Promotion over a real MLflow registry and a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import ModelNotFoundError, RegistryUnavailableError
from models.registry import ModelRegistry
from triage.audit import Kind
from triage.errors import (
    GatesFailedError,
    InvalidPromotionError,
    ModelVersionNotFoundError,
    NothingToRollBackError,
)
from triage.promotion import GateReport, Promotion, gate_reports, gate_tags, gates_of
from triage.store import events
from triage.store.events import Event
from triage.store.sessions import Sessions

NAME = "triage"
PASSED = [GateReport("overall", True, "no loss")]
FAILED = [GateReport("overall", False, "much lost"), GateReport("taxonomy", True, "known")]


@pytest.fixture(scope="module")
def registry(
    tmp_path_factory: pytest.TempPathFactory, model_folder: Path
) -> Iterator[ModelRegistry]:
    """Three versions of one model; tests move its aliases."""
    import mlflow

    before = mlflow.get_tracking_uri()
    home = tmp_path_factory.mktemp("registry")
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    for _ in range(3):
        registry.log(model_folder, experiment="appeals", tags={}, name=NAME)
    yield registry
    mlflow.set_tracking_uri(before)


@pytest.fixture
def promotion(registry: ModelRegistry, sessions: Sessions) -> Promotion:
    """Nothing serves yet, and no version has been through the gates."""
    for alias in ("champion", "previous", "challenger"):
        registry.delete_alias(NAME, alias)
    for version in "123":
        registry.set_tags(NAME, version, gate_tags(PASSED, "none") | {"gates.against": "none"})
    return Promotion(registry, sessions, "astana", name=NAME)


def aliases(registry: ModelRegistry) -> dict[str, str]:
    return {alias: one.version for one in registry.list_versions(NAME) for alias in one.aliases}


def ledger(sessions: Sessions) -> list[Event]:
    with sessions.read() as session:
        return [one for batch in events.batches(session, city="astana", size=10) for one in batch]


def test_promote_first_champion_is_allowed_and_recorded(promotion, registry, sessions):
    moved = promotion.promote("1", actor="dana", reason="first model")
    assert (moved.before, moved.after, moved.gates, moved.forced) == (None, "1", "first", False)
    assert aliases(registry) == {"champion": "1"}
    (event,) = ledger(sessions)
    assert (event.kind, event.subject_id, event.actor) == (
        Kind.MODEL_PROMOTED,
        "triage/1",
        "dana",
    )
    assert event.payload == {
        **{"name": NAME, "from": None, "to": "1", "reason": "first model"},
        **{"gates": "first", "gates_failed": [], "forced": False},
    }
    assert promotion.unfinished() is None


def test_promote_version_that_passed_moves_the_aliases(promotion, registry, sessions):
    promotion.promote("1", actor="dana", reason="first")
    promotion.set_challenger("2", actor="dana")
    registry.set_tags(NAME, "2", gate_tags(PASSED, "1"))
    moved = promotion.promote("2", actor="dana", reason="better on Kazakh")
    assert (moved.before, moved.gates) == ("1", "passed")
    assert aliases(registry) == {"champion": "2", "previous": "1"}
    assert [event.payload.get("to") for event in ledger(sessions)] == ["1", "2", "2"]


def test_promote_version_that_failed_is_refused_with_the_list(promotion, registry, sessions):
    promotion.promote("1", actor="dana", reason="first")
    registry.set_tags(NAME, "2", gate_tags(FAILED, "1"))
    with pytest.raises(GatesFailedError, match=r"these gates:\noverall: much lost$"):
        promotion.promote("2", actor="dana", reason="please")
    assert aliases(registry) == {"champion": "1"}
    assert len(ledger(sessions)) == 1


def test_promote_forced_is_recorded_with_what_failed(promotion, registry, sessions):
    promotion.promote("1", actor="dana", reason="first")
    registry.set_tags(NAME, "2", gate_tags(FAILED, "1"))
    moved = promotion.promote("2", actor="admin", reason="new topics at once", force=True)
    assert moved.forced
    assert aliases(registry)["champion"] == "2"
    payload = ledger(sessions)[-1].payload
    assert (payload["gates"], payload["gates_failed"], payload["forced"]) == (
        "failed",
        ["overall"],
        True,
    )


def test_promote_gates_held_to_another_champion_do_not_count(promotion, registry):
    promotion.promote("1", actor="dana", reason="first")
    registry.set_tags(NAME, "2", gate_tags(PASSED, "1"))
    registry.set_tags(NAME, "3", gate_tags(PASSED, "1"))
    promotion.promote("2", actor="dana", reason="better")
    with pytest.raises(GatesFailedError, match="held to version 1, and version 2 serves by now"):
        promotion.promote("3", actor="dana", reason="better still")


@pytest.mark.parametrize("force", [False, True])
def test_promote_without_a_reason_is_refused(force, promotion, sessions):
    with pytest.raises(InvalidPromotionError) as caught:
        promotion.promote("1", actor="dana", reason=" ", force=force)
    assert caught.value.field == "reason"
    with pytest.raises(InvalidPromotionError):
        promotion.rollback(actor="dana", reason="")
    assert ledger(sessions) == []


def test_promote_unknown_version_is_not_found_and_not_recorded(promotion, sessions):
    for version in ("99", "latest"):
        with pytest.raises(ModelVersionNotFoundError, match=f"no version {version}"):
            promotion.promote(version, actor="dana", reason="typo")
    assert ledger(sessions) == []


def test_rollback_serves_the_one_before_and_again_undoes_that(promotion, registry, sessions):
    promotion.promote("1", actor="dana", reason="first")
    with pytest.raises(NothingToRollBackError):
        promotion.rollback(actor="dana", reason="no")
    promotion.promote("2", actor="dana", reason="new", force=True)
    moved = promotion.rollback(actor="aigerim", reason="too many overrides")
    assert (moved.before, moved.after) == ("2", "1")
    assert aliases(registry) == {"champion": "1", "previous": "2"}
    event = ledger(sessions)[-1]
    assert (event.kind, event.actor) == (Kind.MODEL_ROLLED_BACK, "aigerim")
    assert event.payload["reason"] == "too many overrides"
    promotion.rollback(actor="dana", reason="a mistake")
    assert aliases(registry) == {"champion": "2", "previous": "1"}


class CrashingRegistry(ModelRegistry):
    """A registry that is gone when an alias is to be moved."""

    def set_alias(self, name: str, alias: str, version: str) -> None:
        raise RegistryUnavailableError(f"{name}@{alias} {version}")


def test_promote_crash_before_the_move_is_seen_and_repaired(
    promotion, registry, sessions, tmp_path
):
    promotion.promote("1", actor="dana", reason="first")
    crashing = CrashingRegistry(registry.tracking_uri, tmp_path)
    with pytest.raises(RegistryUnavailableError):
        Promotion(crashing, sessions, "astana", name=NAME).promote(
            "2", actor="dana", reason="new", force=True
        )
    assert aliases(registry) == {"champion": "1"}
    event = promotion.unfinished()
    assert event is not None
    assert (event.subject_id, event.payload["from"]) == ("triage/2", "1")
    promotion.promote("2", actor="dana", reason="again", force=True)
    assert promotion.unfinished() is None
    assert aliases(registry) == {"champion": "2", "previous": "1"}


def test_unfinished_alias_moved_past_the_service_is_seen(promotion, registry):
    promotion.promote("1", actor="dana", reason="first")
    registry.set_alias(NAME, "champion", "3")
    assert promotion.unfinished().payload["to"] == "1"


def test_unfinished_other_models_and_cities_do_not_count(promotion, registry, sessions):
    promotion.promote("1", actor="dana", reason="first")
    registry.set_alias(NAME, "champion", "3")
    assert Promotion(registry, sessions, "almaty", name=NAME).unfinished() is None
    assert Promotion(registry, sessions, "astana", name="tri").unfinished() is None


def test_set_challenger_sets_and_removes_the_alias(promotion, registry, sessions):
    promotion.promote("1", actor="dana", reason="first")
    promotion.set_challenger("3", actor="dana")
    assert aliases(registry)["challenger"] == "3"
    promotion.set_challenger(None, actor="dana")
    assert "challenger" not in aliases(registry)
    with pytest.raises(InvalidPromotionError, match="serves already"):
        promotion.set_challenger("1", actor="dana")
    with pytest.raises(ModelVersionNotFoundError):
        promotion.set_challenger("99", actor="dana")
    found = [one.payload for one in ledger(sessions) if one.kind == Kind.CHALLENGER_SET]
    assert found == [
        {"name": NAME, "from": None, "to": "3"},
        {"name": NAME, "from": "3", "to": None},
    ]


def test_models_newest_first_with_tags_metrics_and_verdict(promotion, registry):
    promotion.promote("1", actor="dana", reason="first")
    registry.set_tags(NAME, "3", gate_tags(FAILED, "1"))
    models = promotion.models()
    assert [one.version for one in models] == ["3", "2", "1"]
    assert models[2].aliases == ("champion",)
    assert models[0].metrics["cv_topic_accuracy"] > 0
    assert [gates_of(one, "1") for one in models] == ["failed", "outdated", "outdated"]
    assert gate_reports(models[0]) == tuple(FAILED)


def test_models_unknown_name_has_none(registry, sessions):
    assert Promotion(registry, sessions, "astana", name="unheard").models() == []


def test_registry_find_set_tags_and_delete_alias_unknown_are_not_found(registry):
    calls = [
        lambda: registry.find_version(NAME, "99"),
        lambda: registry.set_tags(NAME, "99", {"a": "b"}),
        lambda: registry.delete_alias("unheard", "champion"),
    ]
    for call in calls:
        with pytest.raises(ModelNotFoundError):
            call()


def test_registry_log_run_keeps_all_and_nests(registry, tmp_path):
    from mlflow import MlflowClient

    (tmp_path / "report.md").write_text("# report", encoding="utf-8")
    common = {"experiment": "comparisons", "parameters": {"n": 3}, "metrics": {"accuracy": 0.5}}
    run = registry.log_run(name="one", tags={"champion": "triage/1"}, artifacts=tmp_path, **common)
    nested = registry.log_run(name="two", tags={}, parent=run, **common)
    client = MlflowClient(registry.tracking_uri)
    found = client.get_run(run)
    assert (found.data.params, found.data.metrics) == ({"n": "3"}, {"accuracy": 0.5})
    assert found.data.tags["champion"] == "triage/1"
    assert (found.info.run_name, found.info.status) == ("one", "FINISHED")
    assert [one.path for one in client.list_artifacts(run)] == ["report.md"]
    assert client.get_run(nested).data.tags["mlflow.parentRunId"] == run
