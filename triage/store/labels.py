"""Queries on what people said of decisions: the labels that models are fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, union
from sqlalchemy.orm import Session

from triage.appeal import Verdict
from triage.store.tables import AppealTable, AuditDrawTable, DecisionTable, ReviewTable


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes that somebody held to be right, None where they named none."""

    category: str | None
    topic: str | None
    enterprise: str | None


@dataclass(frozen=True, slots=True)
class LabelledDecision:
    """A decision with what people said of it before a time.

    Attributes
    ----------
    audit
        What a blind check found, None where there was none.
    review
        Verdict and codes of the last review, None where there was none.
    """

    decision_id: str
    appeal_id: str | None
    text: str
    language: str
    channel: str | None
    district: str | None
    received_at: datetime
    is_purged: bool
    audit: Codes | None
    review: tuple[Verdict, Codes] | None


def labelled_between(
    session: Session, *, city: str, since: datetime, until: datetime
) -> Iterator[LabelledDecision]:
    """Yield the decisions checked or reviewed from `since` on and before `until`, oldest first.

    Each comes with all that was said of it before `until`, so that a late review does not hide
    the check before it, and what was said later does not change the answer.
    """
    ids = _labelled_ids(city, since, until)
    audits = _audits(session, city, until, ids)
    reviews = _last_reviews(session, city, until, ids)
    found = session.execute(
        select(DecisionTable, AppealTable)
        .join(DecisionTable.appeal)
        .where(DecisionTable.city == city, DecisionTable.id.in_(ids))
        .order_by(DecisionTable.decided_at, DecisionTable.id)
    )
    for decision, appeal in found:
        yield LabelledDecision(
            decision_id=decision.id,
            appeal_id=appeal.appeal_id,
            text=appeal.text,
            language=decision.language,
            channel=appeal.channel,
            district=appeal.district,
            received_at=appeal.received_at or decision.decided_at,
            is_purged=appeal.purged_at is not None,
            audit=audits.get(decision.id),
            review=reviews.get(decision.id),
        )


def _labelled_ids(city: str, since: datetime, until: datetime) -> Select[str]:
    both = union(
        select(ReviewTable.decision_id).where(
            ReviewTable.city == city,
            ReviewTable.reviewed_at >= since,
            ReviewTable.reviewed_at < until,
        ),
        select(AuditDrawTable.decision_id).where(
            AuditDrawTable.city == city,
            AuditDrawTable.checked_at >= since,
            AuditDrawTable.checked_at < until,
        ),
    ).subquery()
    return select(both.c.decision_id)


def _audits(session: Session, city: str, until: datetime, ids: Select[str]) -> dict[str, Codes]:
    found = session.execute(
        select(
            AuditDrawTable.decision_id,
            AuditDrawTable.category,
            AuditDrawTable.topic,
            AuditDrawTable.enterprise,
        ).where(
            AuditDrawTable.city == city,
            AuditDrawTable.decision_id.in_(ids),
            AuditDrawTable.checked_at < until,
        )
    )
    return {decision_id: Codes(*codes) for decision_id, *codes in found}


def _last_reviews(
    session: Session, city: str, until: datetime, ids: Select[str]
) -> dict[str, tuple[Verdict, Codes]]:
    found = session.execute(
        select(
            ReviewTable.decision_id,
            ReviewTable.verdict,
            ReviewTable.category,
            ReviewTable.topic,
            ReviewTable.enterprise,
        )
        .where(
            ReviewTable.city == city,
            ReviewTable.decision_id.in_(ids),
            ReviewTable.reviewed_at < until,
        )
        # By order of arrival, as everywhere: clocks of two servers may differ.
        .order_by(ReviewTable.decision_id, ReviewTable.version)
    )
    return {
        decision_id: (Verdict(verdict), Codes(*codes)) for decision_id, verdict, *codes in found
    }
