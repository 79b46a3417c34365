"""Full-text search: stems of the texts, in FTS5 on SQLite and as a tsvector on PostgreSQL.

A row of `appeal_stems` belongs to the decision that names it in `search_row`, and to its city.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from triage.search import Term
from triage.store.tables import DecisionTable

FREQUENT = 5_000
"""Appeals found by a search from which on going through the queue meets the next one soon."""

STEMS = table("appeal_stems", column("rowid"), column("stems"))

_LAST_ROW = select(STEMS.c.rowid).order_by(STEMS.c.rowid.desc()).limit(1)
_ADD_TO_SQLITE = insert(STEMS)
_ADD_TO_POSTGRESQL = text(
    "INSERT INTO appeal_stems (stems)"
    " SELECT array_to_tsvector(string_to_array(stems, ' '))"
    " FROM unnest(:texts) WITH ORDINALITY AS listed (stems, place) ORDER BY place"
    " RETURNING rowid"
).bindparams(bindparam("texts", type_=ARRAY(Text)))


def add_all(session: Session, texts: Sequence[Sequence[str]]) -> list[int]:
    """Store the stems of texts, and return the row of each for `DecisionTable.search_row`."""
    joined = [" ".join(stems) for stems in texts]
    if not _is_sqlite(session):
        return list(session.scalars(_ADD_TO_POSTGRESQL, {"texts": joined}))
    # FTS5 has no RETURNING; whoever writes holds SQLite's only lock, so that these rows are free.
    last = session.scalar(_LAST_ROW) or 0
    found = [last + place for place in range(1, len(texts) + 1)]
    session.execute(
        _ADD_TO_SQLITE,
        [{"rowid": row, "stems": stems} for row, stems in zip(found, joined, strict=True)],
    )
    return found


def remove(session: Session, *, city: str, decision_id: str) -> None:
    """Have no search find a decision's appeal any more; `compact` then erases its words."""
    of_decision = (DecisionTable.city == city, DecisionTable.id == decision_id)
    row = session.scalar(select(DecisionTable.search_row).where(*of_decision))
    if row is None:
        return
    session.execute(delete(STEMS).where(STEMS.c.rowid == row))
    session.execute(
        update(DecisionTable)
        .where(*of_decision)
        .values(search_row=None)
        .execution_options(synchronize_session=False)
    )


def compact(session: Session) -> None:
    """Erase what removed rows leave in SQLite's index; PostgreSQL's own vacuum does it there."""
    if _is_sqlite(session):
        session.execute(text("INSERT INTO appeal_stems (appeal_stems) VALUES ('optimize')"))


def matches(session: Session, terms: Sequence[Term]) -> ColumnElement[bool]:
    """Return the condition that a decision's appeal has all the terms; nothing has none at all."""
    if not terms:
        return literal(False)
    if _is_sqlite(session):
        has_all = column("appeal_stems").op("MATCH")(_fts5_query(terms))
        return DecisionTable.search_row.in_(select(STEMS.c.rowid).where(has_all))
    found = select(STEMS.c.rowid).where(STEMS.c.stems.op("@@")(cast(_tsquery(terms), TSQUERY)))
    if _is_frequent(session, found):
        return DecisionTable.search_row.in_(found)
    # PostgreSQL takes many rare words for frequent ones, and would look through every text.
    apart = found.cte("found").prefix_with("MATERIALIZED")
    return DecisionTable.search_row.in_(select(apart.c.rowid))


def _is_frequent(session: Session, found: Select[Any]) -> bool:
    some = found.limit(FREQUENT).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one() == FREQUENT


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


# Stems are letters and digits alone, so that none of them can end the quotes around it.


def _fts5_query(terms: Sequence[Term]) -> str:
    return " AND ".join(
        "(" + " OR ".join((*(f'"{stem}"' for stem in term.stems), *_begins(term, '"{}" *'))) + ")"
        for term in terms
    )


def _tsquery(terms: Sequence[Term]) -> str:
    return " & ".join(
        "(" + " | ".join((*(f"'{stem}'" for stem in term.stems), *_begins(term, "'{}':*"))) + ")"
        for term in terms
    )


def _begins(term: Term, form: str) -> tuple[str, ...]:
    return () if term.prefix is None else (form.format(term.prefix),)
