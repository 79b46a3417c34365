"""The ledger: what was done, by whom and when, so that a later change shows.

Each event's hash covers the event and the hash before it, as in the hash chains of Schneier and
Kelsey, "Secure Audit Logs to Support Computer Forensics" (1999). Events about decisions and
reviews hold a digest of the row they record, so that changing the row shows as well. Whoever can
rewrite a whole city, with its ledger and head, leaves no trace in the database itself: for that,
keep the head's hash elsewhere from time to time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from triage.appeal import Decision, Review
from triage.entries import (
    Kind,
    canonical_json,
    decision_digest,
    decision_payload,
    digest,
    draw_payload,
    event_hash,
    review_digest,
    review_payload,
)
from triage.sampling import Draw
from triage.store import cities, events
from triage.store.cities import Head
from triage.store.events import Event
from triage.verification import verify

__all__ = [
    "Entry",
    "Kind",
    "append",
    "append_all",
    "append_review",
    "canonical_json",
    "decision_digest",
    "decision_entry",
    "digest",
    "event_hash",
    "review_digest",
    "verify",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened, before it has its place in a ledger."""

    kind: Kind
    subject_id: str
    actor: str
    payload: Mapping[str, Any]
    at: datetime


def append(
    session: Session,
    *,
    city: str,
    kind: Kind,
    subject_id: str,
    actor: str,
    payload: Mapping[str, Any],
    at: datetime,
) -> Event:
    """Append an event to a city's ledger; other writers wait until the transaction ends."""
    entry = Entry(kind=kind, subject_id=subject_id, actor=actor, payload=payload, at=at)
    return append_all(session, city=city, entries=[entry])[0]


def append_all(
    session: Session, *, city: str, entries: Sequence[Entry], head: Head | None = None
) -> list[Event]:
    """Append events to a city's ledger, in their order; see `append`.

    Parameters
    ----------
    head
        As `cities.lock` returned it in this transaction; None locks the city here.
    """
    head = head or cities.lock(session, city=city)
    appended = []
    for entry in entries:
        event = _chained(entry, city, head)
        appended.append(event)
        head = Head(event.sequence, event.hash)
    events.add_all(session, events=appended)
    cities.move_head(session, city=city, head=head)
    return appended


def decision_entry(decision: Decision, actor: str, draw: Draw | None) -> Entry:
    """Return what the ledger says of a decision that was stored, and of its draw if any."""
    return Entry(
        kind=Kind.DECISION_MADE,
        subject_id=decision.id,
        actor=actor,
        payload=decision_payload(decision) | draw_payload(draw),
        at=decision.decided_at,
    )


def append_review(session: Session, *, city: str, review: Review, version: int) -> Event:
    """Record a review that was stored in this transaction; its reviewer is the actor.

    `version` is the decision's version that `reviews.add` returned.
    """
    return append(
        session,
        city=city,
        kind=Kind.REVIEW_MADE,
        subject_id=review.id,
        actor=review.reviewer,
        payload=review_payload(review, version),
        at=review.reviewed_at,
    )


def _chained(entry: Entry, city: str, head: Head) -> Event:
    """Return the event that follows the head of a ledger."""
    fields: dict[str, Any] = {
        "city": city,
        "sequence": head.sequence + 1,
        "kind": entry.kind.value,
        "subject_id": entry.subject_id,
        "actor": entry.actor,
        "at": entry.at,
        # As it will be read back: times are text there, tuples are lists.
        "payload": json.loads(canonical_json(entry.payload)),
        "previous_hash": head.hash,
    }
    return Event(**fields, hash=digest(fields))
