"""Appeals on their way in: found again, decided or refused, and stored together.

Every appeal has an outcome of its own: one that is refused, or can't be decided, costs those
beside it nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from models.prediction import Prediction
from triage import audit
from triage.appeal import Appeal, Decision
from triage.checking import Drawer
from triage.decide import input_hash
from triage.errors import AppealConflictError, IdempotencyConflictError, InvalidAppealError
from triage.serving import Serving
from triage.store import appeals, cities, decisions
from triage.store.appeals import FoundAppeal, RequestKey
from triage.store.cities import Head
from triage.store.sessions import Sessions

IMPOSSIBLE = (DataError, IntegrityError, UnicodeError)
"""What is raised for a row that the database can't hold, be it alone or among others."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Submission:
    """An appeal that somebody sends in.

    Attributes
    ----------
    actor
        Who sends it.
    key
        Idempotency key: sent again with it, the appeal gets the decision that it got before.
    """

    appeal: Appeal
    actor: str
    key: str | None = None

    @property
    def request_key(self) -> RequestKey | None:
        """The key among those of all senders."""
        return None if self.key is None else RequestKey(self.actor, self.key)


Outcome = Decision | Exception
"""The decision on an appeal, or why there is none."""


class Submitter:
    """Decides appeals by the model that serves, and stores what was decided.

    Parameters
    ----------
    audit_share
        Share of what is routed without a person that is drawn to be checked, at least.
    clock
        Tells the time, aware of its zone.
    """

    def __init__(
        self,
        sessions: Sessions,
        city_code: str,
        *,
        audit_share: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._city_code = city_code
        self._drawer = Drawer(city_code, audit_share)
        self._clock = clock

    def submit_all(
        self, submissions: Sequence[Submission], serving: Callable[[], Serving]
    ) -> list[Outcome]:
        """Return the outcome of each appeal, in their order; decisions are stored by then.

        Parameters
        ----------
        serving
            Returns what decides now; asked only where something is to be decided.
        """
        known = self._before(submissions)
        earlier = [known.outcome(one) for one in submissions]
        outcomes = _decide_all(submissions, earlier, serving, self._clock)
        try:
            if known.new_keys or any(isinstance(outcome, Decision) for outcome in outcomes):
                outcomes = self._store(submissions, outcomes)
        except IMPOSSIBLE:
            if len(submissions) == 1:
                raise
            # The database takes one of them for impossible: that one alone shall fail.
            return [self._alone(one, serving) for one in submissions]
        return [self._given(outcome) for outcome in outcomes]

    def _alone(self, submission: Submission, serving: Callable[[], Serving]) -> Outcome:
        try:
            return self.submit_all([submission], serving)[0]
        except IMPOSSIBLE as error:
            return error

    def _before(self, submissions: Sequence[Submission]) -> _Known:
        """Return what is known of the appeals before anything is decided."""
        if not any(one.appeal.appeal_id or one.key for one in submissions):
            return _Known({}, {})
        with self._sessions.read.begin() as session:
            return self._known(session, submissions)

    def _known(self, session: Session, submissions: Sequence[Submission]) -> _Known:
        ids = {one.appeal.appeal_id for one in submissions if one.appeal.appeal_id}
        keys = {one.request_key for one in submissions if one.request_key}
        return _Known(
            appeals.find_all(session, city=self._city_code, appeal_ids=ids),
            appeals.find_by_keys(session, city=self._city_code, keys=keys),
        )

    def _store(self, submissions: Sequence[Submission], outcomes: Sequence[_Found]) -> list[_Found]:
        """Store in one transaction what nobody else has stored by now."""
        with self._sessions.write.begin() as session:
            head = cities.lock(session, city=self._city_code)
            known = self._known(session, submissions)
            fresh: list[tuple[Decision, str]] = []
            stored: list[_Found] = []
            for submission, outcome in zip(submissions, outcomes, strict=True):
                earlier = known.outcome(submission)
                if earlier is None and isinstance(outcome, Decision):
                    fresh.append((outcome, submission.actor))
                    known.add(submission, outcome)
                stored.append(earlier or outcome)
            self._add(session, fresh, head)
            appeals.add_keys(session, city=self._city_code, keys=known.new_keys)
        return stored

    def _add(self, session: Session, fresh: Sequence[tuple[Decision, str]], head: Head) -> None:
        if not fresh:
            return
        decisions.add_all(session, city=self._city_code, submitted=fresh)
        drawn = self._drawer.draw_all(session, [decision for decision, _ in fresh])
        entries = [
            audit.decision_entry(decision, actor, draw)
            for (decision, actor), draw in zip(fresh, drawn, strict=True)
        ]
        audit.append_all(session, city=self._city_code, entries=entries, head=head)

    def _given(self, outcome: _Found) -> Outcome:
        if not isinstance(outcome, FoundAppeal):
            return outcome
        with self._sessions.read.begin() as session:
            stored = decisions.get(session, city=self._city_code, decision_id=outcome.decision_id)
        assert stored is not None  # noqa: S101  # decisions are never deleted
        return stored.decision


_Found = Decision | FoundAppeal | Exception


@dataclass(slots=True)
class _Known:
    """Appeals that came before, by their ids and by their keys."""

    by_id: dict[str, FoundAppeal]
    by_key: dict[RequestKey, FoundAppeal]
    new_keys: dict[RequestKey, str] = field(default_factory=dict)

    def outcome(self, submission: Submission) -> FoundAppeal | Exception | None:
        """Return the appeal as it came before, or how it differs; None for one that is new."""
        key = submission.request_key
        by_key = None if key is None else self.by_key.get(key)
        by_id = self.by_id.get(submission.appeal.appeal_id or "")
        if by_key is None and by_id is None:
            return None
        given = input_hash(submission.appeal)
        if by_key is not None and by_key.input_hash != given:
            return IdempotencyConflictError(
                f"idempotency key {submission.key} came before with another content"
            )
        if by_id is not None and by_id.input_hash != given:
            return AppealConflictError(
                f"appeal_id {submission.appeal.appeal_id} came before with another content"
            )
        if key is not None and by_key is None and by_id is not None:
            self.by_key[key] = by_id
            self.new_keys[key] = by_id.decision_id
        return by_key or by_id

    def add(self, submission: Submission, decision: Decision) -> None:
        """Have a decision found that is stored now."""
        found = FoundAppeal(decision.id, decision.input_hash)
        if submission.appeal.appeal_id is not None:
            self.by_id[submission.appeal.appeal_id] = found
        if submission.request_key is not None:
            self.by_key[submission.request_key] = found
            self.new_keys[submission.request_key] = decision.id


def _decide_all(
    submissions: Sequence[Submission],
    known: Sequence[FoundAppeal | Exception | None],
    serving: Callable[[], Serving],
    clock: Callable[[], datetime],
) -> list[_Found]:
    """Decide the appeals of which nothing is known yet."""
    outcomes: list[_Found | None] = list(known)
    fresh = [place for place, outcome in enumerate(known) if outcome is None]
    if fresh:
        now = serving()
        predictions = _predict_all([submissions[place].appeal for place in fresh], now)
        for place, prediction in zip(fresh, predictions, strict=True):
            outcomes[place] = _decide(submissions[place].appeal, prediction, now, clock)
    return [outcome for outcome in outcomes if outcome is not None]


def _predict_all(texts: Sequence[Appeal], serving: Serving) -> Sequence[Prediction | Exception]:
    try:
        return serving.predict(texts)
    except Exception as error:
        if len(texts) == 1:
            return [error]
        return [_predict_all([text], serving)[0] for text in texts]


def _decide(
    appeal: Appeal,
    prediction: Prediction | Exception,
    serving: Serving,
    clock: Callable[[], datetime],
) -> Outcome:
    if isinstance(prediction, Exception):
        return prediction
    if appeal.district is not None and serving.context.city.districts.get(appeal.district) is None:
        return InvalidAppealError(
            f"unknown district {appeal.district}", field="district", code="unknown_district"
        )
    try:
        decision = serving.decide(
            appeal, decision_id=str(uuid7()), at=clock(), prediction=prediction
        )
    except Exception as error:
        return error
    _log_failures(decision)
    return decision


def _log_failures(decision: Decision) -> None:
    for failure in decision.route.failures:
        log.error(
            "rule.failed",
            decision_id=decision.id,
            appeal_id=decision.appeal.appeal_id,
            rule=failure.rule,
            error=failure.error,
        )
