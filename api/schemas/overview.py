"""Figures of the overview and estimates of the audit sample, as they go over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.fields import Moment
from api.schemas.present import DECIMALS

Share = Annotated[float, AfterValidator(lambda share: round(share, DECIMALS))]
Link = dict[str, str]
"""Filters of the appeals behind a row, as the query string of a list of appeals."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class PeriodQuery(BaseModel):
    """Decided from `since` on and before `until`; left out: the 30 days until now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Moment | None = Field(
        None, description="Decided at this time or later; write the + of a time zone as %2B"
    )
    until: Moment | None = Field(None, description="Decided before this time")


class DayCountAnswer(_Answer):
    """Appeals of a local day that came by a channel."""

    day: date
    channel: str | None
    n_appeals: int
    filters: Link | None


class CountAnswer(_Answer):
    """Appeals by a code."""

    code: str | None
    n_appeals: int
    filters: Link | None = Field(description="null for those without a code: no filter asks so")


class DayActionsAnswer(_Answer):
    """What was done with the appeals of a local day."""

    day: date
    auto: int
    review: int
    ask: int
    coverage: Share = Field(description="Share that was routed without a person")
    filters: Link


class OverrideRateAnswer(_Answer):
    """How many of the reviewed decisions were overridden."""

    code: str | None
    n_reviewed: int
    n_overridden: int
    rate: Share
    low: Share
    high: Share
    filters: Link | None


class WaitingCountAnswer(_Answer):
    """Appeals that wait for a person now, by the enterprise that is suggested."""

    enterprise: str | None
    n_waiting: int
    n_overdue: int
    n_due_soon: int = Field(description="Due within 24 hours")
    filters: Link | None


class DecileAnswer(_Answer):
    """A tenth of the decisions found right or wrong, by the enterprise's probability."""

    source: str = Field(
        description="`checks`: the blind audit sample; `reviews`: biased towards the suggestion"
    )
    least: Share
    most: Share
    probability: Share = Field(description="Mean of the probabilities in it")
    precision: Share
    low: Share
    high: Share
    n_found: int
    filters: Link


class ShareChangeAnswer(_Answer):
    """A label's share in the period before, which is as long, and in this one."""

    code: str | None
    before: Share
    now: Share
    filters: Link | None


class StratumAnswer(_Answer):
    """Precision of a stratum; null in both names: of all strata together."""

    category: str | None
    language: str | None
    precision: Share | None = Field(description="null: too few checks to say")
    low: Share | None
    high: Share | None
    n_routed: int
    n_drawn: int
    n_checked: int
    filters: Link


class IntakeAnswer(_Answer):
    """Appeals by day and channel."""

    rows: list[DayCountAnswer]


class CountsAnswer(_Answer):
    """Appeals by code."""

    rows: list[CountAnswer]


class ActionsAnswer(_Answer):
    """Actions by day."""

    rows: list[DayActionsAnswer]
    coverage: Share | None
    promised: Share | None = Field(description="Coverage on the contract's own sample")


class OverridesAnswer(_Answer):
    """Overrides by code."""

    rows: list[OverrideRateAnswer]


class WaitingAnswer(_Answer):
    """Waiting appeals by enterprise."""

    rows: list[WaitingCountAnswer]


class CalibrationAnswer(_Answer):
    """Deciles of probability against what people found."""

    rows: list[DecileAnswer]


class DriftAnswer(_Answer):
    """How far two mixes are apart."""

    psi: Share = Field(description="Population stability index")
    jensen_shannon: Share = Field(description="Jensen-Shannon divergence, in bits")
    noise: Share = Field(description="What the index stays below in 99 of 100 without a change")
    n_before: int
    n_now: int
    has_drifted: bool


class MixDriftAnswer(_Answer):
    """How a mix changed against the period before."""

    rows: list[ShareChangeAnswer]
    drift: DriftAnswer | None = Field(description="null where either period has no appeals")


class PrecisionAnswer(_Answer):
    """Precision of what was routed without a person: all together first, then by stratum."""

    rows: list[StratumAnswer]


class OverviewAnswer(_Answer):
    """All figures of a period."""

    since: datetime
    until: datetime
    intake: IntakeAnswer
    categories: CountsAnswer
    districts: CountsAnswer
    languages: CountsAnswer
    actions: ActionsAnswer
    overrides_by_category: OverridesAnswer
    overrides_by_enterprise: OverridesAnswer
    overrides_by_model: OverridesAnswer
    waiting: WaitingAnswer
    calibration: CalibrationAnswer
    drift_of_languages: MixDriftAnswer
    drift_of_categories: MixDriftAnswer
    precision: PrecisionAnswer


def overview_answer(since: datetime, until: datetime, figures: dict[str, Any]) -> OverviewAnswer:
    """Return the answer with all figures."""
    return OverviewAnswer(since=since, until=until, **figures)
