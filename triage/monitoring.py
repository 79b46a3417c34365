"""Use cases of health: measure a window of stored decisions, and keep the latest summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy import sparse
from sqlalchemy.orm import Session

from models.bundle import BATCH, TriageModel
from models.selective import Contract
from models.text import normalise
from triage.drift import Floats
from triage.errors import ModelNotReadyError
from triage.figures import Period
from triage.health import (
    Audited,
    Drifts,
    FigureName,
    HealthFigure,
    Mix,
    by_decile,
    judge_embeddings,
    judge_mix,
    judge_precision,
    judge_unknown_words,
)
from triage.policy import Policy
from triage.progress import Reporter, Silent
from triage.service import TriageService
from triage.store import health as store
from triage.store import overview as counts
from triage.store.overview import By, Scope
from triage.store.sessions import Sessions
from triage.vectors import vectors

REFERENCE = timedelta(days=28)
"""How long before a window it is compared with: whole weeks, for Sundays are not like Mondays."""

WINDOWS: Mapping[str, timedelta] = {"day": timedelta(days=1), "week": timedelta(days=7)}

AUDITED = timedelta(days=28)
"""Decisions whose checks are looked at: a week has seldom enough of them."""

SAMPLE = 500
"""Texts of each window that are encoded again."""

_MIXES: Mapping[FigureName, By] = {
    "languages": "language",
    "categories": "category",
    "topics": "topic",
}


class Monitor:
    """Measures windows of a city's decisions."""

    def __init__(self, sessions: Sessions, city_code: str) -> None:
        self._sessions = sessions
        self._city = city_code

    def drifts(self, window: Period, reference: Period) -> Drifts:
        """Measure what is counted by the database alone: mixes, and how sure the model was."""
        now, before = self._scope(window), self._scope(reference)
        with self._sessions.read.begin() as session:
            mixes: dict[FigureName, Mix] = {
                name: Mix(counts.count_by(session, before, by), counts.count_by(session, now, by))
                for name, by in _MIXES.items()
            }
            mixes["confidence"] = _confidence(session, now, before)
        return Drifts(
            window=window,
            reference=reference,
            figures=tuple(judge_mix(name, mix) for name, mix in mixes.items()),
            mixes=mixes,
        )

    def texts(
        self,
        model: TriageModel,
        window: Period,
        reference: Period,
        progress: Reporter | None = None,
    ) -> tuple[HealthFigure, ...]:
        """Measure what takes the texts: a sample of either window is encoded by a model again."""
        with self._sessions.read.begin() as session:
            before, now = (
                store.sample_texts(session, self._scope(one), limit=SAMPLE)
                for one in (reference, window)
            )
        progress = progress or Silent()
        known_before, rows_before = _encode(model, before, progress)
        known_now, rows_now = _encode(model, now, progress)
        return (
            judge_unknown_words(known_before, known_now),
            judge_embeddings(rows_before, rows_now),
        )

    def audited(self, window: Period, contract: Contract | None, policy: Policy) -> Audited:
        """Tell of a window's decisions how right those were that no person looked at."""
        with self._sessions.read.begin() as session:
            routed = store.sums_of_routed(session, self._scope(window))
        return judge_precision(
            routed, contract, target=policy.target_precision, confidence=policy.confidence
        )

    def waiting(self, now: datetime) -> tuple[int, int]:
        """Count the appeals that wait for a person, and the overdue ones among them."""
        with self._sessions.read.begin() as session:
            found = counts.count_waiting(session, city=self._city, now=now, soon=now)
        return sum(n_waiting for _, n_waiting, _, _ in found), sum(late for _, _, late, _ in found)

    def _scope(self, period: Period) -> Scope:
        return Scope(self._city, period.since, period.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a service tells of its own health.

    Attributes
    ----------
    drifts
        By the names of `WINDOWS`.
    audited
        Of the decisions of the last `AUDITED`.
    n_waiting, n_overdue
        Appeals that wait for a person now.
    """

    computed_at: datetime
    drifts: Mapping[str, Drifts]
    audited: Audited
    n_waiting: int
    n_overdue: int


class HealthWatch:
    """Keeps the latest summary of what is cheap to measure; safe to share among threads."""

    def __init__(
        self,
        monitor: Monitor,
        service: TriageService,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._monitor = monitor
        self._service = service
        self._clock = clock
        self._latest: Summary | None = None

    @property
    def latest(self) -> Summary | None:
        """The latest summary, None before the first one."""
        return self._latest

    def summary(self) -> Summary:
        """Return the latest summary, made now if there is none yet."""
        return self._latest or self.refresh()

    def refresh(self) -> Summary:
        """Measure now, and keep what was found."""
        now = self._clock()
        n_waiting, n_overdue = self._monitor.waiting(now)
        found = Summary(
            computed_at=now,
            drifts={name: self._drifts(now, length) for name, length in WINDOWS.items()},
            audited=self._monitor.audited(
                Period(now - AUDITED, now), _contract(self._service), self._service.policy
            ),
            n_waiting=n_waiting,
            n_overdue=n_overdue,
        )
        self._latest = found
        return found

    def _drifts(self, now: datetime, length: timedelta) -> Drifts:
        start = now - length
        return self._monitor.drifts(Period(start, now), Period(start - REFERENCE, start))


def _contract(service: TriageService) -> Contract | None:
    try:
        return service.contract
    except ModelNotReadyError:
        return None


def _confidence(session: Session, now: Scope, before: Scope) -> Mix:
    """Count by decile of probability, of one model alone: another one is as sure in its own way."""
    versions = counts.count_by(session, now, "model_version")
    if not versions:
        return Mix({}, {})
    version = max(versions, key=lambda one: (versions[one], str(one)))
    found = [
        store.count_probabilities(session, scope, model_version=str(version))
        for scope in (before, now)
    ]
    return by_decile(*found)


def _encode(
    model: TriageModel, texts: Mapping[str, str], progress: Reporter
) -> tuple[Floats, sparse.csr_matrix]:
    """Return the evidence of each text and its vector."""
    if not texts:
        return np.zeros(0), sparse.csr_matrix((0, 1))
    plain = [normalise(text) for text in texts.values()]
    starts = range(0, len(plain), BATCH)
    rows = [
        vectors(model, plain[start : start + BATCH])
        for start in progress.track("encoding texts", starts, len(starts))
    ]
    return model.sparse_encoder.encode(plain)[1], sparse.vstack(rows, format="csr")
