"""Use cases: submit and review, one transaction each; the answer leaves after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Lock

from uuid_utils import uuid7

from models.bundle import BATCH, TriageModel
from models.prediction import Prediction
from models.registry import LoadedModel
from models.selective import Contract, ContractSample
from triage import audit
from triage.appeal import Appeal, Decision, Versions
from triage.citydata import City
from triage.errors import (
    DecisionNotFoundError,
    ModelNotReadyError,
)
from triage.policy import Policy
from triage.progress import Reporter, Silent
from triage.reviewing import ReviewRequest, check_review
from triage.routing import Router
from triage.rules import NO_RULES, RuleBook
from triage.sampling import BASE_SHARE
from triage.serving import Serving
from triage.store import decisions, reviews
from triage.store.decisions import DecisionFilters, Page, StoredDecision
from triage.store.sessions import Sessions
from triage.submission import Outcome, Submission, Submitter
from triage.urgency import DangerWords
from triage.whatif import Move, moves

WARM_UP = "Қар тазаланбады, уберите снег"
"""Predicted once before a model serves: the first text loads dictionaries, the next are fast."""

SYSTEM = "system"
"""The actor of what no person did."""

_SILENT = Silent()


class TriageService:
    """Everything that an API, a page or a command may ask for.

    Parameters
    ----------
    city_code
        The city that every query and every write is scoped by.
    rules
        Of routing; without them history alone decides.
    audit_share
        Share of what is routed without a person that is drawn to be checked, at least.
    clock
        Tells the time, aware of its zone.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        city_code: str,
        city: City,
        danger_words: DangerWords,
        policy: Policy,
        rules: RuleBook = NO_RULES,
        audit_share: float = BASE_SHARE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.city = city
        self.city_code = city_code
        self.policy = policy
        self._sessions = sessions
        self._danger_words = danger_words
        self._router = Router.of(city, rules)
        self._clock = clock
        self._submitter = Submitter(sessions, city_code, audit_share=audit_share, clock=clock)
        self._serving: Serving | None = None
        self._swapping = Lock()

    @property
    def serving(self) -> Serving:
        """The model that decides now, in its context.

        Raises
        ------
        ModelNotReadyError
            No model is loaded.
        """
        return self._ready()

    @property
    def versions(self) -> Versions:
        """Versions of all that decides now.

        Raises
        ------
        ModelNotReadyError
            No model is loaded.
        """
        return self._ready().context.versions

    @property
    def contract(self) -> Contract:
        """The contract that is in force."""
        return self._ready().context.contract

    @property
    def contract_sample(self) -> ContractSample:
        """What the contract rests on: choices of the model on texts it was not fitted on."""
        return self._ready().contract_sample

    def prepare(self, loaded: LoadedModel, router: Router | None = None) -> Serving:
        """Make a model ready to decide, by other rules if any are given; it does not serve yet.

        Raises
        ------
        IncompatibleModelError
            The city's taxonomy does not know its labels.
        """
        return Serving.of(
            loaded,
            city=self.city,
            router=router or self._router,
            danger_words=self._danger_words,
            policy=self.policy,
        )

    def use(self, loaded: LoadedModel) -> None:
        """Decide with this model from now on, and record that in the ledger.

        Raises
        ------
        IncompatibleModelError
            The city's taxonomy does not know its labels; the model before stays in service.
        """
        loaded.model.predict([WARM_UP])
        with self._swapping:  # else a policy set meanwhile would be lost
            serving = self.prepare(loaded)
            self._record_loaded(serving)
            self._serving = serving

    def set_policy(self, policy: Policy) -> None:
        """Decide under this policy from now on; a decision in the making keeps the one before."""
        with self._swapping:
            self.policy = policy
            if self._serving is not None:
                self._serving = self.prepare(self._serving.loaded)

    def submit(self, appeal: Appeal, *, actor: str, key: str | None = None) -> Decision:
        """Decide on an appeal and store the decision.

        The same appeal under the same `appeal_id`, or the same idempotency key of the same
        sender, gets the decision it got before.

        Raises
        ------
        InvalidAppealError
            The district is not one of the city's.
        AppealConflictError
            Another appeal came under this `appeal_id` before.
        IdempotencyConflictError
            Another appeal came under this key before.
        ModelNotReadyError
            No model is loaded.
        """
        outcome = self.submit_all([Submission(appeal, actor, key)])[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def submit_all(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Decide on appeals by one model, and store the decisions in one transaction.

        Returns
        -------
        list
            For each appeal its decision, or what `submit` would raise.

        Raises
        ------
        ModelNotReadyError
            No model is loaded, and one of the appeals is new.
        """
        return self._submitter.submit_all(submissions, self._ready)

    def review(self, decision_id: str, request: ReviewRequest) -> StoredDecision:
        """Accept or override a decision.

        Raises
        ------
        DecisionNotFoundError, InvalidReviewError, ReviewConflictError
        """
        decision = self.get(decision_id).decision
        review = check_review(
            decision, request, self.city, review_id=str(uuid7()), at=self._clock()
        )
        with self._sessions.write.begin() as session:
            version = reviews.add(
                session,
                city=self.city_code,
                review=review,
                expected_version=request.expected_version,
            )
            audit.append_review(session, city=self.city_code, review=review, version=version)
        return self.get(decision_id)

    def get(self, decision_id: str) -> StoredDecision:
        """Return a stored decision with its reviews.

        Raises
        ------
        DecisionNotFoundError
        """
        with self._sessions.read.begin() as session:
            stored = decisions.get(session, city=self.city_code, decision_id=decision_id)
        if stored is None:
            raise DecisionNotFoundError(f"no decision {decision_id}")
        return stored

    def page(self, filters: DecisionFilters, *, limit: int, cursor: str | None) -> Page:
        """Return stored decisions, newest first.

        Raises
        ------
        InvalidCursorError
        """
        with self._sessions.read.begin() as session:
            return decisions.page(
                session, city=self.city_code, filters=filters, limit=limit, cursor=cursor
            )

    def replay(
        self,
        loaded: LoadedModel,
        rules: RuleBook,
        *,
        since: datetime,
        progress: Reporter = _SILENT,
    ) -> Iterator[Move]:
        """Yield the stored appeals that other rules would move, newest first; stores nothing.

        The model predicts again from the stored texts, a page at a time.
        """
        now = self.prepare(loaded).context
        then = self.prepare(loaded, Router.of(self.city, rules)).context
        decided = self._predicted_again(loaded.model, DecisionFilters(since=since))
        return moves(progress.track("replaying", decided), now, then)

    def verify_ledger(self, progress: Reporter = _SILENT) -> int:
        """Check the whole ledger and return how many entries it has.

        Raises
        ------
        BrokenLedgerError
            Names the first bad entry.
        """
        with self._sessions.read.begin() as session:
            return audit.verify(session, city=self.city_code, progress=progress)

    def _record_loaded(self, serving: Serving) -> None:
        loaded, versions = serving.loaded, serving.context.versions
        with self._sessions.write.begin() as session:
            audit.append(
                session,
                city=self.city_code,
                kind=audit.Kind.MODEL_LOADED,
                subject_id=f"{loaded.name}/{loaded.version}",
                actor=SYSTEM,
                payload={
                    "fingerprint": versions.model_hash,
                    "taxonomy": versions.taxonomy,
                    "enterprises": versions.enterprises,
                    "policy": versions.policy,
                    "rules": versions.rules,
                    "contract": [asdict(part) for part in serving.context.contract.parts],
                },
                at=self._clock(),
            )

    def _ready(self) -> Serving:
        if self._serving is None:
            raise ModelNotReadyError("no model is loaded")
        return self._serving

    def _predicted_again(
        self, model: TriageModel, filters: DecisionFilters
    ) -> Iterator[tuple[Decision, Prediction]]:
        cursor = None
        while True:
            found = self.page(filters, limit=BATCH, cursor=cursor)
            stored = [one.decision for one in found.items if one.purged_at is None]
            texts = [decision.appeal.text for decision in stored]
            hints = [decision.appeal.language for decision in stored]
            yield from zip(stored, model.predict(texts, hints), strict=True)
            cursor = found.next_cursor
            if cursor is None:
                return
