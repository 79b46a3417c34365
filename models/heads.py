"""All heads of a model over one feature matrix, their margins in one matrix product."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from scipy import sparse

from models.classifier import Floats, LinearHead
from models.prediction import Level


class Heads(dict[Level, LinearHead]):
    """A head for each level; their coefficients lie in one array, side by side.

    A text's features are scattered over the array's rows: reading each row once, for all levels,
    takes three quarters of the time of a product for each level.

    Parameters
    ----------
    heads
        Their coefficients are copied.
    """

    def __init__(self, heads: Mapping[Level, LinearHead]) -> None:
        n_features = {len(head.coef) for head in heads.values()} or {0}
        if len(n_features) > 1:
            raise ValueError(f"heads of different features: {sorted(n_features)}")
        self._reserve({level: head.classes for level, head in heads.items()}, n_features.pop())
        for level, head in heads.items():
            self[level].coef[:] = head.coef
            self[level].intercept[:] = head.intercept

    @classmethod
    def reserved(cls, classes: Mapping[Level, tuple[str, ...]], n_features: int) -> Heads:
        """Return heads whose coefficients are still to be written, where they are to lie."""
        heads = cls({})
        heads._reserve(classes, n_features)
        return heads

    def _reserve(self, classes: Mapping[Level, tuple[str, ...]], n_features: int) -> None:
        ends = np.cumsum([0, *map(len, classes.values())]).tolist()
        self._coef = np.empty((n_features, ends[-1]), dtype=np.float32)
        self._intercept = np.empty(ends[-1], dtype=np.float32)
        self._columns = dict(zip(classes, (slice(*pair) for pair in pairwise(ends)), strict=True))
        for level, columns in self._columns.items():
            coef, intercept = self._coef[:, columns], self._intercept[columns]
            self[level] = LinearHead(classes[level], coef, intercept)

    def margins(self, matrix: sparse.csr_matrix) -> dict[Level, Floats]:
        """Return the margins of each level, shape (n_texts, n_classes), as its head does."""
        # In one piece for each level: rows with gaps are added up in another order.
        margins = matrix @ self._coef + self._intercept
        return {
            level: np.ascontiguousarray(margins[:, columns], dtype=np.float64)
            for level, columns in self._columns.items()
        }
