"""What a model says of one text: probabilities at each level, best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

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
class Distribution:
    """Probabilities of all labels of a level.

    Attributes
    ----------
    probabilities
        Shape (n_classes,), sums to one.
    """

    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]


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
    distributions
        All labels of each level, for those who need more than the candidates.
    """

    language: str
    levels: dict[Level, tuple[Candidate, ...]]
    urgency: float | None
    evidence: float
    distributions: Mapping[Level, Distribution] = field(default_factory=dict, compare=False)

    def top(self, level: Level) -> Candidate | None:
        """Return the most probable candidate of a level, None where there is no such level."""
        candidates = self.levels.get(level)
        return candidates[0] if candidates else None
