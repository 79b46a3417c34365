"""What the overview tells: figures, their rows, and the filters of the appeals behind each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Protocol

from triage.drift import Drift
from triage.errors import InvalidPeriodError
from triage.precision import Estimate

Filters = Mapping[str, str]
"""Query string of the list of appeals; names as of `triage.queue.QueueFilters`, `review_state`
as of `DecisionFilters`."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets take a cell that begins so for a formula, and run it."""


@dataclass(frozen=True, slots=True)
class Period:
    """Decisions from `since` on and before `until`.

    Raises
    ------
    InvalidPeriodError
        It ends before it begins.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise InvalidPeriodError("the period ends before it begins", field="until")

    @property
    def before(self) -> Period:
        """The period of the same length that ends where this one begins."""
        return Period(self.since - (self.until - self.since), self.since)

    def filters(self, **narrowed: str) -> Filters:
        """Return the filters of the period's decisions, narrowed by others."""
        times = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return times | narrowed


@dataclass(frozen=True, slots=True)
class DayCount:
    """Appeals of a day that came by a channel; None where the intake system did not say."""

    day: date
    channel: str | None
    n_appeals: int
    filters: Filters | None


@dataclass(frozen=True, slots=True)
class Count:
    """Appeals by a code; None for those that have none, which no filter can ask for."""

    code: str | None
    n_appeals: int
    filters: Filters | None


@dataclass(frozen=True, slots=True)
class DayActions:
    """What was done with the appeals of a day; `coverage` is the share that went unseen."""

    day: date
    auto: int
    review: int
    ask: int
    coverage: float
    filters: Filters


@dataclass(frozen=True, slots=True)
class OverrideRate:
    """How many of the reviewed decisions were overridden; a rate of few says little."""

    code: str | None
    n_reviewed: int
    n_overridden: int
    rate: float
    low: float
    high: float
    filters: Filters | None


@dataclass(frozen=True, slots=True)
class WaitingCount:
    """Appeals that wait for a person, by the enterprise that is suggested."""

    enterprise: str | None
    n_waiting: int
    n_overdue: int
    n_due_soon: int
    filters: Filters | None


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the found decisions, by the probability of the chosen enterprise.

    Attributes
    ----------
    least, most, probability
        The lowest, the highest and the mean probability in it.
    precision, low, high
        Share that was found right, with its interval.
    """

    source: str
    least: float
    most: float
    probability: float
    precision: float
    low: float
    high: float
    n_found: int
    filters: Filters


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A label's share of the appeals, before and now."""

    code: str | None
    before: float
    now: float
    filters: Filters | None


@dataclass(frozen=True, slots=True)
class StratumPrecision:
    """Precision of one stratum of the audit sample, or of all (`category` and `language` None)."""

    category: str | None
    language: str | None
    precision: float | None
    low: float | None
    high: float | None
    n_routed: int
    n_drawn: int
    n_checked: int
    filters: Filters


@dataclass(frozen=True, slots=True)
class Intake:
    """Appeals by day and channel."""

    rows: tuple[DayCount, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Appeals by code, most first."""

    rows: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Actions:
    """Actions by day, and the coverage that the contract in force leads to expect.

    Attributes
    ----------
    promised
        Coverage on the contract's own sample; None while no model is loaded.
    """

    rows: tuple[DayActions, ...]
    coverage: float | None
    promised: float | None


@dataclass(frozen=True, slots=True)
class Overrides:
    """Overrides by code, most overridden first."""

    rows: tuple[OverrideRate, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waiting appeals by enterprise, most overdue first; whatever the period, it is now."""

    rows: tuple[WaitingCount, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Deciles of probability against what was found.

    Source ``checks`` is unbiased for what went unseen; ``reviews`` is not: people tend to accept
    what they are shown, and look first at what is least sure.
    """

    rows: tuple[Decile, ...]


@dataclass(frozen=True, slots=True)
class MixDrift:
    """How a mix changed against the period before; `drift` None where either is empty."""

    rows: tuple[ShareChange, ...]
    drift: Drift | None


@dataclass(frozen=True, slots=True)
class Precision:
    """The audit sample's estimate: all together in the first row, then by stratum."""

    rows: tuple[StratumPrecision, ...]
    estimate: Estimate


class Figure(Protocol):
    """Anything with rows of one dataclass."""

    @property
    def rows(self) -> Sequence[Any]: ...  # noqa: D102  # the attribute of each figure above


def to_csv(figure: Figure) -> str:
    """Write a figure's rows with a header; the filters are left out, None is an empty cell.

    No cell can be taken for a formula: what begins like one has an apostrophe put before it
    (OWASP, "CSV Injection").
    """
    if not figure.rows:
        return ""
    names = [one.name for one in fields(figure.rows[0]) if one.name != "filters"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in figure.rows)
    return text.getvalue()


def _cell(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if is_formula else value
