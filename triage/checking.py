"""The audit sample: some of what was routed without a person, checked blind.

Its checks alone, never reviews, tell the precision: who reviews has seen the suggestion and
tends to accept it, and what is reviewed is no random choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from models.prediction import Level
from triage import audit, sampling
from triage.appeal import Action, Appeal, Decision
from triage.citydata import City
from triage.entries import check_payload
from triage.errors import CheckConflictError, DrawNotFoundError
from triage.precision import Estimate, estimate
from triage.reviewing import check_codes
from triage.sampling import Draw
from triage.store import decisions, draws
from triage.store.decisions import StoredDecision
from triage.store.draws import Finding
from triage.store.sessions import Sessions
from triage.store.tables import AuditDrawTable

BENCH = 20
"""The oldest draws, among which each checker has one of their own."""


@dataclass(frozen=True, slots=True)
class BlindAppeal:
    """An appeal to check, and its language; what was decided on it has no place here."""

    decision_id: str
    appeal: Appeal
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What a check found, told once it is stored.

    Attributes
    ----------
    right
        Whether the enterprise is the one that was routed to: what the contract promises.
    right_category, right_topic
        The same at these levels.
    category, topic, enterprise
        What had been decided.
    """

    decision_id: str
    right: bool
    right_category: bool
    right_topic: bool
    category: str | None
    topic: str | None
    enterprise: str | None


class Drawer:
    """Draws decisions for the sample, in the transaction that stores them.

    Parameters
    ----------
    base_share
        Share of a stratum that is drawn at least; of rare strata more.
    """

    def __init__(self, city_code: str, base_share: float) -> None:
        self._city_code = city_code
        self._base_share = base_share
        self._enough_since: dict[str, datetime] = {}

    def draw_all(self, session: Session, stored: Sequence[Decision]) -> list[Draw | None]:
        """Draw each of the decisions that were stored in this transaction or not.

        Returns
        -------
        list
            The draw of each, None where there is none; they are stored.
        """
        shares: dict[str, float] = {}
        drawn = [self._draw(session, decision, shares) for decision in stored]
        draws.add_all(session, city=self._city_code, draws=[one for one in drawn if one])
        return drawn

    def _draw(self, session: Session, decision: Decision, shares: dict[str, float]) -> Draw | None:
        # Most are not drawn however rare their stratum is, which need not be looked up then.
        highest = max(self._base_share, sampling.MAX_SHARE)
        if decision.action is not Action.AUTO or not self._is_drawn(decision, highest):
            return None
        stratum = sampling.stratum_of(_code(decision, "category"), decision.language)
        if stratum not in shares:
            shares[stratum] = self._share(session, decision, stratum)
        if not self._is_drawn(decision, shares[stratum]):
            return None
        return Draw(
            decision_id=decision.id,
            stratum=stratum,
            share=shares[stratum],
            drawn_at=decision.decided_at,
        )

    def _is_drawn(self, decision: Decision, share: float) -> bool:
        return sampling.is_drawn(decision.id, self._city_code, share)

    def _share(self, session: Session, decision: Decision, stratum: str) -> float:
        code, enough = _code(decision, "category"), sampling.enough(self._base_share)
        since = decision.decided_at - sampling.LATELY
        if since <= self._enough_since.get(stratum, since - sampling.LATELY):
            return sampling.share_of(enough, self._base_share)
        routed = draws.Routed(self._city_code, code, decision.language, since)
        n_routed = draws.count_routed(session, routed, limit=enough)
        if n_routed == enough:
            # Nothing takes these away: until the oldest of them is old, there are enough.
            self._enough_since[stratum] = draws.nth_last_routed(session, routed, enough)
        return sampling.share_of(n_routed, self._base_share)


