"""Figures of the overview as tables of its page: by day, in order, with names; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from api.schemas.present import name_of
from api.web.language import Locale
from api.web.period import Days
from models.prediction import LEVELS
from triage.citydata import City
from triage.figures import Calibration, Count, DayCount, Decile, Intake

Naming: TypeAlias = Callable[[str, str | None], str]
"""Takes what a code is of (`category`, `channel`, ...) and the code, and returns its name."""


@dataclass(frozen=True, slots=True)
class IntakeDay:
    """A day's appeals by channel, in the table's order of channels; None where none came."""

    day: date
    counts: tuple[DayCount | None, ...]

    @property
    def total(self) -> int:
        """Appeals of all channels."""
        return sum(one.n_appeals for one in self.counts if one)


@dataclass(frozen=True, slots=True)
class IntakeTable:
    """Appeals by day and channel; channels that nothing came by are left out."""

    channels: tuple[str | None, ...]
    days: tuple[IntakeDay, ...]

    @property
    def total(self) -> int:
        """Appeals of all days."""
        return sum(one.total for one in self.days)


def by_day(intake: Intake, days: Days) -> IntakeTable:
    """Return a row for each day, those without appeals too: a chart must not skip them."""
    found: dict[date, dict[str | None, DayCount]] = defaultdict(dict)
    for row in intake.rows:
        found[row.day][row.channel] = row
    channels = tuple(sorted({row.channel for row in intake.rows}, key=lambda one: one or "~"))
    wanted = [days.first + timedelta(days=number) for number in range(days.count)]
    return IntakeTable(
        channels,
        tuple(IntakeDay(day, tuple(found[day].get(one) for one in channels)) for day in wanted),
    )


def by_probability(calibration: Calibration) -> list[Decile]:
    """Return tenths of both sources, least sure first, as a chart's x must be."""
    return sorted(calibration.rows, key=lambda row: (row.probability, row.source))


def shares(rows: Sequence[Count]) -> list[tuple[Count, float]]:
    """Return each row with its share of all appeals."""
    total = sum(row.n_appeals for row in rows)
    return [(row, row.n_appeals / total) for row in rows]


def names(city: City, locale: Locale) -> Naming:
    """Return what tells the names of codes; a code that the city has no more stands for itself."""

    def name(of: str, code: str | None) -> str:
        if code is None:
            return locale.tell(f"overview.none.{of}")
        if of in ("language", "channel"):
            return locale.tell(f"{of}.{code}")
        if of == "district":
            district = city.districts.get(code)
            return locale.pick(district.name) if district else code
        found = next((name_of(level, code, city) for level in LEVELS if level == of), None)
        return locale.pick(found) if found else code

    return name
