"""Queries on ledger events; what they mean is told in `triage.audit`."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from triage.store.tables import LedgerEventTable


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


def add(session: Session, *, event: Event) -> None:
    """Store an event."""
    session.execute(insert(LedgerEventTable).values(**asdict(event)))


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
