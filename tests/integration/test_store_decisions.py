from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from models.prediction import Candidate
from triage.appeal import Action, Appeal, Channel, Decision, Review, Urgency
from triage.errors import InvalidCursorError
from triage.store import appeals, cursors, decisions, reviews
from triage.store.decisions import DecisionFilters, Page, StoredDecision
from triage.store.sessions import Sessions

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
ASTANA = timezone(timedelta(hours=5))

MakeAppeal = Callable[..., Appeal]
MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]


def add(sessions: Sessions, *added: Decision, city: str = "astana") -> None:
    with sessions.write.begin() as session:
        for decision in added:
            decisions.add(session, city=city, decision=decision)


def get(sessions: Sessions, decision_id: str, city: str = "astana") -> StoredDecision | None:
    with sessions.read() as session:
        return decisions.get(session, city=city, decision_id=decision_id)


def page(
    sessions: Sessions,
    limit: int = 100,
    cursor: str | None = None,
    city: str = "astana",
    **filters: Any,
) -> Page:
    with sessions.read() as session:
        return decisions.page(
            session, city=city, filters=DecisionFilters(**filters), limit=limit, cursor=cursor
        )


def ids(found: Page) -> list[str]:
    return [item.decision.id for item in found.items]


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


def test_page_all_pages_give_each_decision_once_newest_first(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    # Three share each time, so that the id must settle the order within it.
    added = [make_decision(decided_at=NOW + timedelta(seconds=i // 3)) for i in range(11)]
    add(sessions, *added)
    newest_first = sorted(added, key=lambda d: (d.decided_at, d.id), reverse=True)
    found, cursor = [], None
    while True:
        part = page(sessions, limit=4, cursor=cursor)
        found.append(ids(part))
        cursor = part.next_cursor
        if cursor is None:
            break
    assert [len(part) for part in found] == [4, 4, 3]
    assert list(chain.from_iterable(found)) == [decision.id for decision in newest_first]


def test_page_exactly_full_has_no_next_cursor(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    add(sessions, make_decision(), make_decision())
    assert page(sessions, limit=2).next_cursor is None


def test_page_rows_inserted_between_calls_does_not_shift(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    added = [make_decision(decided_at=NOW + timedelta(seconds=i)) for i in range(6)]
    add(sessions, *added)
    first = page(sessions, limit=3)
    add(sessions, *(make_decision(decided_at=NOW + timedelta(minutes=i)) for i in (1, 2, 3)))
    second = page(sessions, limit=3, cursor=first.next_cursor)
    assert ids(first) + ids(second) == [decision.id for decision in reversed(added)]


def _other_decision(make_decision: MakeDecision, make_appeal: MakeAppeal) -> Decision:
    usual = make_decision()
    return make_decision(
        appeal=make_appeal(channel=Channel.PHONE, district="almaty"),
        language="kk",
        action=Action.REVIEW,
        levels={
            "category": (Candidate("roads", 0.5),),
            "topic": (Candidate("potholes", 0.5),),
            "enterprise": usual.route.candidates,
        },
        route=replace(usual.route, enterprise="roads-ltd"),
        urgency=replace(usual.urgency, urgent=False),
        versions=replace(usual.versions, model_version="4"),
        decided_at=NOW + timedelta(days=1),
    )


@pytest.mark.parametrize(
    "filters",
    [
        {"action": Action.REVIEW},
        {"language": "kk"},
        {"channel": Channel.PHONE},
        {"category": "roads"},
        {"topic": "potholes"},
        {"enterprise": "roads-ltd"},
        {"district": "almaty"},
        {"urgent": False},
        {"review_state": "overridden"},
        {"model_version": "4"},
        {"since": NOW + timedelta(days=1)},
        {"since": (NOW + timedelta(days=1)).astimezone(ASTANA)},
        {"action": Action.REVIEW, "channel": Channel.PHONE, "urgent": False},
    ],
    ids=lambda filters: "+".join(filters),
)
def test_page_filtered_gives_only_what_matches(
    filters: dict[str, Any],
    sessions: Sessions,
    make_decision: MakeDecision,
    make_appeal: MakeAppeal,
    make_review: MakeReview,
) -> None:
    other = _other_decision(make_decision, make_appeal)
    add(sessions, make_decision(decided_at=NOW), other)
    with sessions.write.begin() as session:
        reviews.add(session, city="astana", review=make_review(other.id), expected_version=1)
    assert ids(page(sessions, **filters)) == [other.id]


def test_page_filtered_to_nothing_is_empty(sessions: Sessions, make_decision: MakeDecision) -> None:
    add(sessions, make_decision())
    found = page(sessions, category="housing", language="kk")
    assert found == Page(items=(), next_cursor=None)


def test_page_until_leaves_out_its_moment(sessions: Sessions, make_decision: MakeDecision) -> None:
    before, at = (
        make_decision(decided_at=NOW),
        make_decision(decided_at=NOW + timedelta(microseconds=1)),
    )
    add(sessions, before, at)
    assert ids(page(sessions, until=at.decided_at)) == [before.id]


def test_page_reviewed_decisions_come_with_their_reviews(
    sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview
) -> None:
    decision = make_decision()
    review = make_review(decision.id)
    add(sessions, decision, make_decision(decided_at=NOW - timedelta(days=1)))
    with sessions.write.begin() as session:
        reviews.add(session, city="astana", review=review, expected_version=1)
    assert [item.reviews for item in page(sessions).items] == [(review,), ()]


def _cursor(position: str) -> str:
    return urlsafe_b64encode(position.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "я",
        "AAAA",
        "_w",
        _cursor("2026-03-02T09:30:15.123456+00:00"),
        _cursor("2026-03-02T09:30:15.123456+00:00|1"),
        _cursor("2026-03-02T09:30:15.123456|0195a1b2-0000-7000-8000-000000000000"),
        _cursor("2026-03-02T09:30:15.123456+05:00|0195a1b2-0000-7000-8000-000000000000"),
        _cursor("0001-01-01T00:00:00.000000+23:00|0195a1b2-0000-7000-8000-000000000000"),
        _cursor("yesterday|0195a1b2-0000-7000-8000-000000000000"),
        cursors.encode(NOW, "0195a1b2-0000-7000-8000-000000000000") + "!",
        cursors.encode(NOW, "0195a1b2-0000-7000-8000-000000000000") + "\n",
    ],
)
def test_decode_malformed_cursor_raises(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        cursors.decode(cursor)


def test_page_malformed_cursor_raises(sessions: Sessions) -> None:
    with pytest.raises(InvalidCursorError):
        page(sessions, cursor="?")


def test_count_by_action_counts_the_city(sessions: Sessions, make_decision: MakeDecision) -> None:
    add(sessions, make_decision(), make_decision(action=Action.REVIEW), make_decision())
    add(sessions, make_decision(), city="almaty")
    with sessions.read() as session:
        assert decisions.count_by_action(session, city="astana") == {
            Action.AUTO: 2,
            Action.REVIEW: 1,
            Action.ASK: 0,
        }


def test_page_newest_first_walks_the_index(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        # Without rows to tell them apart, any index in this order will do.
        explain, wanted = "EXPLAIN", "Index Scan Backward using ix_decisions_"
    else:
        explain, wanted = "EXPLAIN QUERY PLAN", "USING INDEX ix_decisions_category"
    statement = (
        f"{explain} SELECT * FROM decisions WHERE city = 'astana' AND category = 'roads' "
        "AND (decided_at, id) < ('2026-03-02 00:00:00', '0') "
        "ORDER BY decided_at DESC, id DESC LIMIT 50"
    )
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_sort = off"))
        plan = " ".join(str(row) for row in connection.execute(text(statement)))
    assert wanted in plan
    assert "TEMP B-TREE" not in plan


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
        decisions.add(session, city="astana", decision=decision)
        assert state(session) == ("none", 0)
        reviews.add(session, city="astana", review=make_review(decision.id), expected_version=None)
        assert state(session) == ("overridden", 1)
