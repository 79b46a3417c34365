"""The ledger for those who read it: pages of events, its check, and decisions made again."""

from __future__ import annotations

from dataclasses import dataclass, fields

from triage import audit
from triage.appeal import Action, Decision
from triage.errors import BrokenLedgerError, DecisionNotFoundError, DecisionPurgedError
from triage.progress import Reporter, Silent
from triage.serving import Serving
from triage.store import decisions, events
from triage.store.events import EventFilters, EventPage
from triage.store.sessions import Sessions

_SILENT = Silent()
_NOT_COMPARED = {"id", "appeal", "versions", "input_hash", "decided_at"}
"""Fields that are given again, or told of apart."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What the check of a ledger came to.

    Attributes
    ----------
    count
        Events that were found right; all of them where the ledger is intact.
    sequence, problem
        The first bad event and what is wrong there; None where the ledger is intact.
    """

    count: int
    sequence: int | None = None
    problem: str | None = None

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision came to."""

    category: str | None
    topic: str | None
    enterprise: str | None
    probability: float
    action: Action


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """Something that a decision depended on and that is another one today."""

    name: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision and the one that would be made on its appeal today.

    Attributes
    ----------
    differences
        Fields in which the two differ, to the last digit.
    other_versions
        What may be why: model, tables, rules and policy that are no longer the same.
    """

    decision_id: str
    then: Outcome
    now: Outcome
    differences: tuple[str, ...]
    other_versions: tuple[OtherVersion, ...]

    @property
    def is_same(self) -> bool:
        """Whether the decision comes out the same."""
        return not self.differences


@dataclass(frozen=True)
class Ledger:
    """The ledger of a city."""

    sessions: Sessions
    city_code: str

    def page(self, filters: EventFilters, *, limit: int, cursor: str | None = None) -> EventPage:
        """Return events, newest first, from where the cursor points on.

        Raises
        ------
        InvalidCursorError
        """
        with self.sessions.read.begin() as session:
            return events.page(
                session, city=self.city_code, filters=filters, limit=limit, cursor=cursor
            )

    def verify(self, progress: Reporter = _SILENT) -> Verified:
        """Check the whole ledger and every row that it records."""
        with self.sessions.read.begin() as session:
            try:
                return Verified(audit.verify(session, city=self.city_code, progress=progress))
            except BrokenLedgerError as error:
                return Verified(error.sequence - 1, error.sequence, str(error))

    def replay(self, decision_id: str, serving: Serving) -> Replayed:
        """Decide again on a stored appeal, by what serves; stores nothing.

        Raises
        ------
        DecisionNotFoundError
        DecisionPurgedError
            The appeal's text is gone.
        """
        then = self.decided(decision_id)
        return compare(then, serving.decide(then.appeal, decision_id=then.id, at=then.decided_at))

    def decided(self, decision_id: str) -> Decision:
        """Return a decision that can be made again.

        Raises
        ------
        DecisionNotFoundError
        DecisionPurgedError
            The appeal's text is gone.
        """
        with self.sessions.read.begin() as session:
            stored = decisions.get(session, city=self.city_code, decision_id=decision_id)
        if stored is None:
            raise DecisionNotFoundError(f"no decision {decision_id}")
        if stored.purged_at is not None:
            raise DecisionPurgedError(
                f"the text of decision {decision_id} was removed when its time was over,"
                " so it can't be decided on again"
            )
        return stored.decision


def compare(then: Decision, now: Decision) -> Replayed:
    """Compare a decision with another one on the same appeal."""
    names = [field.name for field in fields(Decision) if field.name not in _NOT_COMPARED]
    return Replayed(
        decision_id=then.id,
        then=_outcome(then),
        now=_outcome(now),
        differences=tuple(name for name in names if getattr(then, name) != getattr(now, name)),
        other_versions=tuple(
            OtherVersion(field.name, before, after)
            for field in fields(then.versions)
            if (before := getattr(then.versions, field.name))
            != (after := getattr(now.versions, field.name))
        ),
    )


def _outcome(decision: Decision) -> Outcome:
    category, topic = decision.chosen("category"), decision.chosen("topic")
    return Outcome(
        category=None if category is None else category.code,
        topic=None if topic is None else topic.code,
        enterprise=decision.route.enterprise,
        probability=decision.route.probability,
        action=decision.action,
    )
