"""Use case: what waits for a person, the most pressing first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from triage.store import queue
from triage.store.decisions import Page
from triage.store.queue import QueueCounts, QueueFilters
from triage.store.sessions import Sessions

__all__ = ["Queue", "QueueCounts", "QueueFilters"]


class Queue:
    """Reads the queue of a city.

    Parameters
    ----------
    clock
        Tells the time, aware of its zone.
    """

    def __init__(
        self,
        sessions: Sessions,
        city_code: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city_code = city_code
        self._clock = clock

    def page(self, filters: QueueFilters, *, limit: int, cursor: str | None = None) -> Page:
        """Return decisions in the queue's order; see `triage.store.queue.page`.

        Raises
        ------
        InvalidCursorError
        """
        with self._sessions.read.begin() as session:
            return queue.page(
                session, city=self._city_code, filters=filters, limit=limit, cursor=cursor
            )

    def counts(self, filters: QueueFilters) -> QueueCounts:
        """Count what matches, up to a limit."""
        with self._sessions.read.begin() as session:
            return queue.counts(session, city=self._city_code, filters=filters, now=self._clock())

    def beside(self, filters: QueueFilters, decision_id: str) -> tuple[str | None, str | None]:
        """Return the ids before and after a decision in the queue's order.

        Raises
        ------
        DecisionNotFoundError
        """
        with self._sessions.read.begin() as session:
            return queue.beside(
                session, city=self._city_code, filters=filters, decision_id=decision_id
            )
