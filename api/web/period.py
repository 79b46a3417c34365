"""The days that a page of figures looks at: in the address, for the figures, and in links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.web.filters import Day, midnight
from api.web.links import PAGES, link
from triage.errors import InvalidPeriodError
from triage.figures import Filters, Period
from triage.timezone import KAZAKHSTAN

CHOICES = (7, 30, 90)
"""Lengths that are one click away, in days."""

MAX_DAYS = 366
"""A chart of more days would show no single one."""

_DAY = timedelta(days=1)


class PeriodQuery(BaseModel):
    """The period as the address holds it: days up to today, or the first and the last day."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    days: int = Field(30, ge=1, le=MAX_DAYS)
    since: Day | None = None
    until: Day | None = None

    def to_days(self, today: date) -> Days:
        """Return the days that are meant.

        Raises
        ------
        InvalidPeriodError
            They end before they begin, or are too many.
        """
        if self.since is None and self.until is None:
            return Days(today - (self.days - 1) * _DAY, today, self.days)
        last = self.until or max(today, self.since or today)
        found = Days(self.since or last - (self.days - 1) * _DAY, last, None)
        if not 1 <= found.count <= MAX_DAYS:
            raise InvalidPeriodError(f"a period has 1 to {MAX_DAYS} days", field="since")
        return found


@dataclass(frozen=True, slots=True)
class Days:
    """Days of Kazakhstan from the first to the last one; `length` if they were chosen by it."""

    first: date
    last: date
    length: int | None

    @property
    def count(self) -> int:
        """How many days they are."""
        return (self.last - self.first) // _DAY + 1

    @property
    def period(self) -> Period:
        """The time that they take."""
        return Period(midnight(self.first), midnight(self.last + _DAY))

    def parameters(self) -> dict[str, str]:
        """Return what the address must hold to mean the same."""
        if self.length is not None:
            return {"days": str(self.length)}
        return {"since": self.first.isoformat(), "until": self.last.isoformat()}

    def times(self) -> dict[str, str]:
        """Return the same for routes that take times."""
        return dict(self.period.filters())


def parse(given: Mapping[str, str]) -> tuple[Days, bool]:
    """Read the days out of an address, and tell whether they could be understood."""
    today = datetime.now(KAZAKHSTAN).date()
    filled = {name: value.strip() for name, value in given.items() if value.strip()}
    try:
        return PeriodQuery.model_validate(filled).to_days(today), True
    except (ValidationError, InvalidPeriodError):
        return PeriodQuery().to_days(today), False


def behind(filters: Filters | None, state: str = "all") -> str | None:
    """Return the address of the list of the appeals behind a figure, None where none has them.

    Examples
    --------
    >>> behind({"category": "roads", "since": "2026-03-01T19:00:00+00:00"})
    '/pages/queue?category=roads&since=2026-03-02&state=all'
    """
    if filters is None:
        return None
    told = dict(filters)
    if "since" in told:
        told["since"] = _local_day(told["since"])
    if "until" in told:
        told["until"] = _local_day(told["until"], -timedelta(microseconds=1))
    state = told.pop("review_state", state)
    return link(f"{PAGES}queue", told | {"state": state})


def _local_day(moment: str, shift: timedelta = timedelta()) -> str:
    """Return the day of a moment, which lies where a day begins or, shifted, ends."""
    return (datetime.fromisoformat(moment) + shift).astimezone(KAZAKHSTAN).date().isoformat()