class AuditSample:
    """What checkers and those who read the result ask for.

    Parameters
    ----------
    confidence
        Of the intervals.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        city_code: str,
        city: City,
        confidence: float = 0.90,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city_code = city_code
        self._city = city
        self._confidence = confidence
        self._clock = clock

    def next_unchecked(self, checker: str) -> BlindAppeal | None:
        """Return one of the oldest appeals to check, without its suggestion; None if none waits.

        The same checker gets the same one again until it is checked, and others mostly another.
        Decisions that the checker has reviewed are left to others.
        """
        with self._sessions.read.begin() as session:
            waiting = draws.unchecked(session, city=self._city_code, checker=checker, limit=BENCH)
            if not waiting:
                return None
            decision_id = min(waiting, key=lambda one: sampling.preference(one, checker))
            return _blind(self._get(session, decision_id).decision)

    def drawn(self, decision_id: str) -> BlindAppeal:
        """Return an appeal of the sample, checked or not, without its suggestion.

        Raises
        ------
        DrawNotFoundError
        """
        with self._sessions.read.begin() as session:
            self._row(session, decision_id)
            return _blind(self._get(session, decision_id).decision)

    def outcome(self, decision_id: str) -> CheckOutcome | None:
        """Return what the check of a decision found, None while it waits for one.

        Raises
        ------
        DrawNotFoundError
        """
        with self._sessions.read.begin() as session:
            row = self._row(session, decision_id)
            if row.category is None or row.enterprise is None:
                return None
            decision = self._get(session, decision_id).decision
            return _compare(decision, row.category, row.topic, row.enterprise)

    def check(
        self, decision_id: str, *, category: str, topic: str | None, enterprise: str, checker: str
    ) -> CheckOutcome:
        """Store what a checker found, and tell what had been decided.

        Raises
        ------
        InvalidReviewError
            The codes are unknown or don't fit together.
        DrawNotFoundError
            The decision is not in the audit sample.
        CheckConflictError
            It was checked before, or this checker has reviewed it; the first check holds.
        """
        check_codes(category, topic, enterprise, self._city)
        with self._sessions.write.begin() as session:
            stored = self._get(session, decision_id)
            outcome = _compare(stored.decision, category, topic, enterprise)
            if any(review.reviewer == checker for review in stored.reviews):
                raise CheckConflictError(f"{checker} has reviewed decision {decision_id}")
            finding = Finding(
                checker, self._clock(), category, topic, enterprise, right=outcome.right
            )
            self._record(session, decision_id, finding)
        return outcome

    def estimate(self, since: datetime, until: datetime) -> Estimate:
        """Estimate the precision of what was routed without a person from `since` to `until`."""
        with self._sessions.read.begin() as session:
            strata = draws.sums_by_stratum(session, city=self._city_code, since=since, until=until)
        return estimate(strata, confidence=self._confidence)

    def _get(self, session: Session, decision_id: str) -> StoredDecision:
        stored = decisions.get(session, city=self._city_code, decision_id=decision_id)
        if stored is None:
            raise DrawNotFoundError(f"no decision {decision_id}")
        return stored

    def _row(self, session: Session, decision_id: str) -> AuditDrawTable:
        rows = draws.rows_of(session, city=self._city_code, decision_ids=[decision_id])
        if decision_id not in rows:
            raise DrawNotFoundError(f"decision {decision_id} is not in the audit sample")
        return rows[decision_id]

    def _record(self, session: Session, decision_id: str, finding: Finding) -> None:
        row = draws.record(session, city=self._city_code, decision_id=decision_id, finding=finding)
        audit.append(
            session,
            city=self._city_code,
            kind=audit.Kind.AUDIT_CHECKED,
            subject_id=decision_id,
            actor=finding.checker,
            payload=check_payload(draws.content(row)),
            at=finding.checked_at,
        )


def _blind(decision: Decision) -> BlindAppeal:
    return BlindAppeal(decision.id, decision.appeal, decision.language)


def _compare(decision: Decision, category: str, topic: str | None, enterprise: str) -> CheckOutcome:
    return CheckOutcome(
        decision_id=decision.id,
        right=enterprise == decision.route.enterprise,
        right_category=category == _code(decision, "category"),
        right_topic=topic == _code(decision, "topic"),
        category=_code(decision, "category"),
        topic=_code(decision, "topic"),
        enterprise=decision.route.enterprise,
    )


def _code(decision: Decision, level: Level) -> str | None:
    chosen = decision.chosen(level)
    return chosen.code if chosen else None
