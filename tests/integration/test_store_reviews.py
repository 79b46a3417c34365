from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
import stored

from triage.appeal import Decision, Review, Verdict
from triage.errors import DecisionNotFoundError, ReviewConflictError
from triage.store import decisions, reviews
from triage.store.decisions import StoredDecision
from triage.store.sessions import Sessions

MakeReview = Callable[..., Review]


@pytest.fixture
def decision(sessions: Sessions, make_decision: Callable[..., Decision]) -> Decision:
    decision = make_decision()
    stored.add(sessions, decision)
    return decision


def add(
    sessions: Sessions, review: Review, expected_version: int | None, city: str = "astana"
) -> int:
    with sessions.write.begin() as session:
        return reviews.add(session, city=city, review=review, expected_version=expected_version)


def get(sessions: Sessions, decision_id: str) -> StoredDecision:
    with sessions.read() as session:
        found = decisions.get(session, city="astana", decision_id=decision_id)
    assert found is not None
    return found


def test_add_first_review_makes_version_two(
    sessions: Sessions, decision: Decision, make_review: MakeReview
) -> None:
    review = make_review(decision.id)
    assert add(sessions, review, expected_version=1) == 2
    assert get(sessions, decision.id) == StoredDecision(
        decision=decision, version=2, review_state="overridden", reviews=(review,)
    )


def test_add_several_reviews_the_last_holds(
    sessions: Sessions, decision: Decision, make_review: MakeReview
) -> None:
    # The last by order of arrival, even where its clock ran behind.
    override = make_review(decision.id)
    accept = make_review(
        decision.id,
        verdict=Verdict.ACCEPT,
        reason=None,
        reviewed_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    assert add(sessions, override, expected_version=1) == 2
    assert add(sessions, accept, expected_version=None) == 3
    stored = get(sessions, decision.id)
    assert stored.reviews == (override, accept)
    assert (stored.version, stored.review_state) == (3, "accepted")


def test_add_review_without_codes_comes_back_equal(
    sessions: Sessions, decision: Decision, make_review: MakeReview
) -> None:
    review = make_review(
        decision.id, verdict=Verdict.ACCEPT, category=None, topic=None, enterprise=None, reason=None
    )
    add(sessions, review, expected_version=1)
    assert get(sessions, decision.id).reviews == (review,)


@pytest.mark.parametrize("expected_version", [0, 2, 7])
def test_add_other_version_raises_and_stores_nothing(
    expected_version: int, sessions: Sessions, decision: Decision, make_review: MakeReview
) -> None:
    with pytest.raises(ReviewConflictError, match="at version 1"):
        add(sessions, make_review(decision.id), expected_version)
    assert get(sessions, decision.id).version == 1
    assert get(sessions, decision.id).reviews == ()


@pytest.mark.parametrize("expected_version", [None, 1])
def test_add_unknown_decision_raises(
    expected_version: int | None, sessions: Sessions, make_review: MakeReview
) -> None:
    with pytest.raises(DecisionNotFoundError):
        add(sessions, make_review("0195a1b2-0000-7000-8000-000000000000"), expected_version)


def test_add_decision_of_other_city_raises(
    sessions: Sessions, decision: Decision, make_review: MakeReview
) -> None:
    with pytest.raises(DecisionNotFoundError):
        add(sessions, make_review(decision.id), expected_version=1, city="almaty")
    assert get(sessions, decision.id).version == 1


def test_add_two_threads_same_version_only_one_wins(
    sessions: Sessions, decision: Decision, make_review: MakeReview
) -> None:
    barrier = Barrier(2)

    def review(reviewer: str) -> str:
        barrier.wait()
        try:
            add(sessions, make_review(decision.id, reviewer=reviewer), expected_version=1)
        except ReviewConflictError:
            return "conflict"
        return reviewer

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(review, ("aigerim", "daniyar")))
    stored = get(sessions, decision.id)
    assert stored.version == 2
    assert [made.reviewer for made in stored.reviews] == [
        outcome for outcome in outcomes if outcome != "conflict"
    ]
