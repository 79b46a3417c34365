"""The service's health, as it goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.present import DECIMALS
from triage.health import FigureName, State
from triage.monitoring import Summary

Rounded = Annotated[float, AfterValidator(lambda value: round(value, DECIMALS))]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class PeriodAnswer(_Answer):
    """Decisions from `since` on and before `until`."""

    since: datetime
    until: datetime


class HealthFigureAnswer(_Answer):
    """How far something is from what it was in the weeks before."""

    name: FigureName
    value: Rounded | None = Field(
        description="Population stability index; null: a window has nothing to measure"
    )
    threshold: Rounded | None = Field(
        description="Above it the change is more than chance, and enough to matter"
    )
    n: int = Field(description="Decisions in the window")
    n_reference: int = Field(description="Decisions in the weeks before")
    state: State
    jensen_shannon: Rounded | None = Field(description="Jensen-Shannon divergence, in bits")


class DriftsAnswer(_Answer):
    """Figures of a window against the weeks before it."""

    window: PeriodAnswer
    reference: PeriodAnswer
    figures: list[HealthFigureAnswer]


class AuditedPrecisionAnswer(_Answer):
    """Precision of what was routed without a person, by its audit sample."""

    language: str | None = Field(description="null: all without a part of their own")
    group: str | None = Field(description="Enterprise; null: all without a part of their own")
    value: Rounded | None = Field(description="null: too few checks to say")
    low: Rounded | None
    high: Rounded | None
    threshold: Rounded = Field(description="What the contract promises")
    n: int = Field(description="Checks")
    n_routed: int
    state: State = Field(description="`warn`: the whole interval is under the promise")


class AuditedAnswer(_Answer):
    """Precision of all that was routed, and of each part that the contract makes a promise for."""

    precision: AuditedPrecisionAnswer
    parts: list[AuditedPrecisionAnswer]
    breaches: list[AuditedPrecisionAnswer]


class MonitorAnswer(_Answer):
    """The latest summary."""

    computed_at: datetime
    drifts: dict[str, DriftsAnswer] = Field(description="Of the last `day` and `week`")
    audited: AuditedAnswer = Field(description="Of the decisions of the last 28 days")
    n_waiting: int
    n_overdue: int


def monitor_answer(summary: Summary) -> MonitorAnswer:
    """Return the answer with a summary."""
    return MonitorAnswer.model_validate(summary)
