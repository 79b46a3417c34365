"""What the ledger's events record: how a change to a stored row shows."""

from __future__ import annotations

import pytest
from ledger_cases import Filled, MakeDecision, MakeReview, broken, fill
from sqlalchemy import Engine
from stored import add, submit, tamper, verify

from triage.store import reviews
from triage.store.sessions import Sessions
from triage.store.tables import AppealTable, DecisionTable, ReviewTable, Table

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


@pytest.fixture
def filled(sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview) -> Filled:
    return fill(sessions, make_decision, make_review)


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
    filled: Filled,
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
    filled: Filled,
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
    filled: Filled, sessions: Sessions, engine: Engine
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
    filled: Filled,
    sessions: Sessions,
    engine: Engine,
) -> None:
    tamper(engine, f"UPDATE reviews SET {change} WHERE id = :the_id", the_id=filled[3].id)
    assert broken(sessions) == (
        5,
        f"what event 5 (review.made) records was changed: {filled[3].id}",
    )


def test_verify_reviews_in_other_order_are_found(
    filled: Filled, sessions: Sessions, engine: Engine
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
    filled: Filled,
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
    filled: Filled,
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
    add(sessions, smuggled)
    assert broken(sessions) == (7, f"no event records the decision {smuggled.id}")


def test_verify_review_without_event_is_found(
    filled: Filled,
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
    filled: Filled,
    sessions: Sessions,
    engine: Engine,
) -> None:
    tamper(engine, statement, the_id=filled[1].id)
    assert broken(sessions)[0] == sequence
