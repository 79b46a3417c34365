"""Queries for appeals that may be like another one, or that its sender wrote."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.store.tables import AppealTable, DecisionTable

_COLUMNS = {"category": DecisionTable.category, "topic": DecisionTable.topic}


def newest(
    session: Session,
    *,
    city: str,
    level: Literal["category", "topic"],
    code: str,
    limit: int,
    reviewed: bool = False,
) -> list[str]:
    """Return ids of decisions on a topic or category, newest first; purged appeals are left out.

    Parameters
    ----------
    reviewed
        Whether to leave out those that nobody has reviewed.
    """
    statement = (
        select(DecisionTable.id)
        .join(DecisionTable.appeal)
        .where(DecisionTable.city == city, _COLUMNS[level] == code, AppealTable.purged_at.is_(None))
        .order_by(DecisionTable.decided_at.desc(), DecisionTable.id.desc())
        .limit(limit)
    )
    if reviewed:
        statement = statement.where(DecisionTable.review_state != "none")
    return list(session.scalars(statement))


def texts(session: Session, *, city: str, decision_ids: Collection[str]) -> dict[str, str]:
    """Return the texts of appeals by the ids of their decisions."""
    statement = select(AppealTable.id, AppealTable.text).where(
        AppealTable.city == city, AppealTable.id.in_(decision_ids)
    )
    return {row.id: row.text for row in session.execute(statement)}


def of_sender(session: Session, *, city: str, sender: str, limit: int) -> list[str]:
    """Return ids of the decisions on a sender's appeals, newest first."""
    statement = (
        select(AppealTable.id)
        .where(AppealTable.city == city, AppealTable.sender == sender)
        .order_by(AppealTable.id.desc())  # ids grow with time
        .limit(limit)
    )
    return list(session.scalars(statement))
