"""Queries that take residents' words away; what stays is told in `triage.purge`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session

from triage.appeal import Decision, Review
from triage.store import decisions, rows
from triage.store.decisions import StoredDecision
from triage.store.events import recorded_by
from triage.store.tables import AppealTable, DecisionTable, ReviewTable

_OF_APPEAL = ("text", "address", "latitude", "longitude", "sender")
_OF_DECISION = ("route", "urgency")


def count_old(session: Session, *, city: str, before: datetime) -> int:
    """Return how many appeals `old` would go through."""
    old = _old_ids(city, before).subquery()
    return session.scalar(select(func.count()).select_from(old)) or 0


def old(session: Session, *, city: str, before: datetime, limit: int) -> Sequence[StoredDecision]:
    """Return the oldest decisions made before a time that are neither purged nor wait."""
    ids = _old_ids(city, before).order_by(DecisionTable.decided_at, DecisionTable.id).limit(limit)
    return decisions.get_all(session, city=city, decision_ids=session.scalars(ids).all())


def overwrite(
    session: Session, *, city: str, decision: Decision, original_digest: str, at: datetime
) -> None:
    """Put a purged decision in the place of the one that is stored."""
    appeal = _columns(rows.appeal_columns(decision), _OF_APPEAL)
    session.execute(
        update(AppealTable)
        .where(AppealTable.city == city, AppealTable.id == decision.id)
        .values(**appeal, original_digest=original_digest, purged_at=at)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(DecisionTable)
        .where(DecisionTable.city == city, DecisionTable.id == decision.id)
        .values(**_columns(rows.decision_columns(decision), _OF_DECISION))
        .execution_options(synchronize_session=False)
    )


def overwrite_review(session: Session, *, city: str, review: Review) -> None:
    """Put a review's purged reason in the place of the one that is stored."""
    session.execute(
        update(ReviewTable)
        .where(ReviewTable.city == city, ReviewTable.id == review.id)
        .values(reason=review.reason)
        .execution_options(synchronize_session=False)
    )


def overwrite_freed_pages(session: Session) -> None:
    """Have SQLite overwrite what it frees, else the words would stay readable in its file."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))


def first_unrecorded(session: Session, *, city: str, kind: str) -> str | None:
    """Return the id of an appeal marked as purged that no ledger event of a kind is about."""
    return session.scalar(
        select(AppealTable.id)
        .where(
            AppealTable.city == city,
            AppealTable.purged_at.is_not(None),
            ~recorded_by(kind, AppealTable.city, AppealTable.id),
        )
        .limit(1)
    )


def _old_ids(city: str, before: datetime) -> Select[str]:
    return (
        select(DecisionTable.id)
        .join(DecisionTable.appeal)
        .where(
            DecisionTable.city == city,
            DecisionTable.decided_at < before,
            DecisionTable.waits.is_(False),
            AppealTable.purged_at.is_(None),
        )
    )


def _columns(columns: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: columns[name] for name in names}
