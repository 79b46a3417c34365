from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from models.prediction import Candidate
from triage.appeal import Bilingual, Decision, Verdict
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.errors import InvalidReviewError
from triage.reviewing import ReviewRequest, check_review
from triage.taxonomy import Category, Taxonomy, Topic

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NAME = Bilingual("имя", "аты")
CITY = replace(
    load_city(STARTER_DATA),
    taxonomy=Taxonomy.of(
        [Category("housing", NAME), Category("roads", NAME)],
        [
            Topic("heating", "housing", NAME, 24, "A"),
            Topic("leak", "housing", NAME, 24, "A"),
            Topic("pit", "roads", NAME, 24, "B"),
        ],
    ),
    enterprises=EnterpriseRegistry.of(
        [
            Enterprise("astana-teplotranzit", "utility", NAME),
            Enterprise("roads", "utility", NAME),
            Enterprise("closed", "utility", NAME, active=False),
        ]
    ),
)
DECIDED = ("housing", "heating", "astana-teplotranzit")

Make = Callable[..., Decision]


def check(decision: Decision, verdict: str, **request: Any) -> tuple[str | None, ...]:
    asked = ReviewRequest(verdict=Verdict(verdict), reviewer="aigerim", **request)
    review = check_review(decision, asked, CITY, review_id="r1", at=AT)
    assert (review.id, review.decision_id, review.reviewed_at) == ("r1", decision.id, AT)
    assert (review.reviewer, review.verdict) == ("aigerim", Verdict(verdict))
    assert review.reason == request.get("reason")
    return review.category, review.topic, review.enterprise


ALLOWED: dict[str, tuple[str, dict[str, str], tuple[str, str, str]]] = {
    "accept": ("accept", {}, DECIDED),
    "accept with a remark": ("accept", {"reason": "всё верно"}, DECIDED),
    "accept names the codes": ("accept", {"category": "housing", "topic": "heating"}, DECIDED),
    "accept names the topic alone": ("accept", {"topic": "heating"}, DECIDED),
    "enterprise": (
        "override",
        {"enterprise": "roads", "reason": "их участок"},
        ("housing", "heating", "roads"),
    ),
    "topic of the same category": (
        "override",
        {"topic": "leak", "reason": "течь"},
        ("housing", "leak", "astana-teplotranzit"),
    ),
    "topic brings its category": (
        "override",
        {"topic": "pit", "reason": "яма"},
        ("roads", "pit", "astana-teplotranzit"),
    ),
    "all three": (
        "override",
        {"category": "roads", "topic": "pit", "enterprise": "roads", "reason": "яма"},
        ("roads", "pit", "roads"),
    ),
}


@pytest.mark.parametrize(("verdict", "request_", "codes"), ALLOWED.values(), ids=ALLOWED)
def test_check_review_gives_the_codes_that_hold_after_it(
    make_decision: Make, verdict: str, request_: dict[str, str], codes: tuple[str, str, str]
) -> None:
    assert check(make_decision(), verdict, **request_) == codes


REASON = {"reason": "неверно"}
REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "accept changes something": ("accept", {"enterprise": "roads"}, "verdict"),
    "accept with an unknown topic": ("accept", {"topic": "nothing"}, "topic"),
    "nothing changed": ("override", REASON, "verdict"),
    "the same named again": ("override", {"topic": "heating", **REASON}, "verdict"),
    "no reason": ("override", {"enterprise": "roads"}, "reason"),
    "blank reason": ("override", {"enterprise": "roads", "reason": " \n"}, "reason"),
    "category alone with a foreign topic": ("override", {"category": "roads", **REASON}, "topic"),
    "category and topic that do not fit": (
        "override",
        {"category": "roads", "topic": "leak", **REASON},
        "topic",
    ),
    "unknown category": ("override", {"category": "nothing", **REASON}, "category"),
    "unknown topic": ("override", {"topic": "nothing", **REASON}, "topic"),
    "unknown topic of a known category": (
        "override",
        {"category": "roads", "topic": "nothing", **REASON},
        "topic",
    ),
    "unknown enterprise": ("override", {"enterprise": "nobody", **REASON}, "enterprise"),
    "closed enterprise": ("override", {"enterprise": "closed", **REASON}, "enterprise"),
}


@pytest.mark.parametrize(("verdict", "request_", "field"), REFUSED.values(), ids=REFUSED)
def test_check_review_refuses_and_names_the_field(
    make_decision: Make, verdict: str, request_: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidReviewError) as caught:
        check(make_decision(), verdict, **request_)
    assert caught.value.field == field


def test_check_review_codes_that_went_out_of_use_can_be_accepted_and_kept(
    make_decision: Make,
) -> None:
    decision = make_decision()
    old = make_decision(
        levels=decision.levels | {"topic": (Candidate("gone", 0.9),)},
        route=decision.route.__class__("closed", 0.9, (), "history", NAME),
    )
    assert check(old, "accept") == ("housing", "gone", "closed")
    changed = check(old, "override", enterprise="roads", **REASON)
    assert changed == ("housing", "gone", "roads")


def test_check_review_decision_without_codes_can_be_given_them(make_decision: Make) -> None:
    decision = make_decision(
        levels={}, route=make_decision().route.__class__(None, 0.0, (), "none", NAME)
    )
    assert check(decision, "accept") == (None, None, None)
    assert check(decision, "override", topic="pit", **REASON) == ("roads", "pit", None)
    assert check(decision, "override", category="roads", **REASON) == ("roads", None, None)
    assert check(decision, "override", enterprise="roads", **REASON) == (None, None, "roads")
