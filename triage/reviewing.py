"""Checks what a reviewer asks for, pure: the codes that hold afterwards are known and fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from triage.appeal import Decision, Review, Verdict
from triage.citydata import City
from triage.errors import InvalidReviewError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """What a reviewer asks for; codes left out stay as they were decided.

    Attributes
    ----------
    expected_version
        The version of the decision that the reviewer saw; None reviews it whatever it is.
    """

    verdict: Verdict
    reviewer: str
    category: str | None = None
    topic: str | None = None
    enterprise: str | None = None
    reason: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class _Codes:
    category: str | None
    topic: str | None
    enterprise: str | None


def check_review(
    decision: Decision, request: ReviewRequest, city: City, *, review_id: str, at: datetime
) -> Review:
    """Turn a request into a review with the codes that hold after it.

    Raises
    ------
    InvalidReviewError
        An unknown code, a topic outside its category, an override that changes nothing or gives
        no reason, an acceptance that changes something; `field` names what is wrong.
    """
    decided = _decided(decision)
    asked = _asked(request, decided, city)
    if request.verdict is Verdict.ACCEPT and asked != decided:
        raise InvalidReviewError("accepting changes nothing: override instead", field="verdict")
    if request.verdict is Verdict.OVERRIDE:
        _check_override(asked, decided, request, city)
    return Review(
        id=review_id,
        decision_id=decision.id,
        verdict=request.verdict,
        reviewer=request.reviewer,
        reviewed_at=at,
        category=asked.category,
        topic=asked.topic,
        enterprise=asked.enterprise,
        reason=request.reason,
    )


def check_codes(category: str, topic: str | None, enterprise: str, city: City) -> None:
    """Check codes that a person chose without seeing the decision.

    Raises
    ------
    InvalidReviewError
        An unknown code, a closed enterprise, a topic outside its category; `field` names which.
    """
    if category not in city.taxonomy.categories:
        raise InvalidReviewError(f"unknown category {category}", field="category")
    if topic is not None:
        _check_pair(category, topic, city)
    _check_enterprise(enterprise, city)


def _decided(decision: Decision) -> _Codes:
    category, topic = decision.chosen("category"), decision.chosen("topic")
    return _Codes(
        category.code if category else None,
        topic.code if topic else None,
        decision.route.enterprise,
    )


def _asked(request: ReviewRequest, decided: _Codes, city: City) -> _Codes:
    category = request.category or decided.category
    if request.topic is not None and request.category is None:
        category = _parent(request.topic, city)
    return _Codes(
        category, request.topic or decided.topic, request.enterprise or decided.enterprise
    )


def _parent(topic: str, city: City) -> str:
    if topic not in city.taxonomy.topics:
        raise InvalidReviewError(f"unknown topic {topic}", field="topic")
    return city.taxonomy.parent(topic)


def _check_override(asked: _Codes, decided: _Codes, request: ReviewRequest, city: City) -> None:
    if asked == decided:
        raise InvalidReviewError("an override must change something", field="verdict")
    if not (request.reason or "").strip():
        raise InvalidReviewError("an override needs a reason", field="reason")
    if asked.category != decided.category and asked.category not in city.taxonomy.categories:
        raise InvalidReviewError(f"unknown category {asked.category}", field="category")
    if asked.enterprise != decided.enterprise:
        _check_enterprise(str(asked.enterprise), city)
    what = (asked.category, asked.topic)
    if what != (decided.category, decided.topic) and asked.topic is not None:
        _check_pair(str(asked.category), asked.topic, city)


def _check_enterprise(code: str, city: City) -> None:
    enterprise = city.enterprises.get(code)
    if enterprise is None:
        raise InvalidReviewError(f"unknown enterprise {code}", field="enterprise")
    if not enterprise.active:
        raise InvalidReviewError(f"enterprise {code} is closed", field="enterprise")


def _check_pair(category: str, topic: str, city: City) -> None:
    if _parent(topic, city) != category:
        raise InvalidReviewError(
            f"topic {topic} does not belong to category {category}: name a topic of it",
            field="topic",
        )
