"""A ledger of every kind of event, for tests of how changes to it and to what it records show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from stored import CITY, add_review, submit, verify

from triage import audit
from triage.appeal import Decision, Review
from triage.audit import Kind
from triage.errors import BrokenLedgerError
from triage.store.events import Event
from triage.store.sessions import Sessions

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)

Filled = tuple[Decision, Decision, Review, Review]
MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]


def load(sessions: Sessions, city: str = CITY, **overrides: Any) -> Event:
    """Record that a model was loaded."""
    fields: dict[str, Any] = {
        "kind": Kind.MODEL_LOADED,
        "subject_id": "3",
        "actor": "service",
        "payload": {"атауы": "үлгі 🧭", "at": NOW, "shares": (0.1 + 0.2, 1)},
        "at": NOW,
    }
    with sessions.write.begin() as session:
        return audit.append(session, city=city, **fields | overrides)


def fill(sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview) -> Filled:
    """Fill a ledger: 1 a model, 2 and 3 decisions, 4 and 5 reviews of the first, 6 a model."""
    first, second = make_decision(), make_decision()
    earlier = make_review(first.id)
    later = make_review(first.id, enterprise="osi-18")
    load(sessions)
    submit(sessions, first)
    submit(sessions, second)
    add_review(sessions, earlier)
    add_review(sessions, later)
    load(sessions, subject_id="4")
    return first, second, earlier, later


def broken(sessions: Sessions, city: str = CITY) -> tuple[int, str]:
    """Return where a ledger is broken, and what its verification says."""
    with pytest.raises(BrokenLedgerError) as caught:
        verify(sessions, city)
    return caught.value.sequence, str(caught.value)
