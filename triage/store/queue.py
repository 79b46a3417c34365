"""Queries on the queue: appeals in the order in which people look at them.

Rows are found in one of two indexes that hold every filtered column, so that what does not match
is passed over without reading the row itself; the few rows of a page are read afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from triage.errors import DecisionNotFoundError
from triage.search import parse_query
from triage.store import cursors, decisions, search
from triage.store.decisions import DecisionFilters, Page
from triage.store.rows import DUE_FORMAT
from triage.store.tables import DecisionTable

COUNT_LIMIT = 10_000
"""Where counting ends, lest a page of a large store waits for a number that nobody reads."""


_Value = TypeVar("_Value")
_Column: TypeAlias = ColumnElement[_Value] | InstrumentedAttribute[_Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilters(DecisionFilters):
    """What the queue is narrowed to: as a list of decisions, and by more; None does not narrow.

    A `review_state` puts the newest decision first, whatever `waiting` says.

    Attributes
    ----------
    search
        Words that the text has in any form, all of them; the last may be its beginning.
    waiting
        True for what a person is still to look at, the most pressing first. Otherwise the newest
        comes first: False for all the rest, None for both.
    """

    search: str | None = None
    waiting: bool | None = True


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many decisions match: of the first `COUNT_LIMIT` in their order, no others are counted.

    Attributes
    ----------
    overdue
        Those that wait for a person and should have been answered by now. In the queue's order
        the urgent and the overdue come first, and so are counted whatever follows.
    """

    total: int
    urgent: int
    overdue: int

    @property
    def is_capped(self) -> bool:
        """Whether `total` may be more."""
        return self.total >= COUNT_LIMIT


@dataclass(frozen=True, slots=True)
class _Order:
    """An order of decisions, the index that has it, and the cursors in it."""

    key: InstrumentedAttribute[Any]
    is_descending: bool
    index: str
    encode: Callable[[Any, str], str]
    decode: Callable[[str], tuple[Any, str]]

    def sorted(self, statement: Select[Any], *, backwards: bool = False) -> Select[Any]:
        columns = (self.key, DecisionTable.id)
        descending = self.is_descending is not backwards
        return statement.order_by(*(one.desc() if descending else one.asc() for one in columns))

    def after(self, position: tuple[Any, str], *, backwards: bool = False) -> ColumnElement[bool]:
        columns = tuple_(self.key, DecisionTable.id)
        descending = self.is_descending is not backwards
        return columns < position if descending else columns > position


_MOST_PRESSING = _Order(
    DecisionTable.queue_key,
    False,
    "ix_decisions_queue",
    cursors.encode_key,
    cursors.decode_key,
)
_NEWEST = _Order(
    DecisionTable.decided_at, True, "ix_decisions_newest", cursors.encode, cursors.decode
)
# Few are overridden, so that their rows may be read.
_NEWEST_REVIEWED = replace(_NEWEST, index="ix_decisions_review_state")


def page(
    session: Session, *, city: str, filters: QueueFilters, limit: int, cursor: str | None = None
) -> Page:
    """Return up to `limit` decisions in the queue's order, from where the cursor points on.

    Raises
    ------
    InvalidCursorError
        If the cursor is not one that this function gave out for the same order.
    """
    order = _order(filters)
    statement = order.sorted(_matching(session, city, filters, order.key, DecisionTable.id))
    if cursor is not None:
        statement = statement.where(order.after(order.decode(cursor)))
    found = session.execute(statement.limit(limit + 1)).all()
    shown = [(key, row_id) for key, row_id in found[:limit]]
    ids = [row_id for _, row_id in shown]
    return Page(
        items=decisions.get_many(session, city=city, decision_ids=ids),
        next_cursor=order.encode(*shown[-1]) if len(found) > limit else None,
    )


def counts(session: Session, *, city: str, filters: QueueFilters, now: datetime) -> QueueCounts:
    """Count what matches, and what of it is urgent or overdue."""
    overdue = and_(DecisionTable.waits, _was_due_before(now)).label("overdue")
    found = _matching(session, city, filters, DecisionTable.urgent, overdue)
    each = _order(filters).sorted(found).limit(COUNT_LIMIT).subquery()
    counted = select(
        func.count(), func.count().filter(each.c.urgent), func.count().filter(each.c.overdue)
    )
    return QueueCounts(*session.execute(counted.select_from(each)).one())


def beside(
    session: Session, *, city: str, filters: QueueFilters, decision_id: str
) -> tuple[str | None, str | None]:
    """Return the ids before and after a decision, which itself need not match the filters.

    Raises
    ------
    DecisionNotFoundError
        If the city has no such decision.
    """
    order = _order(filters)
    row = session.execute(
        select(order.key, DecisionTable.id).where(
            DecisionTable.city == city, DecisionTable.id == decision_id
        )
    ).one_or_none()
    if row is None:
        raise DecisionNotFoundError(f"no decision {decision_id} in {city}")
    position = (row[0], row[1])
    matching = _matching(session, city, filters, DecisionTable.id)
    before, after = (
        session.scalar(
            order.sorted(
                matching.where(order.after(position, backwards=backwards)), backwards=backwards
            ).limit(1)
        )
        for backwards in (True, False)
    )
    return before, after


def _order(filters: QueueFilters) -> _Order:
    if filters.review_state is not None:
        return _NEWEST_REVIEWED
    return _MOST_PRESSING if filters.waiting else _NEWEST


def _matching(
    session: Session, city: str, filters: QueueFilters, *columns: _Column[Any]
) -> Select[Any]:
    """Select columns that the index of the order holds, of all that matches."""
    return (
        select(*columns)
        .where(DecisionTable.city == city, *_conditions(session, filters))
        # SQLite guesses without statistics, and would read and sort whole rows of another index.
        .with_hint(DecisionTable, f"INDEXED BY {_order(filters).index}", "sqlite")
    )


def _conditions(session: Session, filters: QueueFilters) -> list[ColumnElement[bool]]:
    conditions = decisions.conditions(filters)
    if filters.waiting is not None:
        conditions.append(DecisionTable.waits == filters.waiting)
    if filters.search is not None and filters.search.strip():
        conditions.append(search.matches(session, parse_query(filters.search)))
    return conditions


def _was_due_before(now: datetime) -> ColumnElement[bool]:
    # Within the urgent and within the rest the key goes by due time.
    due = f"{now.astimezone(UTC):{DUE_FORMAT}}"
    return or_(*(DecisionTable.queue_key.between(calm, calm + due) for calm in "01"))
