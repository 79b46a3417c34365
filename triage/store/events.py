"""Queries on ledger events; what they mean is told in `triage.audit`."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from triage.errors import InvalidCursorError
from triage.store.tables import LedgerEventTable, bare

MAX_SEQUENCE_DIGITS = 9
"""Of a cursor: what an INTEGER of any database takes."""

_ADD = insert(bare(LedgerEventTable))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a city's ledger.

    Attributes
    ----------
    sequence
        1 for the first event, without gaps.
    subject_id
        What the event is about: the id of a decision, of a review, a model's version.
    previous_hash, hash
        SHA-256, hexadecimal; `hash` covers all other fields.
    """

    city: str
    sequence: int
    kind: str
    subject_id: str
    actor: str
    at: datetime
    payload: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilters:
    """What a page of events is narrowed to; None does not narrow.

    Attributes
    ----------
    since, until
        `at` from `since` on and before `until`.
    """

    kind: str | None = None
    subject_id: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, newest first; `next_cursor` leads to older ones, None at the end."""

    items: tuple[Event, ...]
    next_cursor: str | None


def add_all(session: Session, *, events: Sequence[Event]) -> None:
    """Store events."""
    # Without `asdict`, which would copy every payload.
    names = [field.name for field in fields(Event)]
    values = [{name: getattr(event, name) for name in names} for event in events]
    session.execute(_ADD, values)


def batches(session: Session, *, city: str, size: int) -> Generator[Sequence[Event]]:
    """Yield all events of a city in their order, `size` of them in memory at a time.

    Close it where it may not be read to its end, for PostgreSQL holds a cursor open.
    """
    statement = (
        select(LedgerEventTable.__table__)
        .where(LedgerEventTable.city == city)
        .order_by(LedgerEventTable.sequence)
        .execution_options(yield_per=size)
    )
    with session.execute(statement) as found:
        for batch in found.mappings().partitions():
            yield [Event(**row) for row in batch]


def page(
    session: Session, *, city: str, filters: EventFilters, limit: int, cursor: str | None = None
) -> EventPage:
    """Return up to `limit` events, newest first, from where the cursor points on.

    Raises
    ------
    InvalidCursorError
        If the cursor is not one that this function gave out.
    """
    statement = (
        select(LedgerEventTable.__table__)
        .where(LedgerEventTable.city == city, *_conditions(session, city, filters))
        .order_by(LedgerEventTable.sequence.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        statement = statement.where(LedgerEventTable.sequence < _decode(cursor))
    found = [Event(**row) for row in session.execute(statement).mappings()]
    shown = tuple(found[:limit])
    more = len(found) > limit
    return EventPage(shown, next_cursor=str(shown[-1].sequence) if more else None)


def about(
    session: Session, *, city: str, kind: str, subject_ids: Collection[str]
) -> Sequence[Event]:
    """Return the events of a kind about some subjects."""
    statement = select(LedgerEventTable.__table__).where(
        LedgerEventTable.city == city,
        LedgerEventTable.kind == kind,
        LedgerEventTable.subject_id.in_(subject_ids),
    )
    return [Event(**row) for row in session.execute(statement).mappings()]


def last_of(session: Session, *, city: str, kinds: Collection[str], prefix: str) -> Event | None:
    """Return the last event of some kinds about a subject whose id begins so; None without any."""
    statement = (
        select(LedgerEventTable.__table__)
        .where(
            LedgerEventTable.city == city,
            LedgerEventTable.kind.in_(kinds),
            LedgerEventTable.subject_id.startswith(prefix, autoescape=True),
        )
        .order_by(LedgerEventTable.sequence.desc())
        .limit(1)
    )
    row = session.execute(statement).mappings().one_or_none()
    return None if row is None else Event(**row)


def sequence_of(session: Session, *, city: str, kind: str, subject_id: str) -> int:
    """Return the sequence of the first event of a kind about a subject."""
    return session.scalars(
        select(LedgerEventTable.sequence)
        .where(
            LedgerEventTable.city == city,
            LedgerEventTable.kind == kind,
            LedgerEventTable.subject_id == subject_id,
        )
        .order_by(LedgerEventTable.sequence)
        .limit(1)
    ).one()


def recorded_by(
    kind: str, city: InstrumentedAttribute[str], subject_id: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Return the condition that an event of a kind is about the row of another query."""
    return exists().where(
        LedgerEventTable.city == city,
        LedgerEventTable.kind == kind,
        LedgerEventTable.subject_id == subject_id,
    )


def _conditions(session: Session, city: str, filters: EventFilters) -> list[ColumnElement[bool]]:
    found = LedgerEventTable
    conditions = []
    if filters.kind is not None:
        conditions.append(found.kind == filters.kind)
    elif filters.subject_id is not None:
        # The index on subjects begins with the kind.
        kinds = select(found.kind).where(found.city == city).distinct()
        conditions.append(found.kind.in_(session.scalars(kinds).all()))
    if filters.subject_id is not None:
        conditions.append(found.subject_id == filters.subject_id)
    if filters.actor is not None:
        conditions.append(found.actor == filters.actor)
    if filters.since is not None:
        conditions.append(found.at >= filters.since)
    if filters.until is not None:
        conditions.append(found.at < filters.until)
    return conditions


def _decode(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= MAX_SEQUENCE_DIGITS):
        raise InvalidCursorError("this cursor was not given out by this service")
    return int(cursor)
