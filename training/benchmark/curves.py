"""What the plots show, as numbers: reliability, coverage against precision, confusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.calibration import N_BINS
from models.classifier import Floats
from models.prediction import LEVELS, Level
from models.selective import contract_probability
from training.leaveout import ROUTED
from training.metrics import Choices

MAX_POINTS = 50
"""Points of a curve that are kept: more would not be seen."""

GOES_BY: dict[str, Level] = {level: level for level in LEVELS} | {ROUTED: "enterprise"}
"""The level whose contract lets choices of a level through."""

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each.

    Attributes
    ----------
    counts
        Rows are true classes, columns chosen ones.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def reliability(choices: Choices) -> list[Point]:
    """Return what was stated and what was observed, in the bins of the calibration error.

    Returns
    -------
    points
        Of each bin that has texts: how many, their mean probability, their accuracy.
    """
    known = choices.labelled
    bins = np.minimum((known.probability * N_BINS).astype(int), N_BINS - 1)
    points = []
    for number in np.unique(bins):
        there = known.at(bins == number)
        mean = float(there.probability.mean())
        points.append((float(len(there)), round(mean, 4), round(float(there.correct.mean()), 4)))
    return points


def coverage_curve(choices: Choices, level: str) -> list[Point]:
    """Return coverage and precision above each threshold, from the strictest down.

    Returns
    -------
    points
        Threshold, share of texts at or above it, share of those that are right; at most
        `MAX_POINTS`.
    """
    thresholds, covered, precision = _above(choices, level)
    kept = np.unique(np.linspace(0, len(thresholds) - 1, MAX_POINTS).round().astype(int))
    return [
        (
            round(float(thresholds[at]), 4),
            round(float(covered[at]), 4),
            round(float(precision[at]), 4),
        )
        for at in (kept if len(thresholds) else ())
    ]


def hindsight_coverage(choices: Choices, level: str, target: float) -> float:
    """Return the largest coverage at this precision that a threshold chosen afterwards has."""
    _, covered, precision = _above(choices, level)
    return float(covered[precision >= target].max(initial=0.0))


def confusion(choices: Choices) -> Confusion:
    """Count true against chosen classes, the most frequent true class first."""
    known = choices.labelled
    names, counts = np.unique(known.true.astype(str), return_counts=True)
    frequency = dict(zip(names.tolist(), counts.tolist(), strict=True))
    chosen = known.best[:, 0].astype(str)
    everything = sorted(
        {*frequency, *chosen.tolist()}, key=lambda name: (-frequency.get(name, 0), name)
    )
    place = {name: number for number, name in enumerate(everything)}
    table = np.zeros((len(place), len(place)), dtype=np.int64)
    rows, columns = ([place[name] for name in labels] for labels in (known.true, chosen))
    np.add.at(table, (rows, columns), 1)
    return Confusion(tuple(everything), tuple(tuple(row) for row in table.tolist()))


def _above(choices: Choices, level: str) -> tuple[Floats, Floats, Floats]:
    """Return each distinct threshold, strictest first, with coverage and precision above it."""
    known = choices.labelled
    two = np.column_stack([known.probability, known.second])
    goes_by = contract_probability(GOES_BY[level], two)
    order = np.argsort(-goes_by, kind="stable")
    thresholds, right = goes_by[order], np.cumsum(known.correct[order])
    # Texts at one threshold go together.
    last = np.flatnonzero(np.diff(thresholds, append=-np.inf) < 0)
    return thresholds[last], (last + 1) / max(len(known), 1), right[last] / (last + 1)
