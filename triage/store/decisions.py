"""Queries on decisions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, selectinload

from triage.appeal import Action, Channel, Decision, Review, Verdict
from triage.search import stems
from triage.store import cursors, rows, search
from triage.store.events import recorded_by
from triage.store.tables import AppealTable, DecisionTable, bare

REVIEW_STATES = {Verdict.ACCEPT: "accepted", Verdict.OVERRIDE: "overridden"}
"""A decision's `review_state` by the verdict of its last review; "none" where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """A decision with what people made of it.

    Attributes
    ----------
    version
        1 when decided, one more with each review.
    review_state
        ``none``, ``accepted`` or ``overridden``: the outcome of the last review.
    reviews
        All reviews, the last one holds.
    submitted_by
        Who sent the appeal in; None for those of before that was kept.
    purged_at
        When the resident's words were taken away; None while they are there.
    """

    decision: Decision
    version: int
    review_state: str
    reviews: tuple[Review, ...]
    submitted_by: str | None = None
    purged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilters:
    """What a page of decisions is narrowed to; None does not narrow.

    Attributes
    ----------
    category, topic, enterprise
        Codes that were decided, whatever a review made of them; enterprise is the route's.
    district
        Code of the form's district, else of the one that the text names.
    since, until
        `decided_at` from `since` on and before `until`.
    """

    action: Action | None = None
    language: str | None = None
    channel: Channel | None = None
    category: str | None = None
    topic: str | None = None
    enterprise: str | None = None
    district: str | None = None
    urgent: bool | None = None
    review_state: str | None = None
    model_version: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some decisions in their order; `next_cursor` leads to those after, None at the end."""

    items: tuple[StoredDecision, ...]
    next_cursor: str | None


_EQUALITIES: dict[str, InstrumentedAttribute[Any]] = {
    "action": DecisionTable.action,
    "language": DecisionTable.language,
    "channel": DecisionTable.channel,
    "category": DecisionTable.category,
    "topic": DecisionTable.topic,
    "enterprise": DecisionTable.enterprise,
    "district": DecisionTable.district,
    "urgent": DecisionTable.urgent,
    "review_state": DecisionTable.review_state,
    "model_version": DecisionTable.model_version,
}

_ADD_APPEALS, _ADD_DECISIONS = insert(bare(AppealTable)), insert(bare(DecisionTable))


def add_all(
    session: Session, *, city: str, submitted: Sequence[tuple[Decision, str | None]]
) -> None:
    """Store decisions of a city that is there, their appeals, and the words they are found by.

    Parameters
    ----------
    submitted
        Each decision, with who sent its appeal in.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        If the city has an appeal with the same `appeal_id`; `appeals.find_all` tells beforehand.
    """
    search_rows = search.add_all(
        session, [stems(decision.appeal.text, decision.language) for decision, _ in submitted]
    )
    session.execute(
        _ADD_APPEALS,
        [
            {"city": city, "submitted_by": actor, **rows.appeal_columns(decision)}
            for decision, actor in submitted
        ],
    )
    session.execute(
        _ADD_DECISIONS,
        [
            {"city": city, "search_row": search_row, **rows.decision_columns(decision)}
            for (decision, _), search_row in zip(submitted, search_rows, strict=True)
        ],
    )


def get(session: Session, *, city: str, decision_id: str) -> StoredDecision | None:
    """Return a decision with its reviews, None where the city has no such decision."""
    row = session.scalar(_stored(city).where(DecisionTable.id == decision_id))
    return None if row is None else _to_stored(row)


def get_all(
    session: Session, *, city: str, decision_ids: Sequence[str]
) -> tuple[StoredDecision, ...]:
    """Return some decisions with their reviews, oldest first."""
    statement = (
        _stored(city)
        .where(DecisionTable.id.in_(decision_ids))
        .order_by(DecisionTable.decided_at, DecisionTable.id)
    )
    return tuple(map(_to_stored, session.scalars(statement)))


def get_many(
    session: Session, *, city: str, decision_ids: Sequence[str]
) -> tuple[StoredDecision, ...]:
    """Return decisions in the order of their ids, all of which the city must have."""
    statement = _stored(city).where(DecisionTable.id.in_(decision_ids))
    found = {row.id: row for row in session.scalars(statement)}
    return tuple(_to_stored(found[decision_id]) for decision_id in decision_ids)


def page(
    session: Session, *, city: str, filters: DecisionFilters, limit: int, cursor: str | None = None
) -> Page:
    """Return up to `limit` decisions, newest first, from where the cursor points on.

    Decisions that come in between two calls don't shift the pages.

    Raises
    ------
    InvalidCursorError
        If the cursor is not one that this function gave out.
    """
    statement = (
        _stored(city)
        .where(*conditions(filters))
        .order_by(DecisionTable.decided_at.desc(), DecisionTable.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        last = cursors.decode(cursor)
        statement = statement.where(tuple_(DecisionTable.decided_at, DecisionTable.id) < last)
    found = session.scalars(statement).all()
    shown = found[:limit]
    more = len(found) > limit
    return Page(
        items=tuple(map(_to_stored, shown)),
        next_cursor=cursors.encode(shown[-1].decided_at, shown[-1].id) if more else None,
    )


def conditions(filters: DecisionFilters) -> list[ColumnElement[bool]]:
    """Return what must hold of a row of the decisions for the filters to let it through."""
    wanted = {name: getattr(filters, name) for name in _EQUALITIES}
    found = [_EQUALITIES[name] == value for name, value in wanted.items() if value is not None]
    if filters.since is not None:
        found.append(DecisionTable.decided_at >= filters.since)
    if filters.until is not None:
        found.append(DecisionTable.decided_at < filters.until)
    return found


def count_by_action(session: Session, *, city: str) -> dict[Action, int]:
    """Return how many decisions took each action, 0 included."""
    counted = session.execute(
        select(DecisionTable.action, func.count())
        .where(DecisionTable.city == city)
        .group_by(DecisionTable.action)
    )
    return dict.fromkeys(Action, 0) | {Action(action): count for action, count in counted}


def rows_of(
    session: Session, *, city: str, decision_ids: Collection[str]
) -> dict[str, DecisionTable]:
    """Return the rows of some decisions and their appeals by id, for the ledger to check."""
    statement = _with_appeal(city).where(DecisionTable.id.in_(decision_ids))
    return {row.id: row for row in session.scalars(statement)}


def first_unrecorded(session: Session, *, city: str, kind: str) -> str | None:
    """Return the id of an appeal or decision that no ledger event of a kind is about."""
    return session.scalar(
        select(AppealTable.id)
        .where(AppealTable.city == city, ~recorded_by(kind, AppealTable.city, AppealTable.id))
        .limit(1)
    )


def _stored(city: str) -> Select[DecisionTable]:
    return _with_appeal(city).options(selectinload(DecisionTable.reviews))


def _with_appeal(city: str) -> Select[DecisionTable]:
    return (
        select(DecisionTable)
        .join(DecisionTable.appeal)
        .options(contains_eager(DecisionTable.appeal))
        .where(DecisionTable.city == city)
        # Writes go past the session's memory of rows, so that must not answer for the database.
        .execution_options(populate_existing=True)
    )


def _to_stored(row: DecisionTable) -> StoredDecision:
    return StoredDecision(
        decision=rows.to_decision(row),
        version=row.version,
        review_state=row.review_state,
        submitted_by=row.appeal.submitted_by,
        purged_at=row.appeal.purged_at,
        reviews=tuple(map(rows.to_review, row.reviews)),
    )
