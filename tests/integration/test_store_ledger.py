"""The ledger's chain of events: how it grows, and how a change to an event or the head shows."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta, timezone
from itertools import chain
from typing import Any

import pytest
from ledger_cases import NOW, Filled, MakeDecision, MakeReview, broken, fill, load
from sqlalchemy import Engine
from stored import add_decision, add_review, append_decision, submit, tamper, verify
from uuid_utils import uuid7

from triage import audit, verification
from triage.appeal import Appeal
from triage.audit import Kind
from triage.store import appeals, cities, events
from triage.store.events import Event
from triage.store.sessions import Sessions
from triage.store.tables import GENESIS_HASH

ASTANA = timezone(timedelta(hours=5))


@pytest.fixture
def filled(sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview) -> Filled:
    return fill(sessions, make_decision, make_review)


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
            add_decision(session, city="astana", decision=decision)
            append_decision(session, city="astana", decision=decision, actor="ikomek")
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
            add_review(sessions, make_review(decision.id))

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
