"""Why a stored decision is what it is, as stretches of the appeal's text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.explain import Explanations, explain
from models.offsets import Span
from models.prediction import Level
from triage.appeal import Decision, Versions
from triage.place import Place
from triage.service import TriageService

EXPLAINED = 2
"""Labels of a level that are explained: the chosen one and the runner-up."""


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """What the model's heads, the rules and the danger words went by.

    Attributes
    ----------
    levels
        The chosen label and the runner-up of each level, in this order; a label that rules alone
        brought in, or that the explaining model does not know, is not among them.
    places
        Of the route.
    danger_words
        What demanded urgency.
    decided_by, explained_by
        Versions of what made the decision, and of what explains it.
    purged_at
        When the appeal's text was taken away: then there is nothing to explain.
    """

    levels: Explanations
    places: tuple[Place, ...]
    danger_words: tuple[Span, ...]
    decided_by: Versions
    explained_by: Versions
    purged_at: datetime | None = None

    @property
    def explained_by_another_model(self) -> bool:
        """Whether another model explains than the one that decided."""
        return self.explained_by.model_hash != self.decided_by.model_hash


class Explainer:
    """Explains stored decisions with the model that serves."""

    def __init__(self, service: TriageService) -> None:
        self._service = service

    def explain(self, decision_id: str) -> DecisionExplanation:
        """Explain a decision.

        Raises
        ------
        DecisionNotFoundError, ModelNotReadyError
        """
        stored = self._service.get(decision_id)
        decision, serving = stored.decision, self._service.serving
        versions = decision.versions, serving.context.versions
        if stored.purged_at is not None:
            return DecisionExplanation({}, (), (), *versions, purged_at=stored.purged_at)
        text = decision.appeal.text
        return DecisionExplanation(
            explain(serving.loaded.model, text, labels_of(decision)),
            decision.route.places,
            tuple(find_in_order(text, decision.urgency.danger_words)),
            *versions,
        )


def labels_of(decision: Decision) -> dict[Level, list[str]]:
    """Return the labels of each level that are worth explaining, the chosen one first."""
    return {
        level: [candidate.code for candidate in candidates[:EXPLAINED]]
        for level, candidates in decision.levels.items()
    }


def find_in_order(text: str, stretches: Sequence[str]) -> Iterator[Span]:
    """Yield where stretches of whole words stand in a text, each after the start of the last.

    Examples
    --------
    >>> list(find_in_order("магазин: газ, газ", ("газ", "газ")))
    [Span(start=9, end=12), Span(start=14, end=17)]
    """
    start = 0
    for stretch in stretches:
        whole = re.compile(rf"(?<![^\W_]){re.escape(stretch)}(?![^\W_])")
        found = whole.search(text, start)
        if found:
            start = found.start() + 1
            yield Span(*found.span())
