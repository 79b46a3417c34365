"""Blind checks of the audit sample, as they go over HTTP."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Name
from api.schemas.overview import Share
from api.schemas.requests import Point
from triage.appeal import Channel
from triage.checking import BlindAppeal


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class BlindAppealAnswer(_Answer):
    """An appeal to check; what was decided on it is told after the check."""

    decision_id: str
    text: str
    channel: Channel | None
    address: str | None
    district: str | None
    coordinates: Point | None
    received_at: datetime | None


class NextCheckAnswer(_Answer):
    """What to check next."""

    appeal: BlindAppealAnswer | None = Field(description="null where nothing waits for you")


class CheckBody(BaseModel):
    """What a checker found to be right, the suggestion unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: Name
    topic: Name | None = None
    enterprise: Name


class CheckOutcomeAnswer(_Answer):
    """What the check found, and what had been decided."""

    decision_id: str
    right: bool = Field(description="Whether the enterprise was the right one")
    right_category: bool
    right_topic: bool
    category: str | None
    topic: str | None
    enterprise: str | None


class StratumEstimateAnswer(_Answer):
    """Precision of automatic routing, with its interval."""

    stratum: str | None = Field(description="Category and language; null for all together")
    precision: Share | None = Field(description="null: too few checks to say")
    low: Share | None
    high: Share | None
    confidence: float
    n_routed: int
    n_drawn: int
    n_checked: int
    represented: Share = Field(description="Share of the routed that lie in strata with checks")


class EstimateAnswer(StratumEstimateAnswer):
    """The same for all together and for each stratum."""

    strata: list[StratumEstimateAnswer]


def next_check_answer(found: BlindAppeal | None) -> NextCheckAnswer:
    """Return the appeal to check."""
    if found is None:
        return NextCheckAnswer(appeal=None)
    appeal = found.appeal
    point = appeal.coordinates
    return NextCheckAnswer(
        appeal=BlindAppealAnswer(
            decision_id=found.decision_id,
            text=appeal.text,
            channel=appeal.channel,
            address=appeal.address,
            district=appeal.district,
            coordinates=point and Point(lat=point.latitude, lon=point.longitude),
            received_at=appeal.received_at,
        )
    )
