"""Topics and categories that no example has: they start from their names, by the dense encoder.

Each gets a column of its own in the fitted head: how like a text is to its names, on the scale of
margins. Held-out margins get the same columns, so that weights, curves and contract are fitted
with what these columns take from the others; no row is added anywhere, and none is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from models.classifier import Floats, LinearHead
from models.encoders import DenseEncoder, Vectors
from models.prediction import Level
from models.text import normalise
from training.heads import ABSENT_MARGIN, OutOfFold
from training.splits import Indices
from triage.appeal import Bilingual
from triage.taxonomy import Taxonomy

LIKENESS = 0.15
"""Margin for each standard deviation of likeness; `docs/training.md` has what others do."""


@dataclass(frozen=True)
class ColdStart:
    """What there is no example of.

    Attributes
    ----------
    vectors
        By level and code, shape (n_dimensions,), of length one: the mean of the names' vectors.
    parents
        Category of each of the topics.
    """

    vectors: Mapping[Level, Mapping[str, Vectors]]
    parents: Mapping[str, str]

    @classmethod
    def of(
        cls, taxonomy: Taxonomy, table: pd.DataFrame, dense_encoder: DenseEncoder
    ) -> ColdStart | None:
        """Find what a taxonomy offers and no row has; None where rows have no topics, or all."""
        seen = {level: set(table[level].dropna()) for level in ("category", "topic")}
        topics = {
            topic.code: topic
            for category in taxonomy.categories
            for topic in taxonomy.topics_of(category)
            if topic.code not in seen["topic"]
        }
        if not topics or not all(seen.values()):
            return None
        parents = {code: topic.category for code, topic in topics.items()}
        categories = sorted(set(parents.values()) - seen["category"])
        vectors: dict[Level, dict[str, Vectors]] = {
            "category": {
                code: _vector(_names_of_category(taxonomy, code), dense_encoder)
                for code in categories
            },
            "topic": {code: _vector([topic.name], dense_encoder) for code, topic in topics.items()},
        }
        return cls(vectors, parents)

    def widen(
        self, heads: Mapping[str, LinearHead], out_of_fold: OutOfFold, matrix: sparse.csr_matrix
    ) -> tuple[dict[str, LinearHead], OutOfFold]:
        """Add the columns to heads, and to what they say of held-out rows.

        Parameters
        ----------
        matrix
            Rows that were fitted on, shape (n_rows, n_features); the last are the dense vectors.
        """
        wider, margins = dict(heads), dict(out_of_fold.margins)
        for level, vectors in self.vectors.items():
            if not vectors:
                continue
            added = _head(vectors, matrix)
            order = np.argsort([*heads[level].classes, *added.classes])
            wider[level] = _joined(heads[level], added, order)
            margins[level] = [
                np.hstack([found, added.margins(matrix[held_out])])[:, order]
                for found, (_, held_out) in zip(margins[level], out_of_fold.splits, strict=True)
            ]
        return wider, replace(out_of_fold, margins=margins)


def _names_of_category(taxonomy: Taxonomy, code: str) -> Iterable[Bilingual]:
    return [taxonomy.categories[code].name, *(topic.name for topic in taxonomy.topics_of(code))]


def _vector(names: Iterable[Bilingual], dense_encoder: DenseEncoder) -> Vectors:
    texts = [normalise(text) for name in names for text in (name.ru, name.kk)]
    mean: Vectors = dense_encoder.encode(texts).mean(axis=0)
    length = np.linalg.norm(mean)
    return mean / length if length else mean


def _head(vectors: Mapping[str, Vectors], matrix: sparse.csr_matrix) -> LinearHead:
    """Return a head whose margins are likeness, told in standard deviations over the rows."""
    stacked = np.array(list(vectors.values())).T
    likeness: Floats = np.asarray(matrix[:, -len(stacked) :] @ stacked, dtype=np.float64)
    spread = likeness.std(axis=0)
    slope = LIKENESS / np.where(spread > 0, spread, np.inf)
    intercept = ABSENT_MARGIN - slope * likeness.mean(axis=0)
    coef = np.zeros((matrix.shape[1], len(vectors)), dtype=np.float32)
    coef[-len(stacked) :] = slope * stacked
    return LinearHead(tuple(vectors), coef, intercept.astype(np.float32))


def _joined(one: LinearHead, other: LinearHead, order: Indices) -> LinearHead:
    classes = (*one.classes, *other.classes)
    return LinearHead(
        tuple(classes[column] for column in order),
        np.hstack([one.coef, other.coef])[:, order],
        np.concatenate([one.intercept, other.intercept])[order],
    )
