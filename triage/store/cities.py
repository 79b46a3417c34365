"""Queries on cities: each holds the head of its ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from triage.store.tables import GENESIS_HASH, CityTable, bare

_INSERTS: dict[str, Callable[[type[CityTable]], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}

# Every appeal passes these: made once, SQLAlchemy need not make and compare them each time.
_CITY = bare(CityTable)
_HEAD = select(_CITY.c.head_sequence, _CITY.c.head_hash).where(_CITY.c.code == bindparam("city"))
# NO KEY: rows of other transactions that refer to the city lock its key, and FOR UPDATE
# would wait for them while they wait for this one.
_LOCKED_HEAD = _HEAD.with_for_update(key_share=True)
_MOVE_HEAD = (
    update(_CITY)
    .where(_CITY.c.code == bindparam("city"))
    .values(head_sequence=bindparam("sequence"), head_hash=bindparam("hash"))
)


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
    row = session.execute(_LOCKED_HEAD, {"city": city}).one_or_none()
    if row is None:
        ensure(session, city=city)
        row = session.execute(_LOCKED_HEAD, {"city": city}).one()
    return Head(*row)


def head(session: Session, *, city: str) -> Head:
    """Return the head of a city's ledger."""
    row = session.execute(_HEAD, {"city": city}).one_or_none()
    return Head(0, GENESIS_HASH) if row is None else Head(*row)


def move_head(session: Session, *, city: str, head: Head) -> None:
    """Set the head of a city's ledger; the city must be locked."""
    session.execute(_MOVE_HEAD, {"city": city, "sequence": head.sequence, "hash": head.hash})
