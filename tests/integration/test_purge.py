from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stored
from sqlalchemy import Engine, select

from triage import audit, purge
from triage.appeal import Action, Decision, Review
from triage.errors import BrokenLedgerError
from triage.place import Kind, Place
from triage.purge import Purge, without_words
from triage.search import stems
from triage.store import decisions
from triage.store.decisions import StoredDecision
from triage.store.events import Event
from triage.store.search import STEMS
from triage.store.sessions import Sessions
from triage.store.tables import DecisionTable, LedgerEventTable

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
YEAR = timedelta(days=365)
OLD, YOUNG = NOW - YEAR - timedelta(seconds=1), NOW - YEAR + timedelta(seconds=1)
CITY = "astana"
SECRET = "Келинбетова жалуется на холодные батареи"

MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]


@dataclass(frozen=True)
class Store:
    """Stores as the service does, and purges."""

    sessions: Sessions
    engine: Engine

    def submit(self, decision: Decision) -> str:
        stored.submit(self.sessions, decision, CITY)
        return decision.id

    def review(self, review: Review) -> None:
        stored.add_review(self.sessions, review, CITY)

    def purge(self, older_than: timedelta = YEAR) -> int:
        return self.purger().run(older_than, actor="cli:root")

    def purger(self) -> Purge:
        return Purge(self.sessions, CITY, clock=lambda: NOW)

    def get(self, decision_id: str) -> StoredDecision:
        with self.sessions.read.begin() as session:
            found = decisions.get(session, city=CITY, decision_id=decision_id)
        assert found is not None
        return found

    def verify(self) -> int:
        return stored.verify(self.sessions, CITY)

    def broken(self) -> str:
        with pytest.raises(BrokenLedgerError) as caught:
            self.verify()
        return str(caught.value)

    def tamper(self, statement: str, **parameters: str) -> None:
        stored.tamper(self.engine, statement, **parameters)


@pytest.fixture
def store(sessions: Sessions, engine: Engine) -> Store:
    return Store(sessions, engine)


@pytest.fixture
def make_old(make_decision: MakeDecision, make_appeal: Callable[..., Any]) -> MakeDecision:
    def make(**overrides: Any) -> Decision:
        appeal = make_appeal(text=SECRET, sender="77" * 32)
        return make_decision(**{"decided_at": OLD, "appeal": appeal} | overrides)

    return make


def test_purge_old_decision_loses_the_words_and_nothing_else(
    store: Store, make_old: MakeDecision
) -> None:
    decision = make_old()
    store.submit(decision)

    assert store.purge() == 1

    stored = store.get(decision.id)
    appeal, route = decision.appeal, decision.route
    street = Place(Kind.STREET, "проспект Кабанбай батыра", 0, 0, 0.97)
    assert stored.purged_at == NOW
    assert stored.decision == replace(
        decision,
        appeal=replace(appeal, text="", address=None, coordinates=None, sender=None),
        route=replace(route, places=(street,)),
        urgency=replace(decision.urgency, danger_words=()),
    )
    assert store.verify() == 2


def test_purge_young_or_waiting_decisions_stay(store: Store, make_old: MakeDecision) -> None:
    young, waiting = make_old(decided_at=YOUNG), make_old(action=Action.REVIEW)
    for decision in (young, waiting):
        store.submit(decision)

    assert store.purger().count(YEAR) == store.purge() == 0
    assert [store.get(one.id).decision for one in (young, waiting)] == [young, waiting]


def test_purge_reviewed_decision_waits_no_longer(
    store: Store, make_old: MakeDecision, make_review: MakeReview
) -> None:
    waiting = make_old(action=Action.REVIEW)
    store.submit(waiting)
    store.review(make_review(waiting.id))

    assert store.purge() == 1


def test_purge_second_run_finds_nothing(store: Store, make_old: MakeDecision) -> None:
    store.submit(make_old())

    assert [store.purger().count(YEAR), store.purge(), store.purge()] == [1, 1, 0]
    assert store.purger().count(YEAR) == 0
    assert store.verify() == 2


def test_purge_other_city_stays(store: Store, sessions: Sessions, make_old: MakeDecision) -> None:
    store.submit(make_old())

    assert Purge(sessions, "almaty", clock=lambda: NOW).run(YEAR, actor="cli:root") == 0


def test_purge_many_batches_told_and_verified(
    store: Store, make_old: MakeDecision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 3)
    for _ in range(10):
        store.submit(make_old())

    assert store.purge() == 10
    assert store.verify() == 20


