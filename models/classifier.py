"""Linear heads over one feature matrix: each a one-versus-rest linear SVM."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]

SVM_C = 1.0
"""Inverse regularisation; 0.1, 0.3, 0.5, 1 and 2 were tried by cross-validation."""


@dataclass(frozen=True)
class LinearHead:
    """One-versus-rest linear classifier.

    Attributes
    ----------
    classes
        Labels in the order of the columns, sorted.
    coef
        Shape (n_features, n_classes), float32.
    intercept
        Shape (n_classes,), float32.
    """

    classes: tuple[str, ...]
    coef: npt.NDArray[np.float32]
    intercept: npt.NDArray[np.float32]

    def margins(self, matrix: sparse.csr_matrix) -> Floats:
        """Return signed distances from each class's boundary, shape (n_texts, n_classes)."""
        margins: Floats = np.asarray(matrix @ self.coef + self.intercept, dtype=np.float64)
        return margins


def fit_head(
    matrix: sparse.csr_matrix,
    labels: Sequence[str],
    *,
    seed: int,
    c: float = SVM_C,
    weights: Floats | None = None,
) -> LinearHead:
    """Fit one head; a single class gives a head that always answers it.

    Parameters
    ----------
    matrix
        Shape (n_texts, n_features).
    labels
        One label a row.
    c
        Inverse regularisation.
    weights
        How much each row counts, shape (n_texts,); None for all alike.
    """
    # Takes a second and 100 MB, and what serves a model fits none.
    from sklearn.svm import LinearSVC

    classes = tuple(sorted(set(labels)))
    if len(classes) == 1:
        coef = np.zeros((matrix.shape[1], 1), dtype=np.float32)
        return LinearHead(classes, coef, np.zeros(1, dtype=np.float32))
    with warnings.catch_warnings():
        # Many classes of one or two examples are usual here: hundreds of enterprises.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        svm = LinearSVC(C=c, random_state=seed)
        svm.fit(matrix, np.asarray(labels, dtype=object), sample_weight=weights)
    coef, intercept = svm.coef_.T, svm.intercept_
    if len(classes) == 2:  # liblinear keeps one boundary for two classes
        coef, intercept = np.hstack([-coef, coef]), np.array([-intercept[0], intercept[0]])
    return LinearHead(classes, coef.astype(np.float32), intercept.astype(np.float32))
