"""Checks a ledger, and every row that it records, against each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from triage.appeal import Decision
from triage.entries import (
    Kind,
    check_payload,
    decision_digest,
    decision_payload,
    draw_payload,
    event_hash,
    review_payload,
)
from triage.errors import BrokenLedgerError
from triage.progress import Reporter, Silent
from triage.store import cities, decisions, draws, events, purge, reviews, rows
from triage.store.cities import Head
from triage.store.events import Event
from triage.store.tables import GENESIS_HASH, AuditDrawTable, DecisionTable, ReviewTable

BATCH = 500
"""Events that `verify` holds in memory at a time."""

_ABOUT_ROWS = (Kind.DECISION_MADE, Kind.APPEAL_PURGED, Kind.REVIEW_MADE, Kind.AUDIT_CHECKED)

_SILENT = Silent()

_UNREADABLE = (KeyError, TypeError, ValueError)
"""What a row raises that was changed into something that no row can be."""


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the event about a row must hold at least, were it made now.

    Attributes
    ----------
    actor, at
        Who and when; None where the row does not say.
    """

    payload: Mapping[str, Any]
    actor: str | None = None
    at: datetime | None = None

    def agrees(self, event: Event) -> bool:
        """Whether an event says the same."""
        return (
            self.actor in (None, event.actor)
            and self.at in (None, event.at)
            and {name: event.payload.get(name) for name in self.payload} == self.payload
        )


Stored = Mapping[tuple[str, str], _Recorded]
"""By kind of event and id of the row."""


def verify(session: Session, *, city: str, progress: Reporter = _SILENT) -> int:
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
    head = cities.head(session, city=city)
    last = _verify_events(session, city=city, size=BATCH, progress=progress, total=head.sequence)
    _verify_head(last, head)
    _verify_unrecorded(session, city=city, last=last)
    _verify_review_states(session, city=city)
    return last.sequence


def _verify_events(
    session: Session, *, city: str, size: int, progress: Reporter, total: int
) -> Head:
    last = Head(0, GENESIS_HASH)
    heads = _verified_heads(session, city=city, size=size)
    try:
        for head in progress.track("verifying", heads, total):
            last = head
    except _UNREADABLE as error:
        if size > 1:
            # A batch fails as a whole; one by one the bad event can be named.
            return _verify_events(session, city=city, size=1, progress=_SILENT, total=total)
        raise BrokenLedgerError(
            f"event {last.sequence + 1}, or the row it records, can't be read: {error}",
            sequence=last.sequence + 1,
        ) from error
    return last


def _verified_heads(session: Session, *, city: str, size: int) -> Iterator[Head]:
    last = Head(0, GENESIS_HASH)
    with closing(events.batches(session, city=city, size=size)) as batches:
        for batch in batches:
            stored = _recorded_rows(session, city=city, batch=batch)
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


def _recorded_rows(session: Session, *, city: str, batch: Sequence[Event]) -> Stored:
    ids = {kind: {event.subject_id for event in batch if event.kind == kind} for kind in Kind}
    made = decisions.rows_of(
        session, city=city, decision_ids=ids[Kind.DECISION_MADE] | ids[Kind.APPEAL_PURGED]
    )
    reviewed = reviews.rows_of(session, city=city, review_ids=ids[Kind.REVIEW_MADE])
    masked = _masked_reviews(session, city=city, reviewed=reviewed.values())
    drawn = draws.rows_of(
        session, city=city, decision_ids=ids[Kind.DECISION_MADE] | ids[Kind.AUDIT_CHECKED]
    )
    return {
        **{
            (Kind.DECISION_MADE, row_id): _with_draw(_of_decision(row), drawn.get(row_id))
            for row_id, row in made.items()
        },
        **{(Kind.AUDIT_CHECKED, row_id): _of_check(row) for row_id, row in drawn.items()},
        **{
            (Kind.APPEAL_PURGED, row_id): _of_purge(made[row_id])
            for row_id in ids[Kind.APPEAL_PURGED] & made.keys()
        },
        **{
            (Kind.REVIEW_MADE, row_id): _of_review(row, masked.get(row_id))
            for row_id, row in reviewed.items()
        },
    }


def _of_decision(row: DecisionTable) -> _Recorded:
    """Say what the event of a decision must hold: once it is purged, the digest of before.

    What a purged row holds by now is for the event of the purge to tell.
    """
    appeal = row.appeal
    if appeal.purged_at is not None:
        return _Recorded({"digest": appeal.original_digest}, appeal.submitted_by)
    decision = rows.to_decision(row)
    is_whole = appeal.original_digest is None and _is_copied_right(row, decision)
    payload = decision_payload(decision) if is_whole else {"digest": None}
    return _Recorded(payload, appeal.submitted_by)


def _with_draw(recorded: _Recorded, draw: AuditDrawTable | None) -> _Recorded:
    payload = draw_payload(None if draw is None else draws.to_draw(draw))
    return replace(recorded, payload={**recorded.payload, **payload})


def _of_check(row: AuditDrawTable) -> _Recorded:
    return _Recorded(check_payload(draws.content(row)), row.checker, row.checked_at)


def _of_purge(row: DecisionTable) -> _Recorded:
    decision, appeal = rows.to_decision(row), row.appeal
    is_whole = appeal.purged_at is not None and _is_copied_right(row, decision)
    payload = {
        "digest_before": appeal.original_digest,
        "digest_after": decision_digest(decision) if is_whole else None,
    }
    return _Recorded(payload, at=appeal.purged_at)


def _is_copied_right(row: DecisionTable, decision: Decision) -> bool:
    """Whether the columns for filters are as what they were copied from; no event says so."""
    copies = rows.filter_columns(decision)
    return all(getattr(row, name) == value for name, value in copies.items())


def _masked_reviews(
    session: Session, *, city: str, reviewed: Collection[ReviewTable]
) -> dict[str, Mapping[str, str]]:
    """Return the digests of reviews before and after a purge, of those that one has changed."""
    purges = events.about(
        session,
        city=city,
        kind=Kind.APPEAL_PURGED,
        subject_ids={review.decision_id for review in reviewed},
    )
    return {
        review_id: digests
        for event in purges
        if event_hash(event) == event.hash  # else its own turn will come
        for review_id, digests in event.payload["reviews"].items()
    }


def _of_review(row: ReviewTable, masked: Mapping[str, str] | None) -> _Recorded:
    payload = review_payload(rows.to_review(row), row.version)
    if masked is not None:
        is_whole = payload["digest"] == masked["digest_after"]
        payload["digest"] = masked["digest_before"] if is_whole else None
    return _Recorded(payload)


def _verify_row(event: Event, stored: Stored) -> None:
    if event.kind not in _ABOUT_ROWS:
        return
    now = stored.get((event.kind, event.subject_id))
    if now is None:
        problem = "is missing"
    elif not now.agrees(event):
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
        ("check of", draws.first_unrecorded(session, city=city, kind=Kind.AUDIT_CHECKED)),
        ("purge of", purge.first_unrecorded(session, city=city, kind=Kind.APPEAL_PURGED)),
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
