"""Turns decisions and reviews into columns, and rows back into them; no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, cast

from models.prediction import Candidate, Level
from triage.appeal import (
    Action,
    Appeal,
    Bilingual,
    Channel,
    Coordinates,
    Decision,
    Review,
    Route,
    RuleFailure,
    Urgency,
    Verdict,
    Versions,
)
from triage.place import Kind, Place
from triage.store.tables import AppealTable, DecisionTable, ReviewTable

DUE_FORMAT, NEVER_DUE = "%Y%m%d%H%M%S", "9" * 14


def appeal_columns(decision: Decision) -> dict[str, Any]:
    """Return the columns of a decision's appeal, `city` apart."""
    appeal = decision.appeal
    return {
        "id": decision.id,
        "appeal_id": appeal.appeal_id,
        "input_hash": decision.input_hash,
        "text": appeal.text,
        "received_at": appeal.received_at,
        "channel": appeal.channel and appeal.channel.value,
        "language": appeal.language,
        "address": appeal.address,
        "district": appeal.district,
        "latitude": appeal.coordinates and appeal.coordinates.latitude,
        "longitude": appeal.coordinates and appeal.coordinates.longitude,
        "sender": appeal.sender,
    }


def decision_columns(decision: Decision) -> dict[str, Any]:
    """Return the columns of a decision that has no review yet, `city` apart."""
    return {
        "id": decision.id,
        "decided_at": decision.decided_at,
        "language": decision.language,
        "action": decision.action.value,
        "reason_code": decision.reason_code,
        "reason": _plain(decision.reason),
        "levels": {
            level: [_plain(candidate) for candidate in candidates]
            for level, candidates in decision.levels.items()
        },
        "secondary": decision.secondary and _plain(decision.secondary),
        "route": _plain(decision.route),
        "urgency": _plain(decision.urgency),
        "versions": _plain(decision.versions),
        "shortlists": decision.shortlists,
        "due_at": decision.due_at,
        "waits": decision.action is not Action.AUTO,
        **filter_columns(decision),
    }


def filter_columns(decision: Decision) -> dict[str, Any]:
    """Return the columns that repeat a part of the JSON ones, for filters to use."""
    category, topic = decision.chosen("category"), decision.chosen("topic")
    return {
        "category": category and category.code,
        "topic": topic and topic.code,
        "enterprise": decision.route.enterprise,
        "district": district(decision),
        "channel": decision.appeal.channel and decision.appeal.channel.value,
        "urgent": decision.urgency.urgent,
        "probability": decision.route.probability,
        "queue_key": queue_key(decision),
        "model_version": decision.versions.model_version,
    }


def district(decision: Decision) -> str | None:
    """Return the district that the form gave, else the first that the text names."""
    named = (place.normal for place in decision.route.places if place.kind is Kind.DISTRICT)
    return decision.appeal.district or next(named, None)


def queue_key(decision: Decision) -> str:
    """Return what the queue is sorted by: urgent first, then time left, then the least sure.

    Digits alone, for every database sorts those alike.
    """
    calm = int(not decision.urgency.urgent)
    due = f"{decision.due_at.astimezone(UTC):{DUE_FORMAT}}" if decision.due_at else NEVER_DUE
    return f"{calm}{due}{round(decision.route.probability * 1_000_000):07d}"


def review_columns(review: Review) -> dict[str, Any]:
    """Return the columns of a review, `city` and `version` apart."""
    return dict(_plain(review)) | {"verdict": review.verdict.value}


def to_decision(row: DecisionTable) -> Decision:
    """Rebuild a decision from its row, with the appeal's row loaded."""
    return Decision(
        id=row.id,
        appeal=_to_appeal(row.appeal),
        language=row.language,
        levels={level: _candidates(row.levels[level]) for level in cast("list[Level]", row.levels)},
        action=Action(row.action),
        reason_code=row.reason_code,
        reason=Bilingual(**row.reason),
        route=_to_route(row.route),
        urgency=_to_urgency(row.urgency),
        due_at=row.due_at,
        versions=Versions(**row.versions),
        input_hash=row.appeal.input_hash,
        decided_at=row.decided_at,
        secondary=Candidate(**row.secondary) if row.secondary else None,
        shortlists={
            level: tuple(codes)
            for level, codes in cast("dict[Level, list[str]]", row.shortlists or {}).items()
        },
    )


def to_review(row: ReviewTable) -> Review:
    """Rebuild a review from its row."""
    return Review(
        id=row.id,
        decision_id=row.decision_id,
        verdict=Verdict(row.verdict),
        reviewer=row.reviewer,
        reviewed_at=row.reviewed_at,
        category=row.category,
        topic=row.topic,
        enterprise=row.enterprise,
        reason=row.reason,
    )


def _to_appeal(row: AppealTable) -> Appeal:
    return Appeal(
        text=row.text,
        received_at=row.received_at,
        appeal_id=row.appeal_id,
        channel=None if row.channel is None else Channel(row.channel),
        language=row.language,
        address=row.address,
        district=row.district,
        coordinates=_to_coordinates(row),
        sender=row.sender,
    )


def _to_coordinates(row: AppealTable) -> Coordinates | None:
    if row.latitude is None and row.longitude is None:
        return None
    if row.latitude is None or row.longitude is None:
        raise ValueError(f"appeal {row.id}: half a point, which nobody has stored")
    return Coordinates(row.latitude, row.longitude)


def _to_route(route: Mapping[str, Any]) -> Route:
    parts = {
        "candidates": _candidates(route["candidates"]),
        "reason": Bilingual(**route["reason"]),
        "places": tuple(Place(**{**one, "kind": Kind(one["kind"])}) for one in route["places"]),
        "question": route["question"] and Bilingual(**route["question"]),
        # Decisions of before these could be recorded lack them.
        "failures": tuple(RuleFailure(**one) for one in route.get("failures", ())),
        "note": Bilingual(**route["note"]) if route.get("note") else None,
    }
    return Route(**dict(route) | parts)


def _to_urgency(urgency: Mapping[str, Any]) -> Urgency:
    return Urgency(**dict(urgency) | {"danger_words": tuple(urgency["danger_words"])})


def _candidates(candidates: Sequence[Mapping[str, Any]]) -> tuple[Candidate, ...]:
    return tuple(Candidate(**candidate) for candidate in candidates)


def _plain(value: Any) -> Any:
    """Return a dataclass and all that is in it as JSON's types: `asdict` would copy them first."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
