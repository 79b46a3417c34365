"""The learning curve: how accuracy grows with examples, and which classes want more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from models.classifier import Floats, fit_head
from models.encoders import DenseEncoder
from models.prediction import Level
from training.data import Examples, complete_levels
from training.encode import encode_texts
from training.errors import InvalidTrainingDataError
from training.splits import Indices, folds, near_duplicate_groups
from triage.progress import Reporter, Silent

SHARES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
N_FOLDS = 3
TARGET_RECALL = 0.8
"""What a class should reach: about what all topics of the starter corpus together do."""

MIN_HELD_OUT = 3
"""Held-out examples from which on a class is judged."""

MAX_GROWTH = 20.0
"""More than so many times the examples at hand is no advice any more."""

PRIOR = 5.0
"""Held-out examples' worth of what the curve of all classes says, in a class's own recall."""


@dataclass(frozen=True, slots=True)
class Point:
    """Accuracy on held-out examples after fitting on a part of the others.

    Attributes
    ----------
    n
        Examples fitted on, on average over the folds.
    low, high
        Of the folds.
    """

    n: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Want:
    """A class whose recall is under the target.

    Attributes
    ----------
    more
        Examples that it probably wants besides its `n`; None where more of them would hardly help.
    """

    label: str
    n: int
    recall: float
    more: int | None


@dataclass(frozen=True)
class Curve:
    """A learning curve.

    Attributes
    ----------
    law
        Of ``accuracy = a - b * n ** -c``, fitted to the points; None where they follow none.
    wants
        Classes under the target, those that want least first.
    """

    level: Level
    points: tuple[Point, ...]
    law: tuple[float, float, float] | None
    wants: tuple[Want, ...]

    def accuracy_at(self, n: Floats) -> Floats:
        """Return the accuracy that the law foretells; NaN where there is none."""
        if self.law is None:
            return np.full(np.shape(n), np.nan)
        ceiling, scale, rate = self.law
        told: Floats = ceiling - scale * np.asarray(n, dtype=float) ** -rate
        return told


@dataclass(frozen=True)
class _Trial:
    """One fit: on how many examples of each class, and which of its held-out ones were right."""

    n: int
    counts: npt.NDArray[np.int64]
    true: Indices
    is_right: npt.NDArray[np.bool_]


def learning_curve(
    examples: Examples,
    level: Level,
    *,
    dense_encoder: DenseEncoder | None,
    seed: int = 0,
    progress: Reporter | None = None,
) -> Curve:
    """Fit a head on growing parts of the examples, and measure it on a held-out fold.

    Parts are nested and near-duplicates stay together, within parts and folds.

    Raises
    ------
    InvalidTrainingDataError
        Too few examples have a label of this level.
    """
    progress = progress or Silent()
    table = complete_levels(examples.table)
    table = table[table[level].notna()].reset_index(drop=True)
    groups = near_duplicate_groups(table["text"])
    splits = folds(groups, seed=seed, n_folds=N_FOLDS)
    if not splits or table[level].nunique() < 2:
        raise InvalidTrainingDataError(f"too few examples with a {level} for a curve")
    classes, labels = np.unique(table[level].to_numpy(dtype=str), return_inverse=True)
    texts = list(table["text"])
    encoded = [encode_texts(texts, train, dense_encoder, progress)[1] for train, _ in splits]
    jobs = [
        (share, matrix, split)
        for share in SHARES
        for matrix, split in zip(encoded, splits, strict=True)
    ]
    trials = []
    for share, matrix, (train, held_out) in progress.track("fitting parts", jobs, len(jobs)):
        rows = _part(train, groups, share, seed)
        head = fit_head(matrix[rows], [classes[label] for label in labels[rows]], seed=seed)
        chosen = np.array(head.classes)[head.margins(matrix[held_out]).argmax(axis=1)]
        counts = np.bincount(labels[rows], minlength=len(classes))
        is_right = chosen == classes[labels[held_out]]
        trials.append(_Trial(len(rows), counts, labels[held_out], is_right))
    points = _points(trials, len(splits))
    return Curve(level, points, _law(points), _wants(classes, trials, len(splits)))


def _part(train: Indices, groups: Indices, share: float, seed: int) -> Indices:
    """Return the rows of a share of the groups; a smaller share is a part of a larger one."""
    own = np.unique(groups[train])
    order = np.random.default_rng(seed).permutation(len(own))
    kept = own[order[: max(1, round(share * len(own)))]]
    return train[np.isin(groups[train], kept)]


def _points(trials: Sequence[_Trial], n_folds: int) -> tuple[Point, ...]:
    points = []
    for start in range(0, len(trials), n_folds):
        of_share = trials[start : start + n_folds]
        found = [float(trial.is_right.mean()) for trial in of_share]
        n = round(np.mean([trial.n for trial in of_share]))
        points.append(Point(n, float(np.mean(found)), min(found), max(found)))
    return tuple(points)


def _law(points: Sequence[Point]) -> tuple[float, float, float] | None:
    """Fit an inverse power law (Viering and Loog, "The shape of learning curves", TPAMI 2023)."""
    n = np.array([point.n for point in points], dtype=float)
    accuracy = np.array([point.accuracy for point in points])
    try:
        (ceiling, scale, rate), _ = curve_fit(
            lambda n, ceiling, scale, rate: ceiling - scale * n**-rate,
            n,
            accuracy,
            p0=(accuracy[-1], 1.0, 0.5),
            bounds=((0, 0, 0.05), (1, np.inf, 2)),
        )
    except RuntimeError:  # no such law within the bounds
        return None
    return float(ceiling), float(scale), float(rate)


def _wants(
    classes: npt.NDArray[np.str_], trials: Sequence[_Trial], n_folds: int
) -> tuple[Want, ...]:
    """Tell from the growth of all classes together how far each one is from the target.

    Recall is taken to be logistic in the logarithm of a class's examples, with one slope for all
    classes and a level of its own for each, drawn towards that of all.
    """
    counts = np.concatenate([trial.counts[trial.true] for trial in trials])
    is_right = np.concatenate([trial.is_right for trial in trials])
    if is_right.all() or not is_right.any():
        return ()
    growth = LogisticRegression(C=1e6).fit(np.log1p(counts)[:, None], is_right)
    slope, level = float(growth.coef_[0, 0]), float(growth.intercept_[0])
    wants = []
    for label, name in enumerate(classes):
        want = _want(str(name), label, trials[-n_folds:], slope, level)
        if want is not None and want.recall < TARGET_RECALL:
            wants.append(want)
    return tuple(sorted(wants, key=lambda one: (one.more is None, one.more or 0, one.label)))


def _want(name: str, label: int, last: Sequence[_Trial], slope: float, level: float) -> Want | None:
    held_out = np.concatenate([trial.is_right[trial.true == label] for trial in last])
    if len(held_out) < MIN_HELD_OUT:
        return None
    n = round(np.mean([trial.counts[label] for trial in last]))
    expected = expit(level + slope * np.log1p(n))
    recall = (held_out.sum() + PRIOR * expected) / (len(held_out) + PRIOR)
    more = None
    if slope > 0:
        distance = (logit(TARGET_RECALL) - logit(recall)) / slope
        if distance < np.log(MAX_GROWTH):
            more = max(1, round((1 + n) * np.exp(distance) - 1 - n))
    return Want(name, n, float(held_out.mean()), more)
