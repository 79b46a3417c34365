"""The probability of the chosen label, brought in line with how often such choices were right.

One inverse temperature serves all probabilities of a level; what is left is a curve between what
the best label claims and how often it is right. It is fitted after Kull, Silva Filho and Flach,
"Beyond sigmoids: How to obtain well-calibrated probabilities from binary classifiers with beta
calibration", Electronic Journal of Statistics 2017, for the choice alone (top-label calibration:
Gupta and Ramdas, "Top-label calibration and multiclass-to-binary reductions", ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.classifier import Floats
from models.prediction import Level

TINY = 1e-9
"""Keeps probabilities off 0 and 1, whose logarithms there are not."""

AHEAD = 1 + 1e-9
"""By what factor the chosen label stays ahead of the next one, at least."""


@dataclass(frozen=True, slots=True)
class BetaCurve:
    """From a claimed probability to a likely one, rising: ``logit q = a ln p - b ln(1 - p) + c``.

    The default changes nothing.
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def apply(self, claimed: Floats) -> Floats:
        """Return likely probabilities, any shape."""
        p = np.clip(claimed, TINY, 1 - TINY)
        likely: Floats = expit(self.a * np.log(p) - self.b * np.log1p(-p) + self.c)
        return likely


Curves = Mapping[Level, BetaCurve]


def correct_all(
    found: Mapping[Level, Floats], curves: Curves, parents: npt.NDArray[np.int64] | None
) -> dict[Level, Floats]:
    """Correct the chosen label's probability at every level that has a curve.

    Every level keeps its choice. Where topics have categories, their sums are still the
    categories' probabilities.

    Parameters
    ----------
    found
        Probabilities, shape (n_texts, n_classes), rows sum to one.
    parents
        Shape (n_topics,), the category of each topic; None where the levels aren't linked.
    """
    if parents is None or "topic" not in curves:
        return _correct_apart(found, curves)
    others: Curves = {level: curve for level, curve in curves.items() if level != "topic"}
    corrected = _correct_apart(found, others)
    topics = _correct_topics(found, corrected["category"], curves["topic"], parents)
    return {**corrected, "topic": topics}


def correct(probabilities: Floats, curve: BetaCurve) -> Floats:
    """Give each row's best label its likely probability; the others share what is left.

    Examples
    --------
    >>> correct(np.array([[0.6, 0.3, 0.1]]), BetaCurve(c=1.0)).round(2)
    array([[0.8 , 0.15, 0.05]])
    """
    return _with_best(probabilities, curve.apply(probabilities.max(axis=1)), 1.0)


def _correct_apart(found: Mapping[Level, Floats], curves: Curves) -> dict[Level, Floats]:
    """Correct every level that has a curve, whatever becomes of the others."""
    return {
        level: correct(probabilities, curves[level]) if level in curves else probabilities
        for level, probabilities in found.items()
    }


def _correct_topics(
    found: Mapping[Level, Floats],
    categories: Floats,
    curve: BetaCurve,
    parents: npt.NDArray[np.int64],
) -> Floats:
    """Scale topics with their categories, then move mass within the chosen category alone."""
    rows = np.arange(len(categories))
    scale = categories / np.maximum(found["category"], np.finfo(float).tiny)
    topics: Floats = found["topic"] * scale[:, parents]
    chosen = parents[found["topic"].argmax(axis=1)]
    own = parents[None, :] == chosen[:, None]
    within = np.where(own, topics, 0.0)
    elsewhere = np.where(own, 0.0, topics)
    likely = curve.apply(found["topic"].max(axis=1))
    mass = categories[rows, chosen]
    floor = elsewhere.max(axis=1) * AHEAD
    return elsewhere + _with_best(within, np.maximum(likely, floor), mass)


def _with_best(probabilities: Floats, likely: Floats, mass: Floats | float) -> Floats:
    """Set each row's best entry, and scale the others so that the row sums to `mass`."""
    rows = np.arange(len(probabilities))
    best = probabilities.argmax(axis=1)
    top = probabilities[rows, best]
    others = probabilities.copy()
    others[rows, best] = 0.0
    rest = others.sum(axis=1)
    # The next best, as a share of the rest, must not overtake the best.
    share = others.max(axis=1) / np.maximum(rest, TINY)
    floor = mass * share / (1 + share) * AHEAD
    likely = np.where(rest > TINY, np.clip(likely, floor, mass), np.asarray(mass) * (top > 0))
    others *= ((mass - likely) / np.maximum(rest, TINY))[:, None]
    others[rows, best] = likely
    return others
