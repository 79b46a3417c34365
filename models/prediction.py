"""What a model says of one text: probabilities at each level, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["category", "topic", "enterprise"]
LEVELS: tuple[Level, ...] = ("category", "topic", "enterprise")

CANDIDATES = 5
"""How many candidates a level lists."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label and the calibrated probability that it is the right one."""

    code: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one text.

    Attributes
    ----------
    language
        ``ru``, ``kk``, ``mixed`` or ``other``.
    levels
        For each level that the model was fitted on, its candidates by falling probability.
        The first topic always belongs to the first category.
    urgency
        Probability that the appeal is urgent; None where the model has no urgency head.
    evidence
        Share of the text's features that the model has seen in training, 0 to 1.
        At 0 the probabilities are the training data's class shares and nothing more.
    """

    language: str
    levels: dict[Level, tuple[Candidate, ...]]
    urgency: float | None
    evidence: float

    def top(self, level: Level) -> Candidate | None:
        """Return the most probable candidate of a level, None where there is no such level."""
        candidates = self.levels.get(level)
        return candidates[0] if candidates else None
