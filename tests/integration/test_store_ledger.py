from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool
from uuid_utils import uuid7

from triage import audit, verification
from triage.appeal import Appeal, Decision, Review
from triage.audit import Kind
from triage.errors import BrokenLedgerError
from triage.store import appeals, cities, decisions, events, reviews
from triage.store.events import Event
from triage.store.sessions import Sessions
from triage.store.tables import GENESIS_HASH, AppealTable, DecisionTable, ReviewTable, Table

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
ASTANA = timezone(timedelta(hours=5))

MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]


def load(sessions: Sessions, city: str = "astana", **overrides: Any) -> Event:
    fields: dict[str, Any] = {
        "kind": Kind.MODEL_LOADED,
        "subject_id": "3",
        "actor": "service",
        "payload": {"атауы": "үлгі 🧭", "at": NOW, "shares": (0.1 + 0.2, 1)},
        "at": NOW,
    }
    with sessions.write.begin() as session:
        return audit.append(session, city=city, **fields | overrides)


def submit(sessions: Sessions, decision: Decision, city: str = "astana") -> None:
    with sessions.write.begin() as session:
        decisions.add(session, city=city, decision=decision, submitted_by="ikomek")
        audit.append_decision(session, city=city, decision=decision, actor="ikomek")


def correct(sessions: Sessions, review: Review) -> None:
    with sessions.write.begin() as session:
        version = reviews.add(session, city="astana", review=review, expected_version=None)
        audit.append_review(session, city="astana", review=review, version=version)


def verify(sessions: Sessions, city: str = "astana") -> int:
    with sessions.read() as session:
        return audit.verify(session, city=city)


@pytest.fixture
def filled(
    sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview
) -> tuple[Decision, Decision, Review, Review]:
    """A ledger: 1 a model, 2 and 3 decisions, 4 and 5 reviews of the first, 6 a model."""
    first, second = make_decision(), make_decision()
    earlier = make_review(first.id)
    later = make_review(first.id, enterprise="osi-18")
    load(sessions)
    submit(sessions, first)
    submit(sessions, second)
    correct(sessions, earlier)
    correct(sessions, later)
    load(sessions, subject_id="4")
    return first, second, earlier, later


def tamper(engine: Engine, *statements: str, **parameters: str) -> None:
    """Change rows behind the service's back, foreign keys or not."""
    # SQLite checks foreign keys only where it is asked to, as the service's own engine does.
    theirs = create_engine(engine.url, poolclass=NullPool)
    with theirs.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            done = connection.execute(text(statement), parameters)
            assert done.rowcount > 0, f"changed nothing: {statement}"


def broken(sessions: Sessions, city: str = "astana") -> tuple[int, str]:
    with pytest.raises(BrokenLedgerError) as caught:
        verify(sessions, city)
    return caught.value.sequence, str(caught.value)


def test_append_first_event_follows_genesis(sessions: Sessions) -> None:
    first, second = load(sessions), load(sessions)
    assert (first.sequence, first.previous_hash) == (1, GENESIS_HASH)
    assert (second.sequence, second.previous_hash) == (2, first.hash)
    with sessions.read() as session:
        assert cities.head(session, city="astana") == cities.Head(2, second.hash)


def test_append_event_comes_back_as_it_was_hashed(sessions: Sessions) -> None:
    event = load(sessions, at=NOW.astimezone(ASTANA))
    with sessions.read() as session:
        [[found]] = events.batches(session, city="astana", size=10)
    assert found == event
    assert audit.event_hash(found) == event.hash
    assert found.payload["shares"] == [0.1 + 0.2, 1]


def test_append_rolled_back_leaves_no_gap(sessions: Sessions) -> None:
    load(sessions)
    with sessions.write() as session:
        audit.append(
            session,
            city="astana",
            kind=Kind.MODEL_LOADED,
            subject_id="3",
            actor="service",
            payload={},
            at=NOW,
        )
        session.rollback()
    assert load(sessions).sequence == 2
    assert verify(sessions) == 2


@pytest.mark.usefixtures("filled")
def test_verify_untouched_ledger_returns_number_of_events(sessions: Sessions) -> None:
    assert verify(sessions) == 6


def test_verify_empty_city_returns_zero(sessions: Sessions) -> None:
    assert verify(sessions) == 0


