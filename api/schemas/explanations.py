"""Answers on why a decision is what it is, and on what is known around it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.answers import ModelAnswer, Named
from api.schemas.present import name_of
from api.schemas.requests import ReviewState
from models.explain import Explanation
from models.prediction import LEVELS, Level
from triage.appeal import Action
from triage.citydata import City
from triage.explain import DecisionExplanation
from triage.masking import Masked
from triage.place import Kind
from triage.similar import SimilarAppeal
from triage.store.decisions import StoredDecision
from triage.store.events import Event


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SpanAnswer(_Answer):
    """A stretch of `text`, in characters."""

    start: int
    end: int


class WordAnswer(SpanAnswer):
    """A word, and what it adds to a label's margin; below zero it speaks against the label."""

    weight: float


class LabelAnswer(Named):
    """Where a label's margin comes from: `base` + the weights of `words` + `rest`."""

    margin: float
    base: float
    rest: float = Field(description="What can't be put down to words")
    words: list[WordAnswer]


class PlaceSpanAnswer(SpanAnswer):
    """A place of the route."""

    kind: Kind


class ExplanationAnswer(_Answer):
    """What the model's heads, the rules and the danger words went by."""

    decision_id: str
    text: str = Field(description="As the caller may see it: all spans are of this text")
    category: list[LabelAnswer] = Field(description="The chosen label, then the runner-up")
    topic: list[LabelAnswer]
    enterprise: list[LabelAnswer] = Field(description="Without those that rules alone brought in")
    places: list[PlaceSpanAnswer]
    danger_words: list[SpanAnswer]
    model: ModelAnswer = Field(description="The model that explains")
    explained_by_another_model: bool = Field(description="Than the one that decided")
    purged_at: datetime | None = Field(
        description="When the text was taken away; there is nothing to explain then"
    )


class RelatedAnswer(_Answer):
    """Another appeal, and what holds of it: by its last review, else as it was decided."""

    decision_id: str
    appeal_id: str | None
    decided_at: datetime
    text: str
    action: Action
    review_state: ReviewState
    category: Named | None
    topic: Named | None
    enterprise: Named | None


class SimilarAnswer(RelatedAnswer):
    """A past appeal that is like this one."""

    similarity: float = Field(description="By the model's encoder; for the order alone")
    near_identical: bool = Field(description="Nearly the same words")


class SimilarsAnswer(_Answer):
    """Past appeals like this one, best first, and others of its sender, newest first."""

    similar: list[SimilarAnswer]
    repeats: list[RelatedAnswer]


class EventAnswer(_Answer):
    """An event of the ledger."""

    sequence: int
    kind: str
    subject_id: str = Field(description="Of a review's event, the review")
    actor: str
    at: datetime
    payload: dict[str, Any]


class TimelineAnswer(_Answer):
    """What the ledger holds of a decision, its reviews and checks, oldest first."""

    events: list[EventAnswer]


def explanation_answer(
    decision_id: str, explanation: DecisionExplanation, text: Masked, city: City
) -> ExplanationAnswer:
    """Return an explanation, its spans moved to where they are in the masked text."""
    model = explanation.explained_by
    labels = {
        level: [
            _label_answer(level, found, text, city) for found in explanation.levels.get(level, ())
        ]
        for level in LEVELS
    }
    return ExplanationAnswer(
        decision_id=decision_id,
        text=text.text,
        **labels,
        places=[
            PlaceSpanAnswer(kind=place.kind, **_moved(text, place.start, place.end))
            for place in explanation.places
        ],
        danger_words=[SpanAnswer(**_moved(text, *span)) for span in explanation.danger_words],
        model=ModelAnswer(
            name=model.model_name, version=model.model_version, hash=model.model_hash
        ),
        explained_by_another_model=explanation.explained_by_another_model,
        purged_at=explanation.purged_at,
    )


def similar_answer(found: SimilarAppeal, text: str, city: City) -> SimilarAnswer:
    """Return a similar appeal, with its text as the caller may see it."""
    return SimilarAnswer(
        **_related(found.stored, text, city),
        similarity=found.similarity,
        near_identical=found.is_near_identical,
    )


def related_answer(stored: StoredDecision, text: str, city: City) -> RelatedAnswer:
    """Return another appeal, with its text as the caller may see it."""
    return RelatedAnswer(**_related(stored, text, city))


def timeline_answer(events: Sequence[Event]) -> TimelineAnswer:
    """Return events without the hashes that chain them."""
    return TimelineAnswer(
        events=[
            EventAnswer(
                sequence=event.sequence,
                kind=event.kind,
                subject_id=event.subject_id,
                actor=event.actor,
                at=event.at,
                payload=dict(event.payload),
            )
            for event in events
        ]
    )


def _label_answer(level: Level, found: Explanation, text: Masked, city: City) -> LabelAnswer:
    return LabelAnswer(
        **_named(level, found.label, city).model_dump(),
        margin=found.margin,
        base=found.base,
        rest=found.rest,
        words=[
            WordAnswer(weight=one.weight, **_moved(text, one.start, one.end)) for one in found.spans
        ],
    )


def _moved(text: Masked, start: int, end: int) -> dict[str, int]:
    start, end = text.moved(start, end)
    return {"start": start, "end": end}


def _related(stored: StoredDecision, text: str, city: City) -> dict[str, Any]:
    decision = stored.decision
    codes = {level: _holds(stored, level) for level in LEVELS}
    return {
        "decision_id": decision.id,
        "appeal_id": decision.appeal.appeal_id,
        "decided_at": decision.decided_at,
        "text": text,
        "action": decision.action,
        "review_state": stored.review_state,
        **{level: code and _named(level, code, city) for level, code in codes.items()},
    }


def _holds(stored: StoredDecision, level: Level) -> str | None:
    if stored.reviews:
        code: str | None = getattr(stored.reviews[-1], level)
        return code
    chosen = stored.decision.chosen(level)
    return None if chosen is None else chosen.code


def _named(level: Level, code: str, city: City) -> Named:
    name = name_of(level, code, city)
    return Named(code=code, name_ru=name and name.ru, name_kk=name and name.kk)
