"""What tests of the queue and of its search share: what a page shows, and what waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from triage.appeal import Action, Decision, Urgency
from triage.queue import Queue, QueueFilters
from triage.store.sessions import Sessions

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

MakeDecision = Callable[..., Decision]


def queue_of(sessions: Sessions) -> Queue:
    return Queue(sessions, "astana", clock=lambda: NOW)


def ids(queue: Queue, limit: int = 100, **filters: Any) -> list[str]:
    """Return the ids of the decisions on the first page."""
    return [one.decision.id for one in queue.page(QueueFilters(**filters), limit=limit).items]


def waiting_maker(make_decision: MakeDecision) -> MakeDecision:
    """Make decisions that wait; `urgent`, `probability` and the text are short forms."""

    def make(
        *, urgent: bool = False, probability: float = 0.5, text: str = "снег", **overrides: Any
    ) -> Decision:
        usual = make_decision()
        fields: dict[str, Any] = {
            "action": Action.REVIEW,
            "appeal": replace(usual.appeal, text=text),
            "route": replace(usual.route, probability=probability),
            "urgency": Urgency(urgent=urgent, probability=None, danger_words=()),
        }
        return make_decision(**fields | overrides)

    return make
