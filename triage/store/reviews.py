"""Queries on reviews."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from triage.appeal import Action, Review
from triage.errors import DecisionNotFoundError, ReviewConflictError
from triage.store import rows
from triage.store.decisions import REVIEW_STATES
from triage.store.events import recorded_by
from triage.store.tables import DecisionTable, ReviewTable


def add(session: Session, *, city: str, review: Review, expected_version: int | None) -> int:
    """Store a review, and return the version of the decision that it makes.

    Parameters
    ----------
    expected_version
        The decision's version that the reviewer has seen; None to review whatever it is now.

    Raises
    ------
    ReviewConflictError
        If the decision has another version than expected.
    DecisionNotFoundError
        If the city has no such decision.
    """
    # The check is in the UPDATE itself, so that of two writers only one can pass it.
    statement = update(DecisionTable).where(
        DecisionTable.city == city, DecisionTable.id == review.decision_id
    )
    if expected_version is not None:
        statement = statement.where(DecisionTable.version == expected_version)
    version = session.scalar(
        statement.values(
            version=DecisionTable.version + 1,
            review_state=REVIEW_STATES[review.verdict],
            waits=False,
        )
        .returning(DecisionTable.version)
        .execution_options(synchronize_session=False)
    )
    if version is None:
        raise _refusal(session, city=city, decision_id=review.decision_id)
    session.execute(
        insert(ReviewTable).values(city=city, version=version, **rows.review_columns(review))
    )
    return version


def rows_of(session: Session, *, city: str, review_ids: Collection[str]) -> dict[str, ReviewTable]:
    """Return the rows of some reviews by id, for the ledger to check."""
    statement = (
        select(ReviewTable)
        .where(ReviewTable.city == city, ReviewTable.id.in_(review_ids))
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in session.scalars(statement)}


def first_unrecorded(session: Session, *, city: str, kind: str) -> str | None:
    """Return the id of a review that no ledger event of a kind is about."""
    return session.scalar(
        select(ReviewTable.id)
        .where(ReviewTable.city == city, ~recorded_by(kind, ReviewTable.city, ReviewTable.id))
        .limit(1)
    )


def first_out_of_step(session: Session, *, city: str) -> str | None:
    """Return the id of the oldest decision whose version, state or waiting its reviews deny."""
    of_decision = (
        ReviewTable.city == DecisionTable.city,
        ReviewTable.decision_id == DecisionTable.id,
    )
    count = select(func.count()).where(*of_decision).scalar_subquery()
    last = (
        select(ReviewTable.verdict)
        .where(*of_decision)
        .order_by(ReviewTable.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    state = case(
        {verdict.value: state for verdict, state in REVIEW_STATES.items()}, value=last, else_="none"
    )
    return session.scalar(
        select(DecisionTable.id)
        .where(
            DecisionTable.city == city,
            or_(
                DecisionTable.version != 1 + count,
                DecisionTable.review_state != state,
                DecisionTable.waits != and_(count == 0, DecisionTable.action != Action.AUTO.value),
            ),
        )
        .order_by(DecisionTable.decided_at, DecisionTable.id)
        .limit(1)
    )


def _refusal(
    session: Session, *, city: str, decision_id: str
) -> ReviewConflictError | DecisionNotFoundError:
    version = session.scalar(
        select(DecisionTable.version).where(
            DecisionTable.city == city, DecisionTable.id == decision_id
        )
    )
    if version is None:
        return DecisionNotFoundError(f"no decision {decision_id} in {city}")
    return ReviewConflictError(f"decision {decision_id} is at version {version} by now")
