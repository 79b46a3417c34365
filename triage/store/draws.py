"""Queries on the audit sample."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Float, case, exists, func, insert, select, update
from sqlalchemy.orm import Session

from triage.appeal import Action
from triage.errors import CheckConflictError, DrawNotFoundError
from triage.precision import StratumSums
from triage.sampling import Draw, stratum_of
from triage.store.events import recorded_by
from triage.store.tables import AppealTable, AuditDrawTable, DecisionTable, ReviewTable, bare


class Finding(NamedTuple):
    """What a checker found: the codes that are right, and whether the routing was."""

    checker: str
    checked_at: datetime
    category: str
    topic: str | None
    enterprise: str
    right: bool


def add_all(session: Session, *, city: str, draws: Sequence[Draw]) -> None:
    """Store draws; their decisions must be stored before."""
    if draws:
        values = [{"city": city, **asdict(draw)} for draw in draws]
        session.execute(insert(bare(AuditDrawTable)), values)


class Routed(NamedTuple):
    """Decisions of a stratum that were routed without a person since a time."""

    city: str
    category: str | None
    language: str
    since: datetime


def count_routed(session: Session, routed: Routed, *, limit: int) -> int:
    """Count decisions of a stratum, up to a limit."""
    found = select(DecisionTable.id).where(*_are(routed)).limit(limit)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def nth_last_routed(session: Session, routed: Routed, n: int) -> datetime:
    """Return when the n-th last decision of a stratum was made; it must have so many."""
    return session.scalars(
        select(DecisionTable.decided_at)
        .where(*_are(routed))
        .order_by(DecisionTable.decided_at.desc())
        .offset(n - 1)
        .limit(1)
    ).one()


def _are(routed: Routed) -> tuple[ColumnElement[bool], ...]:
    return (
        DecisionTable.city == routed.city,
        DecisionTable.decided_at >= routed.since,
        DecisionTable.action == Action.AUTO.value,
        DecisionTable.category == routed.category,
        DecisionTable.language == routed.language,
    )


def unchecked(session: Session, *, city: str, checker: str, limit: int) -> list[str]:
    """Return the ids of decisions that wait for a check, the oldest first.

    Left out are those that this checker reviewed, having seen the suggestion, and those whose
    text was purged.
    """
    seen = exists().where(
        ReviewTable.city == AuditDrawTable.city,
        ReviewTable.decision_id == AuditDrawTable.decision_id,
        ReviewTable.reviewer == checker,
    )
    return list(
        session.scalars(
            select(AuditDrawTable.decision_id)
            .join(
                AppealTable,
                (AppealTable.city == AuditDrawTable.city)
                & (AppealTable.id == AuditDrawTable.decision_id),
            )
            .where(
                AuditDrawTable.city == city,
                AuditDrawTable.checked_at.is_(None),
                AppealTable.purged_at.is_(None),
                ~seen,
            )
            .order_by(AuditDrawTable.drawn_at, AuditDrawTable.decision_id)
            .limit(limit)
        )
    )


def record(session: Session, *, city: str, decision_id: str, finding: Finding) -> AuditDrawTable:
    """Store what a checker found, and return the whole row.

    Raises
    ------
    CheckConflictError
        Somebody checked it before.
    DrawNotFoundError
        The decision was not drawn, or the city has none such.
    """
    # The check is in the UPDATE itself, so that of two checkers only one can pass it.
    found = session.scalar(
        update(AuditDrawTable)
        .where(
            AuditDrawTable.city == city,
            AuditDrawTable.decision_id == decision_id,
            AuditDrawTable.checked_at.is_(None),
        )
        .values(**finding._asdict())
        .returning(AuditDrawTable.decision_id)
        .execution_options(synchronize_session=False)
    )
    # Not by RETURNING: there SQLite gives a share of 1.0 back as 1, which has another digest.
    row = rows_of(session, city=city, decision_ids=[decision_id]).get(decision_id)
    if row is None:
        raise DrawNotFoundError(f"decision {decision_id} is not in the audit sample")
    if found is None:
        raise CheckConflictError(f"decision {decision_id} has been checked by now")
    return row


def rows_of(
    session: Session, *, city: str, decision_ids: Collection[str]
) -> dict[str, AuditDrawTable]:
    """Return the draws of some decisions by id, for the ledger to check."""
    statement = (
        select(AuditDrawTable)
        .where(AuditDrawTable.city == city, AuditDrawTable.decision_id.in_(decision_ids))
        .execution_options(populate_existing=True)
    )
    return {row.decision_id: row for row in session.scalars(statement)}


def content(row: AuditDrawTable) -> dict[str, Any]:
    """Return all that a row says, `city` apart."""
    columns = AuditDrawTable.__table__.columns.keys()
    return {name: getattr(row, name) for name in columns if name != "city"}


def to_draw(row: AuditDrawTable) -> Draw:
    """Rebuild a draw from its row."""
    return Draw(
        decision_id=row.decision_id, stratum=row.stratum, share=row.share, drawn_at=row.drawn_at
    )


def first_unrecorded(session: Session, *, city: str, kind: str) -> str | None:
    """Return the id of a checked decision that no ledger event of a kind is about."""
    return session.scalar(
        select(AuditDrawTable.decision_id)
        .where(
            AuditDrawTable.city == city,
            AuditDrawTable.checked_at.is_not(None),
            ~recorded_by(kind, AuditDrawTable.city, AuditDrawTable.decision_id),
        )
        .limit(1)
    )


def sums_by_stratum(
    session: Session, *, city: str, since: datetime, until: datetime
) -> list[StratumSums]:
    """Sum up the strata of the decisions from `since` on and before `until`."""
    drawn = _drawn(session, city=city, since=since, until=until)
    counted = session.execute(
        select(DecisionTable.category, DecisionTable.language, func.count())
        .where(
            DecisionTable.city == city,
            DecisionTable.decided_at >= since,
            DecisionTable.decided_at < until,
            DecisionTable.action == Action.AUTO.value,
        )
        .group_by(DecisionTable.category, DecisionTable.language)
    )
    return [
        StratumSums(stratum=stratum, n_routed=n_routed, **drawn.get(stratum, {}))
        for category, language, n_routed in counted
        for stratum in [stratum_of(category, language)]
    ]


def _drawn(
    session: Session, *, city: str, since: datetime, until: datetime
) -> dict[str, dict[str, Any]]:
    weight = 1 / AuditDrawTable.share
    is_checked = AuditDrawTable.checked_at.is_not(None)

    def total(value: Any, condition: Any = is_checked) -> Any:
        return func.sum(case((condition, value), else_=0.0), type_=Float)

    found = session.execute(
        select(
            AuditDrawTable.stratum,
            func.count().label("n_drawn"),
            func.count(AuditDrawTable.checked_at).label("n_checked"),
            total(weight).label("weight"),
            total(weight * weight).label("weight_squares"),
            total(weight, AuditDrawTable.right.is_(True)).label("weight_right"),
        )
        # A draw has the time of its decision.
        .where(
            AuditDrawTable.city == city,
            AuditDrawTable.drawn_at >= since,
            AuditDrawTable.drawn_at < until,
        )
        .group_by(AuditDrawTable.stratum)
    )
    sums = [dict(row) for row in found.mappings()]
    return {row.pop("stratum"): row for row in sums}
