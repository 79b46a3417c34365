"""One-versus-rest linear SVMs on many rows: each class is fitted on the rows that shape it.

The squared hinge passes over rows beyond their margin, and of most classes most rows are such. So
a first boundary, from a sample, tells which rows come near, and the class is fitted again on those
alone: chunking after Osuna, Freund and Girosi, "An Improved Training Algorithm for Support Vector
Machines", 1997, cut off after the first chunk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.svm import LinearSVC

from models.classifier import SVM_C, Floats, LinearHead

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MIN_SAMPLED, MAX_SAMPLED = 5_000, 30_000
"""Rows of the larger side that a first boundary is drawn against, at least and at most."""

SAMPLED_A_ROW = 10
"""Such rows for each of the smaller side: with few, too many rows seem to come near."""

FIRST_TOLERANCE, TOLERANCE = 0.1, 0.001
"""Where the solver stops, on the first boundary and on the one that is kept."""


def fit_classes(
    matrix: sparse.csr_matrix,
    rows: Indices,
    labels: npt.NDArray[np.object_],
    classes: Sequence[str],
    *,
    seed: int,
    c: float = SVM_C,
    weights: Floats | None = None,
) -> LinearHead:
    """Fit some classes, each against all others; those without a row are left out.

    Parameters
    ----------
    matrix
        Shape (n_texts, n_features).
    rows
        Which of them are fitted on, shape (n_rows,).
    labels
        Shape (n_rows,).
    classes
        Sorted.
    c
        Inverse regularisation.
    weights
        How much each row counts, shape (n_rows,); None for all alike.
    """
    found = [(name, is_own) for name in classes if (is_own := labels == name).any()]
    names = tuple(name for name, _ in found)
    if not found or found[0][1].all():
        coef = np.zeros((matrix.shape[1], len(names)), dtype=np.float32)
        return LinearHead(names, coef, np.zeros(len(names), dtype=np.float32))
    order = np.random.default_rng(seed).permutation(len(rows))

    def fit(chosen: Sequence[Indices], tolerance: float) -> LinearHead:
        coef = np.empty((matrix.shape[1], len(found)), dtype=np.float32)
        intercept = np.empty(len(found), dtype=np.float32)
        for column, ((_, is_own), near) in enumerate(zip(found, chosen, strict=True)):
            svm = LinearSVC(C=c, tol=tolerance, random_state=seed)
            counts = None if weights is None else weights[near]
            svm.fit(matrix[rows[near]], is_own[near], sample_weight=counts)
            coef[:, column], intercept[column] = svm.coef_[0], svm.intercept_[0]
        return LinearHead(names, coef, intercept)

    first = fit([_sample(order, is_own) for _, is_own in found], FIRST_TOLERANCE)
    margins = first.margins(matrix)[rows].T
    return fit(
        [_near(column, is_own) for column, (_, is_own) in zip(margins, found, strict=True)],
        TOLERANCE,
    )


def _is_rare(is_own: Mask) -> Mask:
    """Tell the smaller side of a class: its own rows, or those of all others."""
    return is_own if 2 * is_own.sum() <= len(is_own) else ~is_own


def _sample(order: Indices, is_own: Mask) -> Indices:
    """Return the smaller side, and the first rows of the other in a random order."""
    is_rare = _is_rare(is_own)
    n_sampled = min(max(SAMPLED_A_ROW * int(is_rare.sum()), MIN_SAMPLED), MAX_SAMPLED)
    sampled = order[~is_rare[order]][:n_sampled]
    return np.union1d(np.flatnonzero(is_rare), sampled)


def _near(margins: Floats, is_own: Mask) -> Indices:
    """Return the smaller side, and what of the other lies within the margin or beyond it.

    The first boundary, drawn against a part of the larger side, gives way to the smaller: it lets
    too many of the larger side's rows seem near, but some of the smaller side's seem far.
    """
    is_near = np.where(is_own, margins, -margins) < 1
    return np.flatnonzero(is_near | _is_rare(is_own))
