"""Likely label errors: rows whose label heads that did not see them hold to be improbable.

Rows are ranked by self-confidence, the out-of-fold probability of the given label, and confident
learning says how many are likely to be wrong (Northcutt, Jiang and Chuang, "Confident Learning:
Estimating Uncertainty in Dataset Labels", JAIR 70, 2021).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.special import softmax

from models.bundle import BATCH, DENSE_WEIGHT, encode
from models.classifier import Floats
from models.encoders import DenseEncoder
from models.prediction import LEVELS, Level
from models.sparse import SparseEncoder
from training.calibrate import fit_weight
from training.heads import OutOfFold, Task, fit_heads, fit_out_of_fold
from training.splits import Indices, folds
from triage.progress import Reporter

MIN_EXAMPLES = 3
"""Rarer labels can't be judged: hardly a fold has another example of theirs to learn from."""


@dataclass(frozen=True)
class LabelErrors:
    """What heads that did not see a row say of its label, at one level.

    Attributes
    ----------
    rows
        Of the table, the least probable label first; all that could be judged.
    probability
        Of the given label, shape (n_rows,), rising.
    likely, likely_probability
        The most probable other label of each row.
    n_likely
        How many of the first rows are likely to be wrong, by confident learning.
    """

    rows: Indices
    probability: Floats
    likely: npt.NDArray[np.object_]
    likely_probability: Floats
    n_likely: int


def find_label_errors(
    table: pd.DataFrame,
    groups: Indices,
    *,
    dense_encoder: DenseEncoder | None,
    seed: int,
    progress: Reporter,
) -> dict[Level, LabelErrors]:
    """Judge every label by heads fitted on the other folds; levels without two labels are left out.

    Near-duplicates are in one fold, or a label that was wrong twice would vouch for itself.

    Parameters
    ----------
    groups
        Shape (n_rows,), as of `training.splits.near_duplicate_groups`.
    """
    splits = folds(groups, seed=seed)
    tasks = {level: _task(table, level) for level in LEVELS}
    judged = [task for task in tasks.values() if len(set(task.labels[task.rows])) > 1]
    if not splits or not judged:
        return {}
    matrix = _encode(list(table["text"]), dense_encoder, progress)
    heads = fit_heads(matrix, judged, seed=seed, progress=progress)
    out_of_fold = fit_out_of_fold(matrix, judged, heads, splits, seed=seed, progress=progress)
    return {
        level: _rank(
            task, heads[level].classes, fit_weight(heads[level], task, out_of_fold), out_of_fold
        )
        for level, task in tasks.items()
        if level in heads
    }


def _task(table: pd.DataFrame, level: Level) -> Task:
    labels = table[level].to_numpy(dtype=object)
    counts = Counter(labels.tolist())
    judged = [label if counts[label] >= MIN_EXAMPLES else None for label in labels]
    return Task(level, np.array(judged, dtype=object))


def _encode(
    texts: list[str], dense_encoder: DenseEncoder | None, progress: Reporter
) -> sparse.csr_matrix:
    """Encode texts with the features that a model would have."""
    words = SparseEncoder.fit(progress.track("reading words", texts, len(texts)))
    starts = range(0, len(texts), BATCH)
    parts = [
        encode(words, dense_encoder, texts[start : start + BATCH], dense_weight=DENSE_WEIGHT)[0]
        for start in progress.track("encoding texts", starts, len(starts))
    ]
    return sparse.vstack(parts, format="csr")


def _rank(
    task: Task, classes: tuple[str, ...], weight: float, out_of_fold: OutOfFold
) -> LabelErrors:
    margins = out_of_fold.stacked(task.name)
    given = task.at(out_of_fold.rows).columns(classes)
    known = given >= 0
    rows, given = out_of_fold.rows[known], given[known]
    probabilities = softmax(weight * margins[known], axis=1)
    own = np.arange(len(given)), given
    probability = probabilities[own]
    others = probabilities.copy()
    others[own] = -1
    likely = others.argmax(axis=1)
    order = np.argsort(probability, kind="stable")
    return LabelErrors(
        rows=rows[order],
        probability=probability[order],
        likely=np.array(classes, dtype=object)[likely[order]],
        likely_probability=others.max(axis=1)[order],
        n_likely=_count(given, probabilities),
    )


def _count(given: Indices, probabilities: Floats) -> int:
    """Estimate how many labels are wrong."""
    from cleanlab.filter import find_label_issues  # slow to load

    present, codes = np.unique(given, return_inverse=True)
    if len(present) < 2:
        return 0
    shown = probabilities[:, present]
    shown = shown / shown.sum(axis=1, keepdims=True)
    flagged = find_label_issues(codes, shown, filter_by="low_self_confidence", n_jobs=1)
    return int(np.count_nonzero(flagged))