@pytest.mark.usefixtures("filled")
def test_verify_cities_are_apart(
    sessions: Sessions, engine: Engine, make_decision: MakeDecision
) -> None:
    submit(sessions, make_decision(), city="almaty")
    assert verify(sessions, "almaty") == 1
    tamper(engine, "UPDATE ledger_events SET actor = 'x' WHERE city = 'almaty'")
    assert broken(sessions, "almaty")[0] == 1
    assert verify(sessions, "astana") == 6


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "change",
    [
        "kind = 'other'",
        "subject_id = 'other'",
        "actor = 'other'",
        "at = '2020-01-01 00:00:00.000000'",
        "payload = '{}'",
        "previous_hash = 'other'",
        "hash = 'other'",
    ],
    ids=lambda change: change.partition(" ")[0],
)
def test_verify_changed_event_is_found(change: str, sessions: Sessions, engine: Engine) -> None:
    tamper(engine, f"UPDATE ledger_events SET {change} WHERE sequence = 4")
    assert broken(sessions) == (4, "event 4 was changed")


@pytest.mark.usefixtures("filled")
def test_verify_several_changed_events_names_the_first(sessions: Sessions, engine: Engine) -> None:
    for sequence in (6, 3, 1):
        tamper(engine, f"UPDATE ledger_events SET actor = 'x' WHERE sequence = {sequence}")
        assert broken(sessions) == (sequence, f"event {sequence} was changed")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("sequence", [1, 3, 6])
def test_verify_deleted_event_is_found(sequence: int, sessions: Sessions, engine: Engine) -> None:
    tamper(engine, f"DELETE FROM ledger_events WHERE sequence = {sequence}")
    assert broken(sessions) == (sequence, f"event {sequence} is missing")


@pytest.mark.usefixtures("filled")
def test_verify_deleted_ledger_is_found(sessions: Sessions, engine: Engine) -> None:
    tamper(engine, "DELETE FROM ledger_events")
    assert broken(sessions) == (1, "event 1 is missing")


@pytest.mark.usefixtures("filled")
def test_verify_deleted_and_closed_up_is_found(sessions: Sessions, engine: Engine) -> None:
    tamper(
        engine,
        "DELETE FROM ledger_events WHERE sequence = 3",
        *(
            f"UPDATE ledger_events SET sequence = {after - 1} WHERE sequence = {after}"
            for after in (4, 5, 6)
        ),
    )
    assert broken(sessions) == (3, "event 3 was changed")


@pytest.mark.usefixtures("filled")
def test_verify_swapped_events_are_found(sessions: Sessions, engine: Engine) -> None:
    tamper(
        engine,
        "UPDATE ledger_events SET sequence = 99 WHERE sequence = 2",
        "UPDATE ledger_events SET sequence = 2 WHERE sequence = 5",
        "UPDATE ledger_events SET sequence = 5 WHERE sequence = 99",
    )
    assert broken(sessions) == (2, "event 2 was changed")


def _forged(event: Event, **changes: Any) -> Event:
    changed = replace(event, **changes)
    return replace(changed, hash=audit.event_hash(changed))


def _event(sessions: Sessions, sequence: int) -> Event:
    with sessions.read() as session:
        [found] = events.batches(session, city="astana", size=9)
    return found[sequence - 1]


def _add_forged(sessions: Sessions, event: Event) -> None:
    with sessions.write.begin() as session:
        events.add_all(session, events=[event])


@pytest.mark.usefixtures("filled")
def test_verify_inserted_event_with_right_hash_is_found(sessions: Sessions, engine: Engine) -> None:
    inserted = _forged(_event(sessions, 3), actor="forger", kind="model.loaded")
    tamper(
        engine,
        *(
            f"UPDATE ledger_events SET sequence = {at + 1} WHERE sequence = {at}"
            for at in (6, 5, 4, 3)
        ),
    )
    _add_forged(sessions, inserted)
    assert broken(sessions) == (4, "event 4 was changed")


@pytest.mark.usefixtures("filled")
def test_verify_rewritten_event_with_right_hash_is_found_at_the_next(
    sessions: Sessions, engine: Engine
) -> None:
    rewritten = _forged(_event(sessions, 3), at=NOW - timedelta(days=1))
    tamper(engine, "DELETE FROM ledger_events WHERE sequence = 3")
    _add_forged(sessions, rewritten)
    assert broken(sessions) == (4, "event 4 does not follow the event before it")


