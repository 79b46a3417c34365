"""Queries on cities: each holds the head of its ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Select, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from triage.store.tables import GENESIS_HASH, CityTable

_INSERTS: dict[str, Callable[[type[CityTable]], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of a city's ledger; `sequence` 0 where there is none yet."""

    sequence: int
    hash: str


def ensure(session: Session, *, city: str) -> None:
    """Add a city unless it is there."""
    if session.scalar(select(CityTable.code).where(CityTable.code == city)) is None:
        # Another process may add it at this moment, so this must not fail on a duplicate.
        insert = _INSERTS[session.get_bind().dialect.name]
        session.execute(
            insert(CityTable)
            .values(code=city, head_sequence=0, head_hash=GENESIS_HASH)
            .on_conflict_do_nothing()
        )


def lock(session: Session, *, city: str) -> Head:
    """Lock a city for writing until the transaction ends, and return its ledger's head.

    A city that isn't there is added. What a transaction reads of the city after this call
    can't be changed by another one before it commits.
    """
    # NO KEY: rows of other transactions that refer to the city lock its key, and FOR UPDATE
    # would wait for them while they wait for this one.
    locked = _head(city).with_for_update(key_share=True)
    row = session.execute(locked).one_or_none()
    if row is None:
        ensure(session, city=city)
        row = session.execute(locked).one()
    return Head(*row)


def head(session: Session, *, city: str) -> Head:
    """Return the head of a city's ledger."""
    row = session.execute(_head(city)).one_or_none()
    return Head(0, GENESIS_HASH) if row is None else Head(*row)


def move_head(session: Session, *, city: str, head: Head) -> None:
    """Set the head of a city's ledger; the city must be locked."""
    session.execute(
        update(CityTable)
        .where(CityTable.code == city)
        .values(head_sequence=head.sequence, head_hash=head.hash)
        .execution_options(synchronize_session=False)
    )


def _head(city: str) -> Select[int, str]:
    return select(CityTable.head_sequence, CityTable.head_hash).where(CityTable.code == city)
