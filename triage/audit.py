"""The ledger: what was done, by whom and when, so that a later change shows.

Each event's hash covers the event and the hash before it, as in the hash chains of Schneier and
Kelsey, "Secure Audit Logs to Support Computer Forensics" (1999). Events about decisions and
reviews hold a digest of the row they record, so that changing the row shows as well. Whoever can
rewrite a whole city, with its ledger and head, leaves no trace in the database itself: for that,
keep the head's hash elsewhere from time to time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from triage.appeal import Decision, Review
from triage.errors import BrokenLedgerError
from triage.store import cities, decisions, events, reviews, rows
from triage.store.cities import Head
from triage.store.events import Event
from triage.store.tables import GENESIS_HASH, DecisionTable

BATCH = 500
"""Events that `verify` holds in memory at a time."""

_UNREADABLE = (KeyError, TypeError, ValueError)
"""What a row raises that was changed into something that no row can be."""


class Kind(StrEnum):
    """What an event records."""

    DECISION_MADE = "decision.made"
    REVIEW_MADE = "review.made"
    MODEL_LOADED = "model.loaded"


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, times in UTC.

    Raises
    ------
    ValueError
        On NaN, infinity, or a datetime without a time zone.
    """
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=_utc,
    )


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def decision_digest(decision: Decision) -> str:
    """Return the digest of a decision and its appeal."""
    content = asdict(decision)
    appeal, route = content["appeal"], content["route"]
    # What later versions added is left out where there is none: decisions that were made before
    # keep the digest that they were given.
    added = (
        (content, "shortlists"),
        (appeal, "coordinates"),
        (appeal, "sender"),
        (route, "failures"),
        (route, "note"),
    )
    for part, name in added:
        if not part[name]:
            del part[name]
    return digest(content)


def review_digest(review: Review) -> str:
    """Return the digest of a review."""
    return digest(asdict(review))


def event_hash(event: Event) -> str:
    """Return the hash that an event must have: of its other fields."""
    fields = asdict(event)
    del fields["hash"]
    return digest(fields)


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
    head = cities.lock(session, city=city)
    fields: dict[str, Any] = {
        "city": city,
        "sequence": head.sequence + 1,
        "kind": kind.value,
        "subject_id": subject_id,
        "actor": actor,
        "at": at,
        # As it will be read back: times are text there, tuples are lists.
        "payload": json.loads(canonical_json(payload)),
        "previous_hash": head.hash,
    }
    event = Event(**fields, hash=digest(fields))
    events.add(session, event=event)
    cities.move_head(session, city=city, head=Head(event.sequence, event.hash))
    return event