@pytest.mark.usefixtures("filled")
def test_verify_rewritten_last_event_is_found_by_the_head(
    sessions: Sessions, engine: Engine
) -> None:
    rewritten = _forged(_event(sessions, 6), actor="forger")
    tamper(engine, "DELETE FROM ledger_events WHERE sequence = 6")
    _add_forged(sessions, rewritten)
    assert broken(sessions) == (6, "event 6 is not the one that the ledger's head names")


@pytest.mark.usefixtures("filled")
def test_verify_event_added_past_the_head_is_found(sessions: Sessions) -> None:
    last = _event(sessions, 6)
    _add_forged(sessions, _forged(last, sequence=7, previous_hash=last.hash))
    assert broken(sessions) == (7, "event 7 came in past the ledger's head")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("change", "sequence"),
    [("head_sequence = 4", 5), ("head_sequence = 8", 7), ("head_hash = 'other'", 6)],
)
def test_verify_changed_head_is_found(
    change: str, sequence: int, sessions: Sessions, engine: Engine
) -> None:
    tamper(engine, f"UPDATE cities SET {change}")
    assert broken(sessions)[0] == sequence


DECISION_CHANGES = [
    "language = 'ru'",
    "action = 'review'",
    "reason_code = 'other'",
    """reason = '{"ru": "", "kk": ""}'""",
    "levels = '{}'",
    "secondary = NULL",
    "shortlists = NULL",
    "route = '{}'",
    "versions = '{}'",
    """urgency = '{"urgent": true, "probability": 0.1, "danger_words": []}'""",
    "due_at = NULL",
    "decided_at = '2020-01-01 00:00:00.000000'",
    "category = 'roads'",
    "topic = NULL",
    "enterprise = 'friends-ltd'",
    "urgent = NOT urgent",
    "model_version = '2'",
    "district = 'other'",
    "channel = NULL",
    "probability = 0.123",
    "queue_key = '0'",
]
APPEAL_CHANGES = [
    "text = 'всё хорошо'",
    "received_at = '2020-01-01 00:00:00.000000'",
    "appeal_id = 'other'",
    "channel = NULL",
    "channel = 'no such channel'",
    "language = NULL",
    "address = NULL",
    "district = NULL",
    "latitude = 51.1",
    "longitude = 71.4",
    "latitude = 51.1, longitude = 71.4",
    "sender = 'somebody else'",
    "input_hash = 'other'",
    "submitted_by = 'somebody else'",
    "purged_at = '2026-03-02 00:00:00.000000'",
    "original_digest = 'other'",
]
REVIEW_CHANGES = [
    "verdict = 'accept'",
    "reviewer = 'other'",
    "reviewed_at = '2020-01-01 00:00:00.000000'",
    "category = NULL",
    "topic = NULL",
    "enterprise = 'friends-ltd'",
    "reason = NULL",
]


@pytest.mark.parametrize(
    ("table", "changes", "checked_otherwise"),
    [
        (
            DecisionTable,
            DECISION_CHANGES,
            {"city", "id", "version", "review_state", "waits", "search_row"},
        ),
        (AppealTable, APPEAL_CHANGES, {"city", "id"}),
        (ReviewTable, REVIEW_CHANGES, {"city", "id", "decision_id", "version"}),
    ],
)
def test_changes_name_every_column(
    table: type[Table], changes: list[str], checked_otherwise: set[str]
) -> None:
    changed = {change.partition(" ")[0] for change in changes}
    assert changed | checked_otherwise == set(table.__table__.columns.keys())


@pytest.mark.parametrize(
    ("table", "change"),
    [
        *(("decisions", change) for change in DECISION_CHANGES),
        *(("appeals", change) for change in APPEAL_CHANGES),
    ],
)
def test_verify_changed_decision_or_appeal_is_found(
    table: str,
    change: str,
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    engine: Engine,
) -> None:
    tamper(engine, f"UPDATE {table} SET {change} WHERE id = :the_id", the_id=filled[1].id)
    assert broken(sessions)[0] == 3
    assert filled[1].id in broken(sessions)[1] or "can't be read" in broken(sessions)[1]


