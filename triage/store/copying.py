"""Queries that read all tables for a backup, and fill them from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from triage.search import stems
from triage.store import search
from triage.store.cities import Head
from triage.store.tables import (
    AppealTable,
    CityTable,
    DecisionTable,
    LoginFailureTable,
    LoginLinkTable,
    LoginTable,
    Table,
)

BATCH = 1_000

_PASSING = (LoginTable, LoginLinkTable, LoginFailureTable)
"""Not copied: who has signed out since must not be signed in again by a backup."""


def tables() -> list[sa.Table]:
    """Return the tables that are copied, each behind those that it refers to."""
    passing = {kind.__table__ for kind in _PASSING}
    return [table for table in Table.metadata.sorted_tables if table not in passing]


def count(session: Session, table: sa.Table) -> int:
    """Count the rows of a table."""
    return session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def heads(session: Session) -> dict[str, Head]:
    """Return the heads of all ledgers, by city."""
    found = session.execute(sa.select(CityTable.code, CityTable.head_sequence, CityTable.head_hash))
    return {code: Head(sequence, head_hash) for code, sequence, head_hash in found}


def read(session: Session, table: sa.Table) -> Iterator[sa.Row[Any]]:
    """Yield the rows of a table in the order of its key, a batch of them in memory at a time."""
    statement = sa.select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    yield from session.execute(statement)


def fill(session: Session, table: sa.Table, batch: Sequence[dict[str, Any]]) -> None:
    """Add rows to a table."""
    session.execute(sa.insert(table), batch)


def is_empty(session: Session) -> bool:
    """Whether no table has a row."""
    return not any(
        session.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        for table in Table.metadata.sorted_tables
    )


def index_texts(session: Session) -> None:
    """Have every appeal found by its words that had been; each database keeps those its own way."""
    last = ("", "")
    while found := session.execute(_searched(last)).all():
        texts = [stems(text, language) for _, _, language, text in found]
        for (city, decision_id, *_), row in zip(found, search.add_all(session, texts), strict=True):
            session.execute(
                sa.update(DecisionTable)
                .where(DecisionTable.city == city, DecisionTable.id == decision_id)
                .values(search_row=row)
                .execution_options(synchronize_session=False)
            )
        last = (found[-1].city, found[-1].id)


def _searched(last: tuple[str, str]) -> sa.Select[str, str, str, str]:
    return (
        sa.select(DecisionTable.city, DecisionTable.id, DecisionTable.language, AppealTable.text)
        .join(DecisionTable.appeal)
        .where(
            DecisionTable.search_row.is_not(None),
            sa.tuple_(DecisionTable.city, DecisionTable.id) > last,
        )
        .order_by(DecisionTable.city, DecisionTable.id)
        .limit(BATCH)
    )