def test_purge_cut_short_is_gone_on_with(
    store: Store, make_old: MakeDecision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    for _ in range(5):
        store.submit(make_old())

    class Interrupted:
        """A progress that is interrupted after three appeals, in the second batch."""

        def track(self, step: str, items: Any, total: int | None = None) -> Any:
            for count, item in enumerate(items):
                if count == 3:
                    raise KeyboardInterrupt
                yield item

    with pytest.raises(KeyboardInterrupt):
        store.purger().run(YEAR, actor="cli:root", progress=Interrupted())

    assert store.verify() == 5 + 4
    assert store.purge() == 1
    assert store.verify() == 10


def test_purge_review_reasons_are_masked(
    store: Store, make_old: MakeDecision, make_review: MakeReview
) -> None:
    decision = make_old()
    store.submit(decision)
    plain = make_review(decision.id, reason="не тот исполнитель")
    telling = make_review(decision.id, reason="звонила, 87011234567", enterprise="osi-18")
    for review in (plain, telling):
        store.review(review)

    store.purge()

    assert [one.reason for one in store.get(decision.id).reviews] == [
        "не тот исполнитель",
        "звонила, [телефон]",
    ]
    assert store.verify() == 4
    store.tamper("UPDATE reviews SET reason = 'другая' WHERE id = :the_id", the_id=telling.id)
    assert store.broken().endswith(f"was changed: {telling.id}")


def test_purge_review_that_comes_later_is_whole(
    store: Store, make_old: MakeDecision, make_review: MakeReview
) -> None:
    decision = make_old()
    store.submit(decision)
    store.purge()

    store.review(make_review(decision.id))

    assert store.verify() == 3


def test_purge_stems_are_gone(store: Store, make_old: MakeDecision) -> None:
    decision_id = store.submit(make_old())
    [stem] = stems("батареи", "ru")
    with store.engine.begin() as connection:
        found = connection.execute(select(STEMS.c.stems)).scalars().all()
        assert any(stem in one for one in found)

    store.purge()

    with store.engine.begin() as connection:
        assert connection.execute(select(STEMS.c.stems)).scalars().all() == []
        row = select(DecisionTable.search_row).where(DecisionTable.id == decision_id)
        assert connection.scalar(row) is None


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_purge_words_are_gone_from_the_file(
    store: Store, make_old: MakeDecision, tmp_path: Path
) -> None:
    for _ in range(50):
        store.submit(make_old())
    words = [SECRET.encode(), "батыр даңғылы".encode(), b"77" * 32]
    store.engine.dispose()
    file = tmp_path / "triage.db"
    assert all(word in file.read_bytes() for word in words)

    store.purge()

    store.engine.dispose()
    assert not any(word in file.read_bytes() for word in words)


def test_purge_event_tells_who_when_and_digests(store: Store, make_old: MakeDecision) -> None:
    decision = make_old()
    store.submit(decision)
    store.purge()

    with store.engine.begin() as connection:
        statement = select(LedgerEventTable.__table__).where(LedgerEventTable.sequence == 2)
        event = Event(**connection.execute(statement).mappings().one())
    assert (event.kind, event.subject_id, event.actor, event.at) == (
        *("appeal.purged", decision.id, "cli:root"),
        NOW,
    )
    assert event.payload == {
        "digest_before": audit.decision_digest(decision),
        "digest_after": audit.decision_digest(without_words(decision)),
        "reviews": {},
    }


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE appeals SET text = 'текст' WHERE id = :the_id",
        "UPDATE appeals SET address = 'Абая 1' WHERE id = :the_id",
        "UPDATE appeals SET original_digest = 'other' WHERE id = :the_id",
        "UPDATE appeals SET purged_at = '2026-03-02 00:00:00.000000' WHERE id = :the_id",
        "UPDATE appeals SET purged_at = NULL WHERE id = :the_id",
        "UPDATE appeals SET purged_at = NULL, original_digest = NULL WHERE id = :the_id",
        "UPDATE decisions SET topic = 'other' WHERE id = :the_id",
        "UPDATE decisions SET action = 'review', waits = true WHERE id = :the_id",
    ],
)
def test_verify_purged_row_changed_later_is_found(
    change: str, store: Store, make_old: MakeDecision
) -> None:
    decision_id = store.submit(make_old())
    store.purge()
    assert store.verify() == 2

    store.tamper(change, the_id=decision_id)

    assert store.broken().endswith(f"was changed: {decision_id}")


def test_verify_row_marked_purged_without_an_event_is_found(
    store: Store, make_old: MakeDecision
) -> None:
    decision = make_old()
    store.submit(decision)

    store.tamper(
        "UPDATE appeals SET text = 'всё хорошо', purged_at = '2026-03-02 00:00:00.000000',"
        " original_digest = :digest WHERE id = :the_id",
        the_id=decision.id,
        digest=audit.decision_digest(decision),
    )

    assert store.broken() == f"no event records the purge of {decision.id}"


def test_verify_event_of_a_purge_whose_row_has_its_text_is_found(
    store: Store, make_old: MakeDecision
) -> None:
    decision = make_old()
    store.submit(decision)
    with store.sessions.write.begin() as session:
        audit.append(
            session,
            city=CITY,
            kind=audit.Kind.APPEAL_PURGED,
            subject_id=decision.id,
            actor="cli:root",
            payload={
                "digest_before": audit.decision_digest(decision),
                "digest_after": audit.decision_digest(without_words(decision)),
                "reviews": {},
            },
            at=NOW,
        )

    assert store.broken() == (f"what event 2 (appeal.purged) records was changed: {decision.id}")