def test_verify_decision_from_before_submitters_were_kept_is_whole(
    sessions: Sessions, engine: Engine, make_decision: MakeDecision
) -> None:
    decision = make_decision()
    submit(sessions, decision)
    tamper(engine, "UPDATE appeals SET submitted_by = NULL WHERE id = :the_id", the_id=decision.id)
    assert verify(sessions) == 1


def test_verify_decision_from_before_there_were_shortlists_is_whole(
    sessions: Sessions, engine: Engine, make_decision: MakeDecision
) -> None:
    decision = make_decision(shortlists={})
    submit(sessions, decision)
    tamper(engine, "UPDATE decisions SET shortlists = NULL WHERE id = :the_id", the_id=decision.id)
    assert verify(sessions) == 1


@pytest.mark.parametrize(
    "column", ["levels", "route", "urgency", "versions", "reason", "shortlists"]
)
def test_verify_field_added_to_json_is_found(
    column: str,
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    engine: Engine,
) -> None:
    added = """'{"extra": [], ' || substr(CAST({column} AS TEXT), 2)""".replace("{column}", column)
    if engine.dialect.name == "postgresql":
        added = f"CAST({added} AS JSON)"
    tamper(
        engine,
        f"UPDATE decisions SET {column} = {added} WHERE id = :the_id".replace('":', '"\\:'),
        the_id=filled[1].id,
    )
    assert broken(sessions)[0] == 3


def test_verify_changed_probability_in_its_last_digit_is_found(
    filled: tuple[Decision, Decision, Review, Review], sessions: Sessions, engine: Engine
) -> None:
    cast = "CAST(replace(CAST(route AS TEXT), '0.93', '0.9300000000000002') AS JSON)"
    if engine.dialect.name == "sqlite":
        cast = "replace(route, '0.93', '0.9300000000000002')"
    tamper(engine, f"UPDATE decisions SET route = {cast} WHERE id = :the_id", the_id=filled[0].id)
    assert broken(sessions) == (
        2,
        f"what event 2 (decision.made) records was changed: {filled[0].id}",
    )


@pytest.mark.parametrize("change", REVIEW_CHANGES)
def test_verify_changed_review_is_found(
    change: str,
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    engine: Engine,
) -> None:
    tamper(engine, f"UPDATE reviews SET {change} WHERE id = :the_id", the_id=filled[3].id)
    assert broken(sessions) == (
        5,
        f"what event 5 (review.made) records was changed: {filled[3].id}",
    )


def test_verify_reviews_in_other_order_are_found(
    filled: tuple[Decision, Decision, Review, Review], sessions: Sessions, engine: Engine
) -> None:
    # Else an earlier override could be made to hold again.
    tamper(
        engine,
        "UPDATE reviews SET version = 9 WHERE version = 2",
        "UPDATE reviews SET version = 2 WHERE version = 3",
        "UPDATE reviews SET version = 3 WHERE version = 9",
    )
    assert broken(sessions)[0] == 4
    assert filled[2].id in broken(sessions)[1]


@pytest.mark.parametrize(
    ("table", "index", "sequence"), [("decisions", 1, 3), ("appeals", 1, 3), ("reviews", 3, 5)]
)
def test_verify_deleted_row_is_found(
    table: str,
    index: int,
    sequence: int,
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    engine: Engine,
) -> None:
    gone = filled[index].id
    tamper(engine, f"DELETE FROM {table} WHERE id = :the_id", the_id=gone)
    found = broken(sessions)
    assert found[0] == sequence
    assert found[1].endswith(f"is missing: {gone}")


@pytest.mark.parametrize("change", ["version = 1", "version = 4", "review_state = 'accepted'"])
def test_verify_changed_review_state_is_found(
    change: str,
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    engine: Engine,
) -> None:
    tamper(engine, f"UPDATE decisions SET {change} WHERE id = :the_id", the_id=filled[0].id)
    assert broken(sessions)[0] == 2


