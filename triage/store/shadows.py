"""Queries on what challengers would have decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from triage.store import cursors
from triage.store.tables import DecisionTable, ShadowDecisionTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowDecision:
    """What a challenger would have decided on an appeal.

    Attributes
    ----------
    probability
        Of the enterprise.
    """

    decision_id: str
    model_name: str
    model_version: str
    category: str | None
    topic: str | None
    enterprise: str | None
    probability: float
    action: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """An appeal on which the challenger differs, and what was decided on it."""

    shadow: ShadowDecision
    topic: str | None
    enterprise: str | None
    action: str
    probability: float


@dataclass(frozen=True, slots=True)
class Differences:
    """Some differences, newest first; `next_cursor` leads to older ones, None at the end."""

    items: tuple[Difference, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a challenger decided as the champion did.

    Attributes
    ----------
    same_topic, same_enterprise
        How many of `n_decisions`.
    automatic, automatic_before
        How many the challenger, and the champion, would have routed without a person.
    """

    n_decisions: int
    same_topic: int
    same_enterprise: int
    automatic: int
    automatic_before: int


def add(session: Session, *, city: str, shadows: Iterable[ShadowDecision]) -> None:
    """Store what a challenger would have decided."""
    values = [{"city": city, **asdict(shadow)} for shadow in shadows]
    if values:
        session.execute(insert(ShadowDecisionTable), values)


def agreement(session: Session, *, city: str, name: str, version: str) -> Agreement:
    """Count where a challenger agrees with what was decided."""
    counts = session.execute(
        select(
            func.count(),
            _count(_is_same(ShadowDecisionTable.topic, DecisionTable.topic)),
            _count(_is_same(ShadowDecisionTable.enterprise, DecisionTable.enterprise)),
            _count(ShadowDecisionTable.action == "auto"),
            _count(DecisionTable.action == "auto"),
        )
        .select_from(ShadowDecisionTable)
        .join(DecisionTable, _is_about_the_same())
        .where(*_of_model(city, name, version))
    ).one()
    return Agreement(*counts)


def differences(
    session: Session, *, city: str, name: str, version: str, limit: int, cursor: str | None = None
) -> Differences:
    """Return up to `limit` appeals that would go elsewhere or otherwise, newest first.

    Raises
    ------
    InvalidCursorError
        If the cursor is not one that this function gave out.
    """
    statement = _differing(city, name, version).limit(limit + 1)
    if cursor is not None:
        last = cursors.decode(cursor)
        place = tuple_(ShadowDecisionTable.at, ShadowDecisionTable.decision_id)
        statement = statement.where(place < last)
    found = session.execute(statement).all()
    items = tuple(
        Difference(_to_shadow(row), made.topic, made.enterprise, made.action, made.probability)
        for row, made in found[:limit]
    )
    more = len(found) > limit
    last_shadow = items[-1].shadow if items else None
    return Differences(
        items,
        cursors.encode(last_shadow.at, last_shadow.decision_id) if more and last_shadow else None,
    )


def _differing(city: str, name: str, version: str) -> Select[ShadowDecisionTable, DecisionTable]:
    same = and_(
        _is_same(ShadowDecisionTable.enterprise, DecisionTable.enterprise),
        ShadowDecisionTable.action == DecisionTable.action,
    )
    return (
        select(ShadowDecisionTable, DecisionTable)
        .join(DecisionTable, _is_about_the_same())
        .where(*_of_model(city, name, version), ~same)
        .order_by(ShadowDecisionTable.at.desc(), ShadowDecisionTable.decision_id.desc())
    )


def _of_model(city: str, name: str, version: str) -> tuple[ColumnElement[bool], ...]:
    return (
        ShadowDecisionTable.city == city,
        ShadowDecisionTable.model_name == name,
        ShadowDecisionTable.model_version == version,
    )


def _is_about_the_same() -> ColumnElement[bool]:
    return and_(
        DecisionTable.city == ShadowDecisionTable.city,
        DecisionTable.id == ShadowDecisionTable.decision_id,
    )


def _is_same(
    ours: InstrumentedAttribute[str | None], theirs: InstrumentedAttribute[str | None]
) -> ColumnElement[bool]:
    return ours.is_not_distinct_from(theirs)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _to_shadow(row: ShadowDecisionTable) -> ShadowDecision:
    names = ShadowDecision.__dataclass_fields__
    return ShadowDecision(**{name: getattr(row, name) for name in names})
