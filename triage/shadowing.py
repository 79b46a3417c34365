"""A challenger in the shadow: it decides on a share of live appeals, and nobody acts on that."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, Full, Queue

import structlog

from triage.appeal import Decision
from triage.serving import Serving
from triage.store import shadows
from triage.store.sessions import Sessions
from triage.store.shadows import Agreement, Differences, ShadowDecision

MAX_WAITING = 1_000
"""Decisions that wait for the challenger at most; beyond, they are let go rather than kept."""

BATCH = 32
"""Decided on between two writes, so that no write holds up those of live appeals for long."""

STORED, DROPPED, FAILED = "stored", "dropped", "failed"

log = structlog.get_logger(__name__)


class Shadow:
    """Lets a challenger decide on what the champion has decided.

    Parameters
    ----------
    share
        Of all decisions, those that the challenger is asked about.
    """

    def __init__(self, sessions: Sessions, city_code: str, *, share: float) -> None:
        self.outcomes: Counter[str] = Counter()
        self._sessions = sessions
        self._city_code = city_code
        self._share = share
        self._waiting: Queue[Decision] = Queue(MAX_WAITING)
        self._serving: Serving | None = None
        self._counting = threading.Lock()

    @property
    def challenger(self) -> Serving | None:
        """Who is shadowed, None for nobody."""
        return self._serving

    def use(self, serving: Serving | None) -> None:
        """Shadow this challenger from now on, or none."""
        self._serving = serving

    def offer(self, decision: Decision) -> None:
        """Keep a decision for the challenger; returns at once, whatever becomes of it."""
        if self._serving is None or not _is_drawn(decision.id, self._share):
            return
        try:
            self._waiting.put_nowait(decision)
        except Full:
            self._count(DROPPED)

    def work(self) -> None:
        """Have the challenger decide on all that waits, and store it."""
        while waiting := self._take():
            serving = self._serving
            if serving is None:
                continue
            made = [made for decision in waiting if (made := self._decide(serving, decision))]
            with self._sessions.write.begin() as session:
                shadows.add(session, city=self._city_code, shadows=made)
            self._count(STORED, len(made))

    def agreement(self) -> Agreement | None:
        """Count where the challenger agrees with the champion; None without a challenger."""
        if self._serving is None:
            return None
        loaded = self._serving.loaded
        with self._sessions.read.begin() as session:
            return shadows.agreement(
                session, city=self._city_code, name=loaded.name, version=loaded.version
            )

    def differences(
        self, name: str, version: str, *, limit: int, cursor: str | None = None
    ) -> Differences:
        """Return what a challenger would have decided otherwise, newest first.

        Raises
        ------
        InvalidCursorError
        """
        with self._sessions.read.begin() as session:
            return shadows.differences(
                session,
                city=self._city_code,
                name=name,
                version=version,
                limit=limit,
                cursor=cursor,
            )

    def _take(self) -> Sequence[Decision]:
        taken: list[Decision] = []
        with suppress(Empty):
            while len(taken) < BATCH:
                taken.append(self._waiting.get_nowait())
        return taken

    def _decide(self, serving: Serving, decision: Decision) -> ShadowDecision | None:
        try:
            made = serving.decide(decision.appeal, decision_id=decision.id, at=decision.decided_at)
        except Exception as error:  # whatever a challenger does, the champion goes on
            log.error(  # noqa: TRY400  # a traceback may hold the appeal's text
                "shadow.failed", decision_id=decision.id, error=type(error).__qualname__
            )
            self._count(FAILED)
            return None
        category, topic = made.chosen("category"), made.chosen("topic")
        return ShadowDecision(
            decision_id=decision.id,
            model_name=serving.loaded.name,
            model_version=serving.loaded.version,
            category=category.code if category else None,
            topic=topic.code if topic else None,
            enterprise=made.route.enterprise,
            probability=made.route.probability,
            action=made.action.value,
            at=decision.decided_at,
        )

    def _count(self, outcome: str, number: int = 1) -> None:
        with self._counting:
            self.outcomes[outcome] += number


def _is_drawn(decision_id: str, share: float) -> bool:
    """Tell whether a decision is of the share: by its id, whatever the text says."""
    drawn = int.from_bytes(hashlib.blake2b(decision_id.encode(), digest_size=8).digest())
    return drawn < share * 2**64
