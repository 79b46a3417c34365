"""The overview of a period: what came in, what was done with it, and how right that was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone

from sqlalchemy.orm import Session

from triage.appeal import Action
from triage.drift import measure_drift
from triage.errors import FigureNotFoundError
from triage.figures import (
    Actions,
    Calibration,
    Count,
    Counts,
    DayActions,
    DayCount,
    Decile,
    Figure,
    Filters,
    Intake,
    MixDrift,
    OverrideRate,
    Overrides,
    Period,
    Precision,
    ShareChange,
    StratumPrecision,
    Waiting,
    WaitingCount,
)
from triage.precision import Estimate, estimate, interval
from triage.sampling import parts_of
from triage.store import draws
from triage.store import overview as counts
from triage.store.overview import By, Scope, Tenth
from triage.store.sessions import Sessions
from triage.timezone import KAZAKHSTAN

SOON = timedelta(hours=24)
"""Appeals that are due within this time will soon be overdue."""

CHECKS, REVIEWS = "checks", "reviews"


class Overview:
    """Makes the figures of a city.

    Parameters
    ----------
    promised_coverage
        Tells the coverage of the contract in force, None where there is none.
    confidence
        Of all intervals.
    zone
        Whose days are counted.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        city_code: str,
        promised_coverage: Callable[[], float | None] = lambda: None,
        confidence: float = 0.90,
        zone: timezone = KAZAKHSTAN,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city_code = city_code
        self._promised_coverage = promised_coverage
        self._confidence = confidence
        self._zone = zone
        self._clock = clock
        self._makers: Mapping[str, Callable[[Session, Period], Figure]] = {
            "intake": self._intake,
            "categories": lambda session, period: self._counts(session, period, "category"),
            "districts": lambda session, period: self._counts(session, period, "district"),
            "languages": lambda session, period: self._counts(session, period, "language"),
            "actions": self._actions,
            "overrides_by_category": lambda s, period: self._overrides(s, period, "category"),
            "overrides_by_enterprise": lambda s, period: self._overrides(s, period, "enterprise"),
            "overrides_by_model": lambda s, period: self._overrides(s, period, "model_version"),
            "waiting": self._waiting,
            "calibration": self._calibration,
            "drift_of_languages": lambda s, period: self._drift(s, period, "language"),
            "drift_of_categories": lambda s, period: self._drift(s, period, "category"),
            "precision": self._precision,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all figures."""
        return tuple(self._makers)

    def period(self, since: datetime | None, until: datetime | None, *, days: int = 30) -> Period:
        """Return a period; without an end it lasts until now, without a start for some days.

        Raises
        ------
        InvalidPeriodError
        """
        end = until or self._clock()
        return Period(since or end - timedelta(days=days), end)

    def figures(self, period: Period) -> dict[str, Figure]:
        """Make all figures, by name, of one state of the store."""
        with self._sessions.read.begin() as session:
            return {name: make(session, period) for name, make in self._makers.items()}

    def figure(self, name: str, period: Period) -> Figure:
        """Make one figure.

        Raises
        ------
        FigureNotFoundError
        """
        if name not in self._makers:
            raise FigureNotFoundError(f"no figure is called {name!r}")
        with self._sessions.read.begin() as session:
            return self._makers[name](session, period)

    def _intake(self, session: Session, period: Period) -> Intake:
        found = counts.count_by_day(session, self._scope(period), "channel", self._offset)
        return Intake(
            tuple(
                DayCount(day, channel, count, _narrowed(self._day(period, day), "channel", channel))
                for day, channel, count in found
            )
        )

    def _counts(self, session: Session, period: Period, by: By) -> Counts:
        found = counts.count_by(session, self._scope(period), by)
        return Counts(
            tuple(
                Count(code, count, _narrowed(period, by, code))
                for code, count in _most_first(found)
            )
        )

    def _actions(self, session: Session, period: Period) -> Actions:
        days: dict[date, dict[str | None, int]] = defaultdict(dict)
        for day, action, count in counts.count_by_day(
            session, self._scope(period), "action", self._offset
        ):
            days[day][action] = count
        rows = [
            _day_actions(day, found, self._day(period, day).filters())
            for day, found in days.items()
        ]
        total = sum(row.auto + row.review + row.ask for row in rows)
        return Actions(
            tuple(rows),
            coverage=sum(row.auto for row in rows) / total if total else None,
            promised=self._promised_coverage(),
        )

    def _overrides(self, session: Session, period: Period, by: By) -> Overrides:
        rows = [
            self._override_rate(code, n_reviewed, n_overridden, _narrowed(period, by, code))
            for code, n_reviewed, n_overridden in counts.count_overrides(
                session, self._scope(period), by
            )
        ]
        return Overrides(tuple(sorted(rows, key=lambda row: (-row.n_overridden, row.code or ""))))

    def _override_rate(
        self, code: str | None, n_reviewed: int, n_overridden: int, filters: Filters | None
    ) -> OverrideRate:
        rate = n_overridden / n_reviewed
        low, high = interval(rate, n_reviewed, self._confidence)
        overridden = None if filters is None else {**filters, "review_state": "overridden"}
        return OverrideRate(code, n_reviewed, n_overridden, rate, low, high, overridden)

    def _waiting(self, session: Session, period: Period) -> Waiting:
        del period  # what waits is a matter of now
        now = self._clock()
        found = counts.count_waiting(session, city=self._city_code, now=now, soon=now + SOON)
        rows = [
            WaitingCount(
                code, n_waiting, n_overdue, n_soon, None if code is None else {"enterprise": code}
            )
            for code, n_waiting, n_overdue, n_soon in found
        ]
        return Waiting(
            tuple(sorted(rows, key=lambda row: (-row.n_overdue, -row.n_due_soon, -row.n_waiting)))
        )

    def _calibration(self, session: Session, period: Period) -> Calibration:
        scope = self._scope(period)
        checked = counts.checked_deciles(session, scope)
        reviewed = counts.reviewed_deciles(session, scope)
        auto, any_reviewed = period.filters(action="auto"), period.filters()
        return Calibration(
            (
                *(self._decile(CHECKS, one, auto) for one in checked),
                *(self._decile(REVIEWS, one, any_reviewed) for one in reviewed),
            )
        )

    def _decile(self, source: str, tenth: Tenth, filters: Filters) -> Decile:
        precision = min(tenth.weight_right / tenth.weight, 1.0)
        n_effective = tenth.weight**2 / tenth.weight_squares
        low, high = interval(precision, n_effective, self._confidence)
        return Decile(
            source=source,
            least=tenth.least,
            most=tenth.most,
            probability=tenth.weight_probability / tenth.weight,
            precision=precision,
            low=low,
            high=high,
            n_found=tenth.n_found,
            filters=filters,
        )

    def _drift(self, session: Session, period: Period, by: By) -> MixDrift:
        before = counts.count_by(session, self._scope(period.before), by)
        now = counts.count_by(session, self._scope(period), by)
        n_before, n_now = max(sum(before.values()), 1), max(sum(now.values()), 1)
        rows = [
            ShareChange(
                code,
                before.get(code, 0) / n_before,
                now.get(code, 0) / n_now,
                _narrowed(period, by, code),
            )
            for code in before.keys() | now.keys()
        ]
        return MixDrift(
            tuple(sorted(rows, key=lambda row: (-abs(row.now - row.before), row.code or ""))),
            measure_drift(before, now),
        )

    def _precision(self, session: Session, period: Period) -> Precision:
        strata = draws.sums_by_stratum(
            session, city=self._city_code, since=period.since, until=period.until
        )
        found = estimate(strata, confidence=self._confidence)
        rows = tuple(_stratum_precision(one, period) for one in (found, *found.strata))
        return Precision(rows, found)

    def _scope(self, period: Period) -> Scope:
        return Scope(self._city_code, period.since, period.until)

    def _day(self, period: Period, day: date) -> Period:
        """Return the part of a period that lies on a local day."""
        start = datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC)
        return Period(max(start, period.since), min(start + timedelta(days=1), period.until))

    @property
    def _offset(self) -> timedelta:
        return self._zone.utcoffset(None)


def _narrowed(period: Period, by: str, code: str | None) -> Filters | None:
    """Return the filters of the decisions with a code; no filter asks for those without one."""
    return None if code is None else period.filters(**{by: code})


def _most_first(found: Mapping[str | None, int]) -> list[tuple[str | None, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0] or ""))


def _day_actions(day: date, found: Mapping[str | None, int], filters: Filters) -> DayActions:
    auto, review, ask = (found.get(action.value, 0) for action in Action)
    return DayActions(day, auto, review, ask, auto / (auto + review + ask), filters)


def _stratum_precision(one: Estimate, period: Period) -> StratumPrecision:
    category, language = (None, None) if one.stratum is None else parts_of(one.stratum)
    narrowed = {"category": category, "language": language, "action": "auto"}
    return StratumPrecision(
        category=category,
        language=language,
        precision=one.precision,
        low=one.low,
        high=one.high,
        n_routed=one.n_routed,
        n_drawn=one.n_drawn,
        n_checked=one.n_checked,
        filters=period.filters(**{name: code for name, code in narrowed.items() if code}),
    )
