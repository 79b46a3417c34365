"""A moved alias, a broken version and a challenger, on a real registry and real stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest
from sqlalchemy import select
from starter_service import starter_rules, starter_service

from models import folder
from models.bundle import TriageModel
from models.errors import BrokenModelError, ModelNotFoundError
from models.registry import ModelRegistry
from triage.appeal import Appeal, Decision
from triage.following import KEPT, RETRY_SECONDS, SWAPPED, Follower
from triage.service import TriageService
from triage.shadowing import DROPPED, FAILED, MAX_WAITING, STORED, Shadow
from triage.store.sessions import Sessions
from triage.store.tables import DecisionTable, ShadowDecisionTable

NAME = "appeal-triage"
REFERENCE = f"models:/{NAME}@champion"
TEXTS = (
    "Во дворе третий день не убирают снег",
    "Автобус 46 опаздывает каждый день",
    "Подъезде жылу жоқ, батареи холодные",
    "№14 емханада кезек көп",
)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry(home: Path, model_folder: Path) -> Iterator[ModelRegistry]:
    """Version 1 is the small model, 2 never keeps its contract, 3 was altered in the registry."""
    before = mlflow.get_tracking_uri()
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    registry.log(model_folder, experiment="appeals", tags={}, name=NAME)
    folder.save(_never_sure(model_folder), home / "never-sure")
    registry.log(home / "never-sure", experiment="appeals", tags={}, name=NAME)
    manifests = set(_manifests(home))
    registry.log(model_folder, experiment="appeals", tags={}, name=NAME)
    (logged,) = set(_manifests(home)) - manifests
    (logged.parent / folder.MODEL).write_text("{}")
    yield registry
    mlflow.set_tracking_uri(before)


def _never_sure(model_folder: Path) -> TriageModel:
    model = folder.load(model_folder)
    sample = model.contract_samples["enterprise"]
    never_right = replace(sample, correct=sample.correct & False)
    return replace(model, contract_samples=model.contract_samples | {"enterprise": never_right})


def _manifests(home: Path) -> list[Path]:
    return list((home / "artifacts").rglob(folder.MANIFEST))


@pytest.fixture
def aliases(registry: ModelRegistry) -> Iterator[Callable[..., None]]:
    """Points aliases at versions, and at none again after the test."""
    client = mlflow.MlflowClient(registry.tracking_uri, registry.tracking_uri)

    def point(**versions: int) -> None:
        for alias, version in versions.items():
            registry.set_alias(NAME, alias, str(version))

    yield point
    for alias in ("champion", "challenger"):
        client.delete_registered_model_alias(NAME, alias)


@pytest.fixture
def service(sessions: Sessions) -> TriageService:
    return starter_service(sessions, rules=starter_rules())


@pytest.fixture
def shadow(sessions: Sessions) -> Shadow:
    return Shadow(sessions, "astana", share=1.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def follower(
    service: TriageService, shadow: Shadow, registry: ModelRegistry, clock: Clock
) -> Follower:
    return Follower(service, shadow, registry, REFERENCE, clock=clock)


def submit_all(service: TriageService, shadow: Shadow) -> list[Decision]:
    made = [service.submit(Appeal(text=text), actor="intake") for text in TEXTS]
    for decision in made:
        shadow.offer(decision)
    return made


def work_off(shadow: Shadow) -> int:
    shadow.work()
    return shadow.outcomes[STORED]


def test_look_moved_alias_swaps_the_model(service, follower, aliases):
    aliases(champion=1)
    follower.look()
    assert service.versions.model_version == "1"
    aliases(champion=2)
    follower.look()
    assert (service.versions.model_version, follower.error) == ("2", None)
    assert follower.outcomes == {SWAPPED: 2}


def test_look_alias_in_place_loads_nothing_again(follower, aliases):
    aliases(champion=1)
    follower.look()
    follower.look()
    assert follower.outcomes == {SWAPPED: 1}


def test_look_altered_version_keeps_what_serves_and_says_why(service, follower, aliases):
    aliases(champion=1)
    follower.look()
    aliases(champion=3)
    follower.look()
    follower.look()
    assert service.versions.model_version == "1"
    assert isinstance(follower.error, BrokenModelError)
    assert follower.outcomes == {SWAPPED: 1, KEPT: 1}  # not loaded at each look
    aliases(champion=2)
    follower.look()
    assert (service.versions.model_version, follower.error) == ("2", None)


def test_look_altered_version_is_tried_again_after_a_while(follower, aliases, clock):
    aliases(champion=3)
    follower.look()
    clock.seconds += RETRY_SECONDS
    follower.look()
    assert follower.outcomes == {KEPT: 2}


def test_look_no_alias_says_so_and_serves_once_there_is_one(service, follower, aliases):
    follower.look()
    assert isinstance(follower.error, ModelNotFoundError)
    aliases(champion=1)
    follower.look()
    assert (service.versions.model_version, follower.error) == ("1", None)


def test_look_folder_is_loaded_once(service, shadow, registry, model_folder):
    follower = Follower(service, shadow, registry, str(model_folder))
    follower.look()
    follower.look()
    assert follower.outcomes == {SWAPPED: 1}
    assert service.versions.model_version == "folder"


def test_shadow_stores_what_the_challenger_says_beside_the_decision(
    service, shadow, follower, aliases, sessions
):
    aliases(champion=1, challenger=2)
    follower.look()
    made = submit_all(service, shadow)
    assert work_off(shadow) == len(TEXTS)
    with sessions.read.begin() as session:
        rows = {row.decision_id: row for row in session.scalars(select(ShadowDecisionTable))}
        versions = set(session.scalars(select(DecisionTable.model_version)))
    assert set(rows) == {decision.id for decision in made}
    assert {row.model_version for row in rows.values()} == {"2"}
    assert "auto" not in {row.action for row in rows.values()}
    assert [rows[decision.id].enterprise for decision in made] == [
        decision.route.enterprise for decision in made
    ]
    assert versions == {"1"}
    assert service.verify_ledger() > len(TEXTS)


def test_shadow_agreement_and_differences_count_what_would_change(
    service, shadow, follower, aliases
):
    aliases(champion=1, challenger=2)
    follower.look()
    made = submit_all(service, shadow)
    work_off(shadow)
    automatic = [decision.id for decision in made if decision.action == "auto"]
    assert automatic
    agreement = shadow.agreement()
    assert (agreement.n_decisions, agreement.same_topic) == (len(TEXTS), len(TEXTS))
    assert (agreement.automatic, agreement.automatic_before) == (0, len(automatic))
    first = shadow.differences(NAME, "2", limit=1)
    rest = shadow.differences(NAME, "2", limit=50, cursor=first.next_cursor)
    assert [one.shadow.decision_id for one in first.items + rest.items] == automatic[::-1]
    assert rest.next_cursor is None


def test_shadow_without_a_challenger_keeps_nothing(service, shadow, follower, aliases):
    aliases(champion=1)
    follower.look()
    submit_all(service, shadow)
    assert work_off(shadow) == 0
    assert shadow.agreement() is None


def test_shadow_challenger_that_is_withdrawn_or_altered_is_let_go(
    service, shadow, follower, aliases, registry
):
    aliases(champion=1, challenger=2)
    follower.look()
    assert shadow.challenger is not None
    aliases(challenger=3)
    follower.look()
    assert shadow.challenger is None
    assert (service.versions.model_version, follower.error) == ("1", None)


def test_shadow_too_many_waiting_are_let_go_and_counted(service, shadow, follower, aliases):
    aliases(champion=1, challenger=2)
    follower.look()
    decision = service.submit(Appeal(text=TEXTS[0]), actor="intake")
    for _ in range(MAX_WAITING + 3):
        shadow.offer(decision)
    assert shadow.outcomes == {DROPPED: 3}


def test_shadow_share_is_that_of_decisions(service, sessions, registry):
    shadow = Shadow(sessions, "astana", share=0.25)
    shadow.use(service.prepare(registry.load(f"models:/{NAME}/2")))
    decision = shadow.challenger.decide(
        Appeal(text=TEXTS[0]), decision_id="0", at=datetime.now(UTC)
    )
    # A quarter of these is a tenth more than may wait: the rest is let go, and so counted.
    for number in range(round(4.4 * MAX_WAITING)):
        shadow.offer(replace(decision, id=str(number)))
    assert 0 < shadow.outcomes[DROPPED] < 200


def test_shadow_failing_challenger_is_counted_and_harms_nothing(service, shadow, follower, aliases):
    aliases(champion=1, challenger=2)
    follower.look()
    broken = replace(shadow.challenger, context=None)
    shadow.use(broken)
    submit_all(service, shadow)
    shadow.work()
    assert shadow.outcomes == {FAILED: len(TEXTS), STORED: 0}