@pytest.mark.usefixtures("filled")
def test_verify_decision_without_event_is_found(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    smuggled = make_decision()
    with sessions.write.begin() as session:
        decisions.add(session, city="astana", decision=smuggled)
    assert broken(sessions) == (7, f"no event records the decision {smuggled.id}")


def test_verify_review_without_event_is_found(
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    make_review: MakeReview,
) -> None:
    smuggled = make_review(filled[1].id)
    with sessions.write.begin() as session:
        reviews.add(session, city="astana", review=smuggled, expected_version=None)
    assert broken(sessions) == (7, f"no event records the review {smuggled.id}")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("statement", "sequence"),
    [
        ("UPDATE decisions SET levels = '{' WHERE id = :the_id", 3),
        ("UPDATE decisions SET levels = 'null' WHERE id = :the_id", 3),
        ("UPDATE decisions SET route = '[]' WHERE id = :the_id", 3),
        ("UPDATE decisions SET decided_at = 'soon' WHERE id = :the_id", 3),
        ("UPDATE ledger_events SET payload = '{' WHERE sequence = 5", 5),
        ("UPDATE ledger_events SET payload = 'null' WHERE sequence = 5", 5),
        ("UPDATE ledger_events SET at = 'soon' WHERE sequence = 5", 5),
    ],
)
def test_verify_row_that_cannot_be_read_is_named(
    statement: str,
    sequence: int,
    filled: tuple[Decision, Decision, Review, Review],
    sessions: Sessions,
    engine: Engine,
) -> None:
    tamper(engine, statement, the_id=filled[1].id)
    assert broken(sessions)[0] == sequence


def test_verify_many_events_takes_bounded_memory(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peak does not grow with the ledger, once that is longer than a few batches."""
    monkeypatch.setattr(verification, "BATCH", 50)

    def grow(events_added: int) -> None:
        with sessions.write.begin() as session:
            for _ in range(events_added):
                audit.append(
                    session,
                    city="astana",
                    kind=Kind.MODEL_LOADED,
                    subject_id="3",
                    actor="service",
                    payload={"filler": str(uuid7()) * 50},
                    at=NOW,
                )

    def peak() -> int:
        gc.collect()
        tracemalloc.start()
        verify(sessions)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    # Long enough for garbage that waits for its collection to have reached its usual height.
    grow(1500)
    verify(sessions)
    short = peak()
    grow(4500)
    assert peak() < 1.5 * short


THREADS, EACH = 8, 25


def test_submit_same_appeal_many_threads_is_decided_once(
    sessions: Sessions, make_decision: MakeDecision, make_appeal: Callable[..., Appeal]
) -> None:
    """The order that the service keeps: lock the city, find, add."""
    appeal = make_appeal(appeal_id="109-1")

    def work(_thread: int) -> str:
        decision = make_decision(appeal=appeal)
        with sessions.write.begin() as session:
            cities.lock(session, city="astana")
            found = appeals.find_all(session, city="astana", appeal_ids=["109-1"])
            if found:
                return found["109-1"].decision_id
            decisions.add(session, city="astana", decision=decision)
            audit.append_decision(session, city="astana", decision=decision, actor="ikomek")
        return decision.id

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(work, range(THREADS)))) == 1
    assert verify(sessions) == 1


def test_append_many_threads_gives_a_gapless_chain(sessions: Sessions) -> None:
    def work(thread: int) -> list[int]:
        return [load(sessions, actor=f"thread {thread}").sequence for _ in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        sequences = list(chain.from_iterable(pool.map(work, range(THREADS))))
    assert sorted(sequences) == list(range(1, THREADS * EACH + 1))
    assert verify(sessions) == THREADS * EACH


def test_submit_and_review_many_threads_neither_deadlock_nor_lose(
    sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview
) -> None:
    def work(thread: int) -> None:
        for turn in range(EACH // 2):
            decision = make_decision(decided_at=NOW + timedelta(seconds=turn, minutes=thread))
            submit(sessions, decision)
            correct(sessions, make_review(decision.id))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert verify(sessions) == THREADS * (EACH // 2) * 2


def test_append_two_cities_at_once_do_not_wait_for_each_other(sessions: Sessions) -> None:
    if sessions.write.kw["bind"].dialect.name == "sqlite":
        # SQLite has one writer in all.
        load(sessions, city="almaty")
        load(sessions, city="astana")
    else:
        with sessions.write.begin() as session:
            cities.lock(session, city="astana")
            load(sessions, city="almaty")
        load(sessions, city="astana")
    assert [verify(sessions, city) for city in ("almaty", "astana")] == [1, 1]
