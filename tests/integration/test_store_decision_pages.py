"""Pages of decisions: their order, what they are narrowed to, and their cursors."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine, text
from stored import add, ids, page

from models.prediction import Candidate
from triage.appeal import Action, Appeal, Channel, Decision, Review
from triage.errors import InvalidCursorError
from triage.store import cursors, reviews
from triage.store.decisions import Page
from triage.store.sessions import Sessions

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
ASTANA = timezone(timedelta(hours=5))

MakeAppeal = Callable[..., Appeal]
MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]


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