def append_decision(session: Session, *, city: str, decision: Decision, actor: str) -> Event:
    """Record a decision that was stored in this transaction."""
    return append(
        session,
        city=city,
        kind=Kind.DECISION_MADE,
        subject_id=decision.id,
        actor=actor,
        payload=decision_payload(decision),
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


def decision_payload(decision: Decision) -> dict[str, Any]:
    """Return what the event of a decision must hold at least."""
    return {"digest": decision_digest(decision)}


def review_payload(review: Review, version: int) -> dict[str, Any]:
    """Return what the event of a review must hold at least."""
    return {
        "digest": review_digest(review),
        "decision_id": review.decision_id,
        "version": version,
    }


def verify(session: Session, *, city: str) -> int:
    """Check a city's ledger, and every decision, appeal and review against it.

    Memory does not grow with the ledger. Give it a read session: that sees one state of the
    database however long the check takes.

    Returns
    -------
    int
        How many events were checked.

    Raises
    ------
    BrokenLedgerError
        With the first bad sequence and what is wrong. A row that no event records is put
        down to the sequence after the last.
    """
    last = _verify_events(session, city=city, size=BATCH)
    _verify_head(last, cities.head(session, city=city))
    _verify_unrecorded(session, city=city, last=last)
    _verify_review_states(session, city=city)
    return last.sequence


def _verify_events(session: Session, *, city: str, size: int) -> Head:
    last = Head(0, GENESIS_HASH)
    try:
        for head in _verified_heads(session, city=city, size=size):
            last = head
    except _UNREADABLE as error:
        if size > 1:
            # A batch fails as a whole; one by one the bad event can be named.
            return _verify_events(session, city=city, size=1)
        raise BrokenLedgerError(
            f"event {last.sequence + 1}, or the row it records, can't be read: {error}",
            sequence=last.sequence + 1,
        ) from error
    return last


def _verified_heads(session: Session, *, city: str, size: int) -> Iterator[Head]:
    last = Head(0, GENESIS_HASH)
    with closing(events.batches(session, city=city, size=size)) as batches:
        for batch in batches:
            stored = _payloads_of_rows(session, city=city, batch=batch)
            for event in batch:
                _verify_chain(event, last)
                _verify_row(event, stored)
                last = Head(event.sequence, event.hash)
                yield last


def _verify_chain(event: Event, last: Head) -> None:
    expected = last.sequence + 1
    if event.sequence != expected:
        problem = "is missing"
    elif event.hash != event_hash(event):
        problem = "was changed"
    elif event.previous_hash != last.hash:
        problem = "does not follow the event before it"
    else:
        return
    raise BrokenLedgerError(f"event {expected} {problem}", sequence=expected)


def _payloads_of_rows(
    session: Session, *, city: str, batch: Sequence[Event]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the events about decisions and reviews would hold, were they made now."""
    ids = {kind: {event.subject_id for event in batch if event.kind == kind} for kind in Kind}
    made = decisions.rows_of(session, city=city, decision_ids=ids[Kind.DECISION_MADE])
    reviewed = reviews.rows_of(session, city=city, review_ids=ids[Kind.REVIEW_MADE])
    return {
        (Kind.DECISION_MADE, row_id): _payload_of_decision(row) for row_id, row in made.items()
    } | {
        (Kind.REVIEW_MADE, row_id): review_payload(rows.to_review(row), row.version)
        for row_id, row in reviewed.items()
    }


def _payload_of_decision(row: DecisionTable) -> dict[str, Any]:
    decision = rows.to_decision(row)
    copies = rows.filter_columns(decision)
    if any(getattr(row, name) != value for name, value in copies.items()):
        # A column for filters contradicts what it was copied from; no event says so.
        return {"digest": None}
    return decision_payload(decision)


def _verify_row(event: Event, stored: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    if event.kind not in (Kind.DECISION_MADE, Kind.REVIEW_MADE):
        return
    now = stored.get((event.kind, event.subject_id))
    if now is None:
        problem = "is missing"
    elif {name: event.payload.get(name) for name in now} != now:
        problem = "was changed"
    else:
        return
    raise BrokenLedgerError(
        f"what event {event.sequence} ({event.kind}) records {problem}: {event.subject_id}",
        sequence=event.sequence,
    )


def _verify_head(last: Head, head: Head) -> None:
    if head == last:
        return
    if head.sequence > last.sequence:
        problem, sequence = "is missing", last.sequence + 1
    elif head.sequence < last.sequence:
        problem, sequence = "came in past the ledger's head", head.sequence + 1
    else:
        problem, sequence = "is not the one that the ledger's head names", last.sequence
    raise BrokenLedgerError(f"event {sequence} {problem}", sequence=sequence)


def _verify_unrecorded(session: Session, *, city: str, last: Head) -> None:
    for what, found in (
        ("decision", decisions.first_unrecorded(session, city=city, kind=Kind.DECISION_MADE)),
        ("review", reviews.first_unrecorded(session, city=city, kind=Kind.REVIEW_MADE)),
    ):
        if found is not None:
            raise BrokenLedgerError(
                f"no event records the {what} {found}", sequence=last.sequence + 1
            )


def _verify_review_states(session: Session, *, city: str) -> None:
    found = reviews.first_out_of_step(session, city=city)
    if found is not None:
        sequence = events.sequence_of(session, city=city, kind=Kind.DECISION_MADE, subject_id=found)
        raise BrokenLedgerError(
            f"the version or review state of decision {found} does not match its reviews",
            sequence=sequence,
        )


def _utc(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"no canonical JSON for {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError(f"datetime without a time zone: {value!r}")
    return value.astimezone(UTC).isoformat(timespec="microseconds")
