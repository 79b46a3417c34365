"""The precision contract: above which probability is a choice right often enough to go unseen.

The threshold is found by fixed-sequence testing, the simplest procedure of Angelopoulos, Bates,
Candès, Jordan and Lei, "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
Control", 2021 (arXiv:2110.01052): thresholds are tried from the strictest down, each with an
exact binomial test (Clopper and Pearson, 1934), and the first that fails ends the search. The
chance that the threshold returned breaks its promise is at most one minus the confidence,
whatever the model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

GRID = np.round(np.arange(0.999, 0.0, -0.001), 3)
"""Thresholds tried, strictest first; fixed beforehand, so that the guarantee holds."""

TOLERATED = 2
MIN_COVERAGE = 0.05
"""The strictest threshold tested covers this share and can bear this many wrong choices: with
fewer examples above it, one odd label among the surest would end the search before it began."""


@dataclass(frozen=True)
class ContractSample:
    """Choices on texts that were neither fitted nor calibrated on.

    Attributes
    ----------
    probability
        Shape (n,), probability of the chosen label.
    correct
        Shape (n,), whether it was right.
    """

    probability: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]


NO_SAMPLE = ContractSample(np.zeros(0), np.zeros(0, dtype=bool))
"""The sample of a level that a model does not have: no threshold keeps a promise on it."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A threshold that keeps a precision, and what it rests on.

    Attributes
    ----------
    target, confidence
        What is promised: precision of at least `target`, with this confidence.
    threshold
        The least probability that goes unseen; None where no threshold keeps the promise.
    coverage
        Share of the contract sample at or above the threshold.
    n_examples
        Size of the contract sample.
    """

    target: float
    confidence: float
    threshold: float | None
    coverage: float
    n_examples: int

    def covers(self, probability: float) -> bool:
        """Tell whether a choice with this probability may go unseen."""
        return self.threshold is not None and probability >= self.threshold


def conclude(sample: ContractSample, *, target: float, confidence: float) -> Contract:
    """Find the lowest threshold whose precision is at least `target` with this confidence.

    Parameters
    ----------
    target
        Wanted precision, between 0 and 1.
    confidence
        Wanted probability, over contract samples, that the precision holds.
    """
    n_examples = len(sample.probability)
    order = np.argsort(sample.probability)
    below = np.searchsorted(sample.probability[order], GRID, side="left")
    n_chosen = n_examples - below
    n_correct = np.append(np.cumsum(sample.correct[order][::-1])[::-1], 0)[below]
    threshold, coverage = None, 0.0
    # Which thresholds are tested depends on the probabilities alone, never on what was right.
    is_tested = binom.sf(n_chosen - TOLERATED - 1, n_chosen, target) <= 1 - confidence
    is_tested &= n_chosen >= MIN_COVERAGE * n_examples
    keeps = binom.sf(n_correct - 1, n_chosen, target) <= 1 - confidence
    for step in np.flatnonzero(is_tested):
        if not keeps[step]:
            break
        threshold, coverage = float(GRID[step]), float(n_chosen[step] / n_examples)
    return Contract(target, confidence, threshold, coverage, n_examples)
