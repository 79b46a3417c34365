"""Joins what history proposes with what the rules name: one probability for each enterprise.

A logarithmic pool (Genest and Zidek, "Combining probability distributions", 1986) of the model's
probabilities and of the rules' shares, which are mixed with a little of the model's lest a rule
forbid what history knows. The weights are fitted by `triage-train fit` on out-of-fold margins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

Floats = npt.NDArray[np.float64]

FLOOR = 1e-9
"""Stands for a probability of zero, whose logarithm there is not."""

MIN_TOPIC = 1e-3
"""Topics less probable than this are not asked for their rule."""


@dataclass(frozen=True, slots=True)
class Join:
    """Weights of the pool; the default is plain rule order, for a city without history.

    Attributes
    ----------
    model_weight, rules_weight
        Exponents of the model's probabilities and of the rules' shares.
    history_share
        How much of the model's probabilities is mixed into the rules' shares, 0 to 1.
    """

    model_weight: float = 0.0
    rules_weight: float = 1.0
    history_share: float = 0.01

    def probabilities(self, model: Floats, rules: Floats) -> Floats:
        """Return joint probabilities, rows sum to one.

        Parameters
        ----------
        model, rules
            Shape (n, n_enterprises): the model's probabilities, and the probability of the
            topics whose rule names the enterprise.
        """
        mixed = (1 - self.history_share) * rules + self.history_share * model
        logarithms = self.model_weight * np.log(np.maximum(model, FLOOR))
        logarithms += self.rules_weight * np.log(np.maximum(mixed, FLOOR))
        pooled: Floats = softmax(logarithms, axis=-1)
        return pooled
