"""The policy that people set, over real stores, and the service that decides by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest
from starter_service import starter_rules, starter_service

from models.heads import Heads
from triage.appeal import Appeal
from triage.audit import Kind
from triage.errors import IncompatibleModelError, InvalidPolicyError
from triage.policies import PolicyBook
from triage.policy import Policy
from triage.service import TriageService
from triage.store import events
from triage.store.sessions import Sessions

STRICT = Policy(target_precision=0.99, urgent_hours=6)


@pytest.fixture
def service(sessions: Sessions) -> TriageService:
    return starter_service(sessions, rules=starter_rules())


@pytest.fixture
def book(sessions: Sessions, service: TriageService) -> PolicyBook:
    return PolicyBook(sessions, "astana", Policy(), apply=service.set_policy)


def test_current_without_any_is_that_of_the_settings(book):
    current = book.current()
    assert (current.policy, current.version, current.actor) == (Policy(), 0, None)
    assert book.history() == (current,)
    assert not book.refresh()


def test_set_is_kept_recorded_and_decided_by(book, service, loaded, sessions):
    service.use(loaded)
    before = service.versions.policy
    lenient = service.contract
    stored = book.set(STRICT, actor="dana", reason="complaints")
    assert (stored.version, stored.actor, stored.reason) == (1, "dana", "complaints")
    assert book.current() == stored
    assert [one.version for one in book.history()] == [1, 0]
    assert service.contract.target == 0.99
    assert service.contract.coverage < lenient.coverage
    assert service.versions.policy != before
    decided = service.submit(Appeal(text="Во дворе не убирают снег"), actor="ikomek")
    assert decided.versions.policy.startswith(STRICT.version)
    with sessions.read() as session:
        found = [one for batch in events.batches(session, city="astana", size=9) for one in batch]
    (event,) = [one for one in found if one.kind == Kind.POLICY_SET]
    assert (event.actor, event.subject_id) == ("dana", "1")
    assert event.payload["reason"] == "complaints"
    assert event.payload["from"] == asdict(Policy())
    assert event.payload["to"] == asdict(STRICT)
    assert service.verify_ledger() == len(found)


def test_refresh_takes_over_what_another_worker_set(book, service, sessions):
    other = PolicyBook(sessions, "astana", Policy())
    other.set(STRICT, actor="dana", reason="complaints")
    assert service.policy == Policy()
    assert book.refresh()
    assert service.policy == STRICT
    assert not book.refresh()


def test_set_before_a_model_is_loaded_holds_for_it(book, service, loaded):
    book.set(STRICT, actor="dana", reason="complaints")
    service.use(loaded)
    assert service.contract.target == 0.99


def test_set_for_one_city_leaves_another_alone(book, sessions):
    book.set(STRICT, actor="dana", reason="complaints")
    assert PolicyBook(sessions, "almaty", Policy()).current().version == 0


def test_set_with_the_version_seen_refuses_what_changed_since(book):
    book.set(STRICT, actor="dana", reason="complaints", expected_version=0)
    with pytest.raises(InvalidPolicyError, match="version 1 holds by now, set by dana") as caught:
        book.set(Policy(), actor="aigerim", reason="back", expected_version=0)
    assert caught.value.field == "expected_version"
    assert book.set(Policy(), actor="aigerim", reason="back", expected_version=1).version == 2


def test_set_by_many_at_once_loses_none(book, sessions):
    def set_one(number: int) -> int:
        own = PolicyBook(sessions, "astana", Policy())
        return own.set(Policy(urgent_hours=number), actor="a", reason="b").version

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(set_one, range(1, 9)))
    assert sorted(versions) == list(range(1, 9))
    assert len(book.history()) == 9


def test_current_reads_a_policy_of_before_a_number_was_added(book, sessions):
    from sqlalchemy import update

    from triage.store.tables import PolicyTable

    book.set(STRICT, actor="dana", reason="complaints")
    with sessions.write.begin() as session:
        session.execute(update(PolicyTable).values(numbers={"target_precision": 0.9, "gone": 1}))
    assert book.current().policy == Policy(target_precision=0.9)


REFUSED = {
    "target_precision": [0, 1, -0.1, 95, float("nan")],
    "confidence": [0, 1],
    "shortlist_coverage": [0, 1.0],
    "urgent_probability": [-0.01, 1.01, float("nan")],
    "secondary_probability": [0, 1.1],
    "urgent_hours": [0, -1, 1.5, 9000],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values]
)
def test_set_number_out_of_bounds_is_refused_and_named(name, value, sessions):
    book = PolicyBook(sessions, "astana", Policy())
    with pytest.raises(InvalidPolicyError, match=f"^{name} must ") as caught:
        book.set(replace(Policy(), **{name: value}), actor="dana", reason="a slip")
    assert caught.value.field == name
    assert book.current().version == 0


def test_set_without_a_reason_is_refused(book):
    with pytest.raises(InvalidPolicyError) as caught:
        book.set(STRICT, actor="dana", reason="\n ")
    assert caught.value.field == "reason"


def test_use_model_of_another_taxonomy_is_refused_and_the_old_one_stays(service, loaded):
    service.use(loaded)
    head = loaded.model.heads["topic"]
    renamed = replace(head, classes=("aliens.landing", *head.classes[1:]))
    strange = replace(loaded.model, heads=Heads(loaded.model.heads | {"topic": renamed}))
    with pytest.raises(IncompatibleModelError, match=r"appeal-triage/8.*topic: aliens\.landing"):
        service.use(replace(loaded, model=strange, version="8"))
    assert service.versions.model_version == "7"


def test_use_model_of_another_version_of_the_taxonomy_with_known_labels_serves(service, loaded):
    info = replace(loaded.model.info, taxonomy_version="older")
    service.use(replace(loaded, model=replace(loaded.model, info=info)))
    assert service.versions.model_version == "7"
