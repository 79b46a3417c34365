"""Linear heads over one feature matrix, and the chain that keeps topic and category consistent.

Each head is a one-versus-rest linear SVM. The chain turns the margins of the topic head and the
category head into one distribution over topics, whose sums are the categories' probabilities,
so that a topic outside its category can't be produced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import log_softmax
from sklearn.svm import LinearSVC

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
        return np.asarray(matrix @ self.coef + self.intercept, dtype=np.float64)


def fit_head(matrix: sparse.csr_matrix, labels: Sequence[str], *, seed: int) -> LinearHead:
    """Fit one head; a single class gives a head that always answers it.

    Parameters
    ----------
    matrix
        Shape (n_texts, n_features).
    labels
        One label a row.
    """
    classes = tuple(sorted(set(labels)))
    if len(classes) == 1:
        coef = np.zeros((matrix.shape[1], 1), dtype=np.float32)
        return LinearHead(classes, coef, np.zeros(1, dtype=np.float32))
    svm = LinearSVC(C=SVM_C, random_state=seed).fit(matrix, np.asarray(labels, dtype=object))
    coef, intercept = svm.coef_.T, svm.intercept_
    if len(classes) == 2:  # liblinear keeps one boundary for two classes
        coef, intercept = np.hstack([-coef, coef]), np.array([-intercept[0], intercept[0]])
    return LinearHead(classes, coef.astype(np.float32), intercept.astype(np.float32))


@dataclass(frozen=True)
class Chain:
    """From margins of topics and categories to one consistent distribution.

    ``P(category)`` pools the category head's margin with the best margin among its topics (a sum
    over topics would favour categories that have many); ``P(topic | category)`` is a softmax of
    the topic margins within the category; ``P(topic)`` is their product.

    Attributes
    ----------
    parents
        Shape (n_topics,): index of each topic's category.
    category_weight, best_topic_weight, topic_weight
        Inverse temperatures, fitted on out-of-fold margins by `models.calibration`.
    """

    parents: npt.NDArray[np.int64]
    category_weight: float = 1.0
    best_topic_weight: float = 1.0
    topic_weight: float = 1.0

    def log_probabilities(self, category_margins: Floats, topic_margins: Floats) -> Floats:
        """Return log probabilities of topics, shape (n_texts, n_topics)."""
        n_texts, n_categories = category_margins.shape
        best_topic = np.empty((n_texts, n_categories))
        within = np.empty_like(topic_margins)
        for category in range(n_categories):
            own = self.parents == category
            best_topic[:, category] = topic_margins[:, own].max(axis=1)
            within[:, own] = log_softmax(self.topic_weight * topic_margins[:, own], axis=1)
        pooled = self.category_weight * category_margins + self.best_topic_weight * best_topic
        result: Floats = log_softmax(pooled, axis=1)[:, self.parents] + within
        return result

    def probabilities(
        self, category_margins: Floats, topic_margins: Floats
    ) -> tuple[Floats, Floats]:
        """Return probabilities of categories and topics that agree on what comes first."""
        topics = np.exp(self.log_probabilities(category_margins, topic_margins))
        categories = self._sum(topics, category_margins.shape[1])
        chosen = self.parents[topics.argmax(axis=1)]
        for row in np.flatnonzero(categories.argmax(axis=1) != chosen):
            levelled = level_down(categories[row], int(chosen[row]))
            scale = levelled / np.maximum(categories[row], np.finfo(float).tiny)
            topics[row] *= scale[self.parents]
            categories[row] = levelled
        return categories, topics

    def _sum(self, topics: Floats, n_categories: int) -> Floats:
        members = sparse.csr_matrix(
            (np.ones(len(self.parents)), (np.arange(len(self.parents)), self.parents)),
            shape=(len(self.parents), n_categories),
        )
        sums: Floats = np.asarray(topics @ members)
        return sums


def level_down(probabilities: Floats, chosen: int) -> Floats:
    """Move as little mass as it takes to put the chosen entry first.

    Larger entries are cut to a common level and what is cut goes to the chosen one, which ends
    at that level too (a hair above it, so that the order is strict).

    Parameters
    ----------
    probabilities
        Shape (n,).

    Examples
    --------
    >>> level_down(np.array([0.2, 0.5, 0.3]), 0).round(3)
    array([0.35, 0.35, 0.3 ])
    """
    larger = np.sort(probabilities[probabilities > probabilities[chosen]])[::-1]
    levels = (probabilities[chosen] + np.cumsum(larger)) / np.arange(2, len(larger) + 2)
    following = np.append(larger[1:], 0.0)
    level = levels[np.argmax(levels >= following)]
    levelled = np.minimum(probabilities, level * (1 - 1e-9))
    levelled[chosen] += probabilities.sum() - levelled.sum()
    return levelled
