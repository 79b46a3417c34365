"""What else is known around an appeal: those like it, its sender's others, what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from sqlalchemy.orm import Session

from models.bundle import TriageModel
from models.text import normalise, words
from triage.appeal import Decision
from triage.audit import Kind
from triage.service import TriageService
from triage.store import decisions, events
from triage.store import similar as store
from triage.store.decisions import StoredDecision
from triage.store.events import Event
from triage.store.sessions import Sessions
from triage.vectors import Vectors

CANDIDATES = 500
"""Past appeals that one is compared with."""

REVIEWED = 125
"""Of them, how many of each topic come first because a person has looked at them."""

TOPICS = 2
"""Topics they are looked for in: the chosen one and the runner-up."""

REPEATS = 20

NEAR_IDENTICAL = 0.8
"""Share of words in common from which one text is a copy of another, perhaps touched up."""

KINDS = (Kind.DECISION_MADE, Kind.REVIEW_MADE, Kind.AUDIT_CHECKED, Kind.APPEAL_PURGED)
"""Kinds of events that are about a decision or a review of it."""


@dataclass(frozen=True, slots=True)
class SimilarAppeal:
    """A past appeal, and how like it is.

    Attributes
    ----------
    similarity
        Cosine of the two texts' vectors; the order counts, not the number.
    """

    stored: StoredDecision
    similarity: float
    is_near_identical: bool


class Similar:
    """Looks around stored decisions; appeals are compared by the model that serves."""

    def __init__(self, service: TriageService, sessions: Sessions) -> None:
        self._service = service
        self._sessions = sessions
        self._city = service.city_code
        self._vectors = Vectors()

    def similar(self, decision_id: str, limit: int = 5) -> tuple[SimilarAppeal, ...]:
        """Return the appeals most like one's, best first; none for one whose text was purged.

        They are looked for among the newest of the same topic, of the runner-up and of the same
        category, reviewed ones before others.

        Raises
        ------
        DecisionNotFoundError, ModelNotReadyError
        """
        stored, model = self._service.get(decision_id), self._service.serving.loaded.model
        if stored.purged_at is not None:
            return ()
        with self._sessions.read.begin() as session:
            best = self._nearest(session, model, stored.decision)[:limit]
            found = decisions.get_many(
                session, city=self._city, decision_ids=[one for one, _ in best]
            )
        text = stored.decision.appeal.text
        return tuple(
            SimilarAppeal(other, cosine, is_near_identical(text, other.decision.appeal.text))
            for other, (_, cosine) in zip(found, best, strict=True)
        )

    def repeats(self, decision_id: str) -> tuple[StoredDecision, ...]:
        """Return the other appeals of the same sender, newest first; none if it is not known.

        Raises
        ------
        DecisionNotFoundError
        """
        sender = self._service.get(decision_id).decision.appeal.sender
        if sender is None:
            return ()
        with self._sessions.read.begin() as session:
            ids = store.of_sender(session, city=self._city, sender=sender, limit=REPEATS + 1)
            others = [one for one in ids if one != decision_id][:REPEATS]
            return decisions.get_many(session, city=self._city, decision_ids=others)

    def timeline(self, decision_id: str) -> tuple[Event, ...]:
        """Return the ledger's events about a decision and its reviews, in their order.

        Raises
        ------
        DecisionNotFoundError
        """
        reviews = self._service.get(decision_id).reviews
        subjects = [decision_id, *(review.id for review in reviews)]
        with self._sessions.read.begin() as session:
            found = [
                event
                for kind in KINDS
                for event in events.about(session, city=self._city, kind=kind, subject_ids=subjects)
            ]
        return tuple(sorted(found, key=lambda event: event.sequence))

    def _nearest(
        self, session: Session, model: TriageModel, decision: Decision
    ) -> list[tuple[str, float]]:
        """Return ids by falling similarity to a decision's appeal; strangers are left out."""
        others = _candidates(session, self._city, decision)
        rows = self._vectors.of(
            model,
            [decision.id, *others],
            lambda ids: store.texts(session, city=self._city, decision_ids=ids),
        )
        cosines = (rows[1:] @ rows[0].T).toarray()[:, 0]
        order = np.argsort(-cosines, kind="stable")
        return [(others[at], float(cosines[at])) for at in order if cosines[at] > 0]


def is_near_identical(text: str, other: str) -> bool:
    """Tell whether two texts have nearly the same words.

    Examples
    --------
    >>> is_near_identical("Нет воды!", "нет  воды"), is_near_identical("Нет воды", "Нет света")
    (True, False)
    """
    ours, theirs = (set(words(normalise(one))) for one in (text, other))
    return len(ours & theirs) >= NEAR_IDENTICAL * max(len(ours | theirs), 1)


def _candidates(session: Session, city: str, decision: Decision) -> list[str]:
    """Return ids of the appeals to compare with."""
    newest = partial(store.newest, session, city=city, limit=CANDIDATES)
    topics = [candidate.code for candidate in decision.levels.get("topic", ())[:TOPICS]]
    category = decision.chosen("category")
    found = [
        *(newest(level="topic", code=code, limit=REVIEWED, reviewed=True) for code in topics),
        *(newest(level="topic", code=code) for code in topics),
        newest(level="category", code=category.code) if category else [],
    ]
    distinct = dict.fromkeys(chain.from_iterable(found))
    distinct.pop(decision.id, None)
    return list(distinct)[:CANDIDATES]
