from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session
from stored import add, add_decision, ids, page

from models.prediction import Candidate
from triage.appeal import Action, Appeal, Decision, Review, Urgency
from triage.store import appeals, decisions, reviews
from triage.store.decisions import StoredDecision
from triage.store.sessions import Sessions

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
ASTANA = timezone(timedelta(hours=5))

MakeAppeal = Callable[..., Appeal]
MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]


def get(sessions: Sessions, decision_id: str, city: str = "astana") -> StoredDecision | None:
    with sessions.read() as session:
        return decisions.get(session, city=city, decision_id=decision_id)


def test_get_stored_decision_equals_the_one_added(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    decision = make_decision()
    add(sessions, decision)
    assert get(sessions, decision.id) == StoredDecision(
        decision=decision, version=1, review_state="none", reviews=()
    )


def test_get_decision_with_nothing_optional_equals_the_one_added(
    sessions: Sessions, make_decision: MakeDecision, make_appeal: MakeAppeal
) -> None:
    whole = make_decision()
    bare = make_decision(
        appeal=Appeal(text="?"),
        levels={},
        shortlists={},
        due_at=None,
        route=replace(whole.route, enterprise=None, candidates=()),
        urgency=Urgency(urgent=False, probability=None, danger_words=()),
    )
    add(sessions, bare)
    found = get(sessions, bare.id)
    assert found is not None
    assert found.decision == bare


@pytest.mark.parametrize(
    "words",
    [
        "Әәғқңөұүһі ӘҒҚҢӨҰҮҺІ — «қазақша»",
        "👩‍👩‍👧‍👦 🇰🇿 🥶",
        "a'b\"c\\d\n\t%s :name ?1 <b>&amp;</b>",
        "ё́ \u200b\u2028 ﷽",
        "щ" * 20_000,
    ],
)
def test_get_any_text_comes_back_unchanged(
    words: str, sessions: Sessions, make_decision: MakeDecision, make_appeal: MakeAppeal
) -> None:
    decision = make_decision(
        appeal=make_appeal(text=words, address=words, appeal_id=words[:50]),
        urgency=Urgency(urgent=True, probability=0.5, danger_words=(words[:100],)),
    )
    add(sessions, decision)
    found = get(sessions, decision.id)
    assert found is not None
    assert found.decision == decision


@pytest.mark.parametrize("probability", [0.1 + 0.2, 1e-300, 5e-324, 1 - 2**-53, 0.0, 1.0, 1])
def test_get_probability_comes_back_to_the_last_bit(
    probability: float, sessions: Sessions, make_decision: MakeDecision
) -> None:
    decision = make_decision(levels={"category": (Candidate("roads", probability),)})
    add(sessions, decision)
    found = get(sessions, decision.id)
    assert found is not None
    chosen = found.decision.chosen("category")
    assert chosen is not None
    assert repr(chosen.probability) == repr(probability)


def test_get_times_come_back_in_utc(sessions: Sessions, make_decision: MakeDecision) -> None:
    decision = make_decision(decided_at=NOW.astimezone(ASTANA))
    add(sessions, decision)
    found = get(sessions, decision.id)
    assert found is not None
    assert found.decision.decided_at == decision.decided_at
    assert found.decision.decided_at.tzinfo is UTC
    assert found.decision.decided_at.microsecond == NOW.microsecond


def test_add_naive_time_raises(sessions: Sessions, make_decision: MakeDecision) -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        add(sessions, make_decision(decided_at=NOW.replace(tzinfo=None)))


def test_add_not_a_number_raises(sessions: Sessions, make_decision: MakeDecision) -> None:
    levels = {"category": (Candidate("roads", float("nan")),)}
    with pytest.raises((StatementError, ValueError), match="JSON"):
        add(sessions, make_decision(levels=levels))


def test_get_unknown_decision_returns_none(sessions: Sessions, make_decision: MakeDecision) -> None:
    assert get(sessions, make_decision().id) is None


def test_every_query_other_city_finds_nothing(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    decision = make_decision()
    add(sessions, decision)
    add(sessions, make_decision(), city="almaty")
    with sessions.read() as session:
        appeal_id = decision.appeal.appeal_id
        assert appeal_id is not None
        assert appeals.find_all(session, city="almaty", appeal_ids=[appeal_id]) == {}
        assert decisions.get(session, city="almaty", decision_id=decision.id) is None
        assert decisions.rows_of(session, city="almaty", decision_ids=[decision.id]) == {}
        assert decisions.count_by_action(session, city="oskemen") == {
            "auto": 0,
            "review": 0,
            "ask": 0,
        }
    assert decision.id not in ids(page(sessions, city="almaty"))


def test_add_same_id_in_two_cities_keeps_both(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    first = make_decision()
    second = replace(first, language="kk")
    add(sessions, first, city="astana")
    add(sessions, second, city="almaty")
    found = [get(sessions, first.id, city) for city in ("astana", "almaty")]
    assert [stored and stored.decision for stored in found] == [first, second]


def test_find_known_appeal_returns_its_decision_and_hash(
    sessions: Sessions, make_decision: MakeDecision, make_appeal: MakeAppeal
) -> None:
    decision = make_decision(appeal=make_appeal(appeal_id="109/Ә-1"), input_hash="ef" * 32)
    add(sessions, decision)
    with sessions.read() as session:
        assert appeals.find_all(session, city="astana", appeal_ids=["109/Ә-1", "109/Ә-3"]) == {
            "109/Ә-1": (decision.id, "ef" * 32)
        }
        assert appeals.find_all(session, city="astana", appeal_ids=["109/Ә-2"]) == {}


def test_add_same_appeal_id_twice_raises(sessions: Sessions, make_decision: MakeDecision) -> None:
    first = make_decision()
    add(sessions, first)
    with pytest.raises(IntegrityError):
        add(sessions, make_decision(appeal=first.appeal))
    assert ids(page(sessions)) == [first.id]


def test_add_appeals_without_id_keeps_all(
    sessions: Sessions, make_decision: MakeDecision, make_appeal: MakeAppeal
) -> None:
    added = [make_decision(appeal=make_appeal(appeal_id=None)) for _ in range(3)]
    add(sessions, *added)
    assert sorted(ids(page(sessions))) == sorted(decision.id for decision in added)


def test_count_by_action_counts_the_city(sessions: Sessions, make_decision: MakeDecision) -> None:
    add(sessions, make_decision(), make_decision(action=Action.REVIEW), make_decision())
    add(sessions, make_decision(), city="almaty")
    with sessions.read() as session:
        assert decisions.count_by_action(session, city="astana") == {
            Action.AUTO: 2,
            Action.REVIEW: 1,
            Action.ASK: 0,
        }


def test_tables_every_key_begins_with_the_city(engine: Engine) -> None:
    inspector = inspect(engine)
    # A row of the search's tables belongs to the decision that names it, and to its city.
    tables = {
        name
        for name in inspector.get_table_names()
        if name not in {"alembic_version", "cities"} and not name.startswith("appeal_stems")
    }
    keys = [inspector.get_pk_constraint(table)["constrained_columns"] for table in tables]
    indexes = [index["column_names"] for table in tables for index in inspector.get_indexes(table)]
    assert {"appeals", "decisions", "reviews", "ledger_events", "people"} < tables
    assert {columns[0] for columns in keys} == {"city"}
    assert {columns[0] for columns in indexes} == {"city"}


def test_get_within_a_transaction_sees_its_own_writes(
    sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview
) -> None:
    def state(session: Session) -> tuple[str, int]:
        found = decisions.get(session, city="astana", decision_id=decision.id)
        assert found is not None
        return found.review_state, len(found.reviews)

    decision = make_decision()
    with sessions.write.begin() as session:
        add_decision(session, city="astana", decision=decision)
        assert state(session) == ("none", 0)
        reviews.add(session, city="astana", review=make_review(decision.id), expected_version=None)
        assert state(session) == ("overridden", 1)
