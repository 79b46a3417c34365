"""Counts over the decisions of a period.

What counts all of them reads `ix_decisions_newest` alone, not the rows, which are large.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Float,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from triage.appeal import Verdict
from triage.store.decisions import REVIEW_STATES
from triage.store.rows import DUE_FORMAT
from triage.store.tables import AuditDrawTable, DecisionTable, ReviewTable

DECILES = 10

_DUE_DIGITS = (2, 14)
"""Where the due time stands in `rows.queue_key`: from which character, and how many."""

By = Literal[
    "category", "topic", "enterprise", "model_version", "language", "channel", "district", "action"
]

_COLUMNS: Mapping[By, InstrumentedAttribute[Any]] = {
    "category": DecisionTable.category,
    "topic": DecisionTable.topic,
    "enterprise": DecisionTable.enterprise,
    "model_version": DecisionTable.model_version,
    "language": DecisionTable.language,
    "channel": DecisionTable.channel,
    "district": DecisionTable.district,
    "action": DecisionTable.action,
}


class Scope(NamedTuple):
    """The decisions of a city from a time on and before another."""

    city: str
    since: datetime
    until: datetime

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Return what a statement on decisions is narrowed by."""
        return (
            DecisionTable.city == self.city,
            DecisionTable.decided_at >= self.since,
            DecisionTable.decided_at < self.until,
        )


class Tenth(NamedTuple):
    """A decile: sums over it, weighted where the sample was drawn with unequal shares."""

    least: float
    most: float
    n_found: int
    weight: float
    weight_squares: float
    weight_right: float
    weight_probability: float


def count_by(session: Session, scope: Scope, by: By) -> dict[str | None, int]:
    """Count decisions by code."""
    column = _COLUMNS[by]
    statement = _from(scope, column).add_columns(func.count()).group_by(column)
    return dict(session.execute(statement).tuples().all())


def count_by_day(
    session: Session, scope: Scope, by: Literal["channel", "action"], offset: timedelta
) -> list[tuple[date, str | None, int]]:
    """Count decisions by day and channel or action, in order of days.

    Parameters
    ----------
    offset
        Of local time from UTC: days are local ones.
    """
    column = _COLUMNS[by]
    day = _day(session, offset).label("day")
    statement = _from(scope, column).add_columns(day, func.count()).group_by(day, column)
    found = [
        (date.fromisoformat(str(day)), code, count)
        for code, day, count in session.execute(statement)
    ]
    return sorted(found, key=lambda row: (row[0], row[1] or ""))


def count_overrides(session: Session, scope: Scope, by: By) -> list[tuple[str | None, int, int]]:
    """Count the reviewed decisions by code, and the overridden ones among them."""
    column = _COLUMNS[by]
    overridden = func.sum(
        case((DecisionTable.review_state == REVIEW_STATES[Verdict.OVERRIDE], 1), else_=0)
    )
    statement = (
        _from(scope, column)
        .add_columns(func.count(), overridden)
        .where(DecisionTable.review_state.in_(REVIEW_STATES.values()))
        .group_by(column)
    )
    return [(code, n_reviewed, n_over) for code, n_reviewed, n_over in session.execute(statement)]


def count_waiting(
    session: Session, *, city: str, now: datetime, soon: datetime
) -> list[tuple[str | None, int, int, int]]:
    """Count waiting decisions by enterprise: all, overdue, and due between `now` and `soon`.

    To the second: `ix_decisions_queue` holds the time that is left in `queue_key` alone.
    """
    due = func.substr(DecisionTable.queue_key, *_DUE_DIGITS)
    first, last = (f"{moment.astimezone(UTC):{DUE_FORMAT}}" for moment in (now, soon))
    is_soon = and_(due >= first, due < last)
    # An expression, or SQLite would walk all decisions of each enterprise to save the grouping.
    enterprise = DecisionTable.enterprise.concat(literal_column("''"))
    statement = (
        select(
            enterprise,
            func.count(),
            func.sum(case((due < first, 1), else_=0)),
            func.sum(case((is_soon, 1), else_=0)),
        )
        .where(DecisionTable.city == city, DecisionTable.waits.is_(True))
        .group_by(enterprise)
    )
    return [tuple(row) for row in session.execute(statement)]


def checked_deciles(session: Session, scope: Scope) -> list[Tenth]:
    """Sum up the checked draws by decile of probability."""
    found = (
        select(
            DecisionTable.probability.label("probability"),
            (1 / AuditDrawTable.share).label("weight"),
            case((AuditDrawTable.right.is_(True), 1.0), else_=0.0).label("right"),
            _decile(),
        )
        .join(
            AuditDrawTable,
            (AuditDrawTable.city == DecisionTable.city)
            & (AuditDrawTable.decision_id == DecisionTable.id),
        )
        .where(*scope.conditions(), AuditDrawTable.checked_at.is_not(None))
    )
    return _sums(session, found)


def reviewed_deciles(session: Session, scope: Scope) -> list[Tenth]:
    """Sum up the reviewed decisions that name an enterprise by decile of probability."""
    is_right = ReviewTable.enterprise == DecisionTable.enterprise
    found = (
        select(
            DecisionTable.probability.label("probability"),
            literal(1.0).label("weight"),
            case((is_right, 1.0), else_=0.0).label("right"),
            _decile(),
        )
        # The review that made the decision's version is the last one.
        .join(
            ReviewTable,
            (ReviewTable.city == DecisionTable.city)
            & (ReviewTable.decision_id == DecisionTable.id)
            & (ReviewTable.version == DecisionTable.version),
        )
        .where(
            *scope.conditions(),
            DecisionTable.review_state.in_(REVIEW_STATES.values()),
            DecisionTable.enterprise.is_not(None),
        )
    )
    return _sums(session, found)


def _from(scope: Scope, column: InstrumentedAttribute[Any]) -> Select[Any]:
    return select(column).where(*scope.conditions())


def _day(session: Session, offset: timedelta) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "sqlite":
        return func.date(DecisionTable.decided_at, f"{offset.total_seconds():+.0f} seconds")
    return cast(func.timezone("UTC", DecisionTable.decided_at) + offset, Date)


def _decile() -> ColumnElement[int]:
    order = (DecisionTable.probability, DecisionTable.id)
    return func.ntile(DECILES).over(order_by=order).label("decile")


def _sums(session: Session, statement: Select[Any]) -> list[Tenth]:
    found = statement.subquery()
    weight, probability = found.c.weight, found.c.probability
    tenths = (
        select(
            func.min(probability),
            func.max(probability),
            func.count(),
            func.sum(weight),
            func.sum(weight * weight),
            func.sum(weight * found.c.right, type_=Float),
            func.sum(weight * probability),
        )
        .group_by(found.c.decile)
        .order_by(found.c.decile)
    )
    return [Tenth(*row) for row in session.execute(tenths)]
