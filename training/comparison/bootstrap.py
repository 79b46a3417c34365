"""Figures of two models and the interval of their difference, by paired bootstrap.

Both models are judged on the same resampled appeals (Efron and Tibshirani, "An Introduction to
the Bootstrap", 1993, chapter 16; paired as by Koehn, "Statistical Significance Tests for Machine
Translation Evaluation", 2004), so that what is hard for both does not blur the difference.
Intervals are percentile intervals, as if appeals were independent of each other: repeats of one
text make them a little too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import binomtest

from models.calibration import N_BINS
from models.classifier import Floats
from training.comparison.answers import Answers, Mask

N_RESAMPLES = 1000
CONFIDENCE = 0.95
MAX_NUMBERS = 4_000_000
"""Numbers of a block of resamples held in memory at once: 32 MB."""

METRICS = ("accuracy", "macro_f1", "top3_accuracy", "ece", "coverage", "precision")


@dataclass(frozen=True, slots=True)
class Difference:
    """A challenger's figure minus the champion's, with its interval; NaN where neither has one."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Contrast:
    """Two models on the same appeals.

    Attributes
    ----------
    champion, challenger
        Figures by name, `METRICS`; NaN where there is none, as for the precision of nothing.
    lost, won
        Appeals that only the champion got right, and that only the challenger did.
    p_value
        Of the exact form of McNemar's test ("Note on the sampling error of the difference
        between correlated proportions", 1947): how likely `lost` and `won` are so far apart
        where neither model is better. It counts appeals, whatever they weigh.
    """

    n: int
    champion: Mapping[str, float]
    challenger: Mapping[str, float]
    differences: Mapping[str, Difference]
    lost: int
    won: int
    p_value: float


def contrast(champion: Answers, challenger: Answers, weights: Floats, *, seed: int = 0) -> Contrast:
    """Compare two models on appeals whose labels are known, one at least.

    Parameters
    ----------
    weights
        Shape (n,), what each appeal counts.
    """
    sums = _Sums.of(champion), _Sums.of(challenger)
    whole = weights[:, None]
    before, after = (_only(one.figures(whole)) for one in sums)
    blocks = [[one.figures(block) for one in sums] for block in _resamples(weights, seed=seed)]
    differences = {
        name: _difference(
            after[name] - before[name],
            np.concatenate([new[name] - old[name] for old, new in blocks]),
        )
        for name in METRICS
    }
    old, new = champion.choices.correct, challenger.choices.correct
    lost, won = int((old & ~new).sum()), int((new & ~old).sum())
    p_value = float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0
    return Contrast(len(weights), before, after, differences, lost, won, p_value)


@dataclass(frozen=True)
class _Sums:
    """What figures are made of: sums over appeals, so that resampling is one multiplication.

    Attributes
    ----------
    shares
        Shape (4, n): right, right among three, unseen, unseen and right.
    gaps
        Shape (N_BINS, n): stated minus observed, in the bin of the stated probability.
    hits, mentions
        Shape (n_classes, n): chosen rightly; chosen plus true.
    """

    shares: Floats
    gaps: sparse.csr_matrix
    hits: sparse.csr_matrix
    mentions: sparse.csr_matrix

    @classmethod
    def of(cls, answers: Answers) -> _Sums:
        choices = answers.choices
        correct = choices.correct
        among = (choices.best == choices.true[:, None]).any(axis=1)
        shares = np.stack([correct, among, answers.unseen, answers.unseen & correct])
        bins = np.minimum((choices.probability * N_BINS).astype(int), N_BINS - 1)
        true, chosen = choices.true.astype(str), choices.best[:, 0].astype(str)
        classes, columns = np.unique(np.concatenate([true, chosen]), return_inverse=True)
        of_true, of_chosen = columns[: len(true)], columns[len(true) :]
        n_classes = len(classes)
        return cls(
            shares.astype(float),
            _spread(bins, choices.probability - correct, N_BINS),
            _spread(of_chosen, correct.astype(float), n_classes),
            _spread(of_true, np.ones(len(true)), n_classes)
            + _spread(of_chosen, np.ones(len(true)), n_classes),
        )

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """Return each figure under each weighting, shape (n_weightings,).

        Parameters
        ----------
        weights
            Shape (n, n_weightings).
        """
        total = weights.sum(axis=0)
        correct, among, unseen, unseen_right = self.shares @ weights
        mentions = self.mentions @ weights
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(mentions > 0, 2 * (self.hits @ weights) / mentions, np.nan)
            precision = unseen_right / unseen
        return {
            "accuracy": correct / total,
            # A class that is neither true nor chosen in a resample has no part in its mean.
            "macro_f1": np.nanmean(f1, axis=0),
            "top3_accuracy": among / total,
            "ece": np.abs(self.gaps @ weights).sum(axis=0) / total,
            "coverage": unseen / total,
            "precision": precision,
        }


def _spread(rows: npt.NDArray[Any], values: Floats, n_rows: int) -> sparse.csr_matrix:
    """Put the value of each appeal into one row of its column."""
    columns = np.arange(len(values))
    return sparse.csr_matrix((values, (rows, columns)), shape=(n_rows, len(values)))


def _resamples(weights: Floats, *, seed: int) -> Iterator[Floats]:
    """Yield how much each appeal counts in some of the resamples, shape (n, n_resamples)."""
    rng = np.random.default_rng(seed)
    n = len(weights)
    size = max(1, MAX_NUMBERS // n)
    for start in range(0, N_RESAMPLES, size):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(size, N_RESAMPLES - start))
        yield drawn.T * weights[:, None]


def _only(figures: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in figures.items()}


def _difference(value: float, resampled: Floats) -> Difference:
    known = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(known):
        return Difference(nan, nan, nan)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Difference(value, float(low), float(high))


def changed(champion: Answers, challenger: Answers) -> Mask:
    """Tell which appeals get another answer, shape (n,)."""
    return np.asarray(champion.choices.best[:, 0] != challenger.choices.best[:, 0], dtype=bool)
