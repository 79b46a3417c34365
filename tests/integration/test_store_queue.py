from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from queue_cases import NOW, MakeDecision, ids
from stored import add

from models.prediction import Candidate
from triage.appeal import Action, Channel, Decision, Review, Verdict
from triage.errors import DecisionNotFoundError, InvalidCursorError
from triage.place import Kind, Place
from triage.queue import Queue, QueueCounts, QueueFilters
from triage.store import cursors, reviews
from triage.store import queue as store_queue
from triage.store.sessions import Sessions

MakeReview = Callable[..., Review]


def walk(queue: Queue, filters: QueueFilters, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = queue.page(filters, limit=limit, cursor=cursor)
        pages.append([one.decision.id for one in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return pages


def test_page_urgent_then_time_left_then_least_sure_comes_first(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    day = timedelta(days=1)
    in_order = [
        make_waiting(urgent=True, due_at=NOW + day, probability=0.9),
        make_waiting(urgent=True, due_at=None, probability=0.1),
        make_waiting(due_at=NOW - day, probability=0.9),
        make_waiting(due_at=NOW + day, probability=0.2),
        make_waiting(due_at=NOW + day, probability=0.200001),
        make_waiting(due_at=None, probability=0.1, action=Action.ASK),
    ]
    add(sessions, *reversed(in_order), make_waiting(action=Action.AUTO))
    assert ids(queue) == [decision.id for decision in in_order]


def test_page_others_come_newest_first(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    waiting = make_waiting(decided_at=NOW)
    older, newer = (
        make_waiting(action=Action.AUTO, decided_at=NOW + timedelta(hours=hours))
        for hours in (-1, 1)
    )
    add(sessions, older, waiting, newer)
    assert ids(queue, waiting=False) == [newer.id, older.id]
    assert ids(queue, waiting=None) == [newer.id, waiting.id, older.id]


@pytest.mark.parametrize("waiting", [True, None])
def test_page_all_pages_give_each_decision_once_whatever_ties(
    waiting: bool | None, sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    added = [make_waiting(decided_at=NOW) for _ in range(11)]
    add(sessions, *added)
    pages = walk(queue, QueueFilters(waiting=waiting), limit=4)
    assert [len(page) for page in pages] == [4, 4, 3]
    found = [row_id for page in pages for row_id in page]
    assert found == sorted(found, reverse=waiting is None)
    assert set(found) == {decision.id for decision in added}


def test_page_rows_that_come_and_go_between_calls_do_not_shift_it(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision, make_review: MakeReview
) -> None:
    added = [make_waiting(probability=share / 10) for share in range(6)]
    add(sessions, *added)
    first = queue.page(QueueFilters(), limit=3)
    add(sessions, make_waiting(urgent=True), make_waiting(probability=0.05))
    with sessions.write.begin() as session:
        reviews.add(session, city="astana", review=make_review(added[2].id), expected_version=1)
    second = queue.page(QueueFilters(), limit=3, cursor=first.next_cursor)
    assert [one.decision.id for one in second.items] == [one.id for one in added[3:]]
    assert second.next_cursor is None


def test_page_reviewed_decision_has_left_the_queue(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision, make_review: MakeReview
) -> None:
    reviewed, waiting = make_waiting(), make_waiting()
    add(sessions, reviewed, waiting)
    with sessions.write.begin() as session:
        reviews.add(session, city="astana", review=make_review(reviewed.id), expected_version=1)
    assert ids(queue) == [waiting.id]
    [found] = queue.page(QueueFilters(waiting=False), limit=9).items
    assert (found.decision.id, len(found.reviews)) == (reviewed.id, 1)


def test_page_of_a_review_state_comes_newest_first(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision, make_review: MakeReview
) -> None:
    older, accepted, newer, waiting = (
        make_waiting(decided_at=NOW + timedelta(hours=hours)) for hours in range(4)
    )
    add(sessions, newer, older, accepted, waiting)
    made = (
        make_review(older.id),
        make_review(accepted.id, verdict=Verdict.ACCEPT),
        make_review(newer.id),
    )
    with sessions.write.begin() as session:
        for review in made:
            reviews.add(session, city="astana", review=review, expected_version=1)
    overridden = QueueFilters(waiting=None, review_state="overridden")
    assert walk(queue, overridden, limit=1) == [[newer.id], [older.id]]
    assert queue.counts(overridden).total == 2
    assert queue.beside(overridden, newer.id) == (None, older.id)


def _other(make_waiting: MakeDecision) -> Decision:
    usual = make_waiting()
    return replace(
        make_waiting(urgent=True, text="лифт"),
        appeal=replace(usual.appeal, channel=Channel.PHONE, district="almaty", text="лифт"),
        language="kk",
        action=Action.ASK,
        levels={
            "category": (Candidate("roads", 0.5),),
            "topic": (Candidate("potholes", 0.5),),
            "enterprise": usual.route.candidates,
        },
        route=replace(usual.route, enterprise="roads-ltd"),
        versions=replace(usual.versions, model_version="4"),
        decided_at=NOW + timedelta(days=1),
    )


@pytest.mark.parametrize("waiting", [True, None])
@pytest.mark.parametrize(
    "filters",
    [
        {"category": "roads"},
        {"topic": "potholes"},
        {"enterprise": "roads-ltd"},
        {"district": "almaty"},
        {"language": "kk"},
        {"channel": Channel.PHONE},
        {"action": Action.ASK},
        {"model_version": "4"},
        {"urgent": True},
        {"since": NOW + timedelta(days=1)},
        {"search": "лифт"},
        {"search": "лифт", "district": "almaty", "language": "kk", "urgent": True},
    ],
    ids=lambda filters: "+".join(filters) if isinstance(filters, dict) else "",
)
def test_page_filtered_gives_only_what_matches(
    filters: dict[str, Any],
    waiting: bool | None,
    sessions: Sessions,
    queue: Queue,
    make_waiting: MakeDecision,
) -> None:
    other = _other(make_waiting)
    add(sessions, make_waiting(decided_at=NOW), other)
    assert ids(queue, waiting=waiting, **filters) == [other.id]
    assert queue.counts(QueueFilters(waiting=waiting, **filters)).total == 1


def test_page_until_leaves_out_its_moment(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    before, at = make_waiting(decided_at=NOW - timedelta(seconds=1)), make_waiting(decided_at=NOW)
    add(sessions, before, at)
    assert ids(queue, until=NOW) == [before.id]


def test_page_district_is_the_forms_else_the_one_that_the_text_names(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    usual = make_waiting()
    named = replace(usual.route, places=(Place(Kind.DISTRICT, "saryarka", 0, 5, 0.9),))
    by_form, by_text = (
        make_waiting(appeal=replace(make_waiting().appeal, district=given), route=named)
        for given in ("esil", None)
    )
    add(sessions, by_form, by_text)
    assert ids(queue, district="esil") == [by_form.id]
    assert ids(queue, district="saryarka") == [by_text.id]


def test_every_query_other_city_finds_nothing(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    elsewhere = make_waiting()
    add(sessions, elsewhere, city="almaty")
    for waiting, words in product((True, None), (None, "снег")):
        filters = QueueFilters(waiting=waiting, search=words)
        assert queue.page(filters, limit=9).items == ()
        assert queue.counts(filters) == QueueCounts(total=0, urgent=0, overdue=0)
    with pytest.raises(DecisionNotFoundError):
        queue.beside(QueueFilters(), elsewhere.id)


def test_counts_tell_total_urgent_and_overdue(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    hour = timedelta(hours=1)
    add(
        sessions,
        make_waiting(urgent=True, due_at=NOW - hour),
        make_waiting(urgent=True, due_at=NOW + hour),
        make_waiting(due_at=NOW - hour),
        make_waiting(due_at=NOW),
        make_waiting(due_at=None),
        make_waiting(urgent=True, due_at=NOW - hour, action=Action.AUTO),
    )
    assert queue.counts(QueueFilters()) == QueueCounts(total=5, urgent=2, overdue=2)
    assert queue.counts(QueueFilters(urgent=True)) == QueueCounts(total=2, urgent=2, overdue=1)
    assert queue.counts(QueueFilters(urgent=False)) == QueueCounts(total=3, urgent=0, overdue=1)
    assert queue.counts(QueueFilters(waiting=None)) == QueueCounts(total=6, urgent=3, overdue=2)
    assert queue.counts(QueueFilters(waiting=False)) == QueueCounts(total=1, urgent=1, overdue=0)


def test_counts_of_many_end_at_the_limit(
    sessions: Sessions,
    queue: Queue,
    make_waiting: MakeDecision,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(sessions, *(make_waiting() for _ in range(4)))
    assert not queue.counts(QueueFilters()).is_capped
    monkeypatch.setattr(store_queue, "COUNT_LIMIT", 3)
    counts = queue.counts(QueueFilters())
    assert (counts.total, counts.is_capped) == (3, True)


@pytest.mark.parametrize("waiting", [True, None])
def test_beside_gives_the_neighbours_of_the_page(
    waiting: bool | None, sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    add(sessions, *(make_waiting(probability=share / 10) for share in (3, 3, 1, 2)))
    filters = QueueFilters(waiting=waiting)
    in_order = ids(queue, waiting=waiting)
    found = [queue.beside(filters, one) for one in in_order]
    assert found == list(zip([None, *in_order], [*in_order[1:], None], strict=False))


def test_beside_reviewed_decision_keeps_its_place(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision, make_review: MakeReview
) -> None:
    first, reviewed, last = (make_waiting(probability=share) for share in (0.1, 0.2, 0.3))
    add(sessions, first, reviewed, last)
    with sessions.write.begin() as session:
        reviews.add(session, city="astana", review=make_review(reviewed.id), expected_version=1)
    assert queue.beside(QueueFilters(), reviewed.id) == (first.id, last.id)
    assert queue.beside(QueueFilters(category="none"), reviewed.id) == (None, None)


UUID = "0195a1b2-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "я",
        "AAAA",
        cursors.encode(NOW, UUID),
        cursors.encode_key("0" * 21, UUID),
        cursors.encode_key("2" + "0" * 21, UUID),
        cursors.encode_key("0" * 21 + "٣", UUID),
        cursors.encode_key("0" * 22, "1"),
        cursors.encode_key("0" * 22, UUID.replace("-", "")),
        cursors.encode_key("0" * 22, UUID) + "=",
    ],
)
def test_page_malformed_cursor_raises(cursor: str, queue: Queue) -> None:
    with pytest.raises(InvalidCursorError):
        queue.page(QueueFilters(), limit=1, cursor=cursor)


def test_page_cursor_of_the_other_order_raises(queue: Queue) -> None:
    with pytest.raises(InvalidCursorError):
        queue.page(QueueFilters(waiting=None), limit=1, cursor=cursors.encode_key("0" * 22, UUID))
