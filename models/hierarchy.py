"""One distribution over all levels: category, topic and enterprise can't contradict each other.

The chain turns the margins of the category head and the topic head into one distribution over
topics, whose sums are the categories' probabilities. The link lets what the appeal is about
speak for who is usually responsible for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from models.classifier import Floats
from models.names import with_evidence
from models.prediction import Level
from models.rowwise import log_softmax, multiply, softmax
from models.toplabel import BetaCurve, correct_all

START_WEIGHT = 3.0
"""Inverse temperature before any is fitted: margins of an SVM lie within 1 or 2."""

SMOOTHING = 3.0
"""Examples' worth of the overall shares of enterprises that each topic's shares begin with."""


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
        margins = topic_margins[:, self._order]
        best_topic = np.maximum.reduceat(margins, self._starts, axis=1)
        weighted = self.topic_weight * margins
        weighted -= (np.maximum.reduceat(weighted, self._starts, axis=1))[:, self._sorted_parents]
        totals = np.log(np.add.reduceat(np.exp(weighted), self._starts, axis=1))
        within = (weighted - totals[:, self._sorted_parents])[:, self._places]
        pooled = self.category_weight * category_margins + self.best_topic_weight * best_topic
        result: Floats = log_softmax(pooled)[:, self.parents] + within
        return result

    def probabilities(
        self, category_margins: Floats, topic_margins: Floats
    ) -> tuple[Floats, Floats]:
        """Return probabilities of categories and topics that agree on what comes first."""
        topics = np.exp(self.log_probabilities(category_margins, topic_margins))
        categories = np.add.reduceat(topics[:, self._order], self._starts, axis=1)
        chosen = self.parents[topics.argmax(axis=1)]
        for row in np.flatnonzero(categories.argmax(axis=1) != chosen):
            levelled = level_down(categories[row], int(chosen[row]))
            scale = levelled / np.maximum(categories[row], np.finfo(float).tiny)
            topics[row] *= scale[self.parents]
            categories[row] = levelled
        return categories, topics

    # Topics in the order of their categories, so that each category's are in one piece.

    @cached_property
    def _order(self) -> npt.NDArray[np.int64]:
        return np.argsort(self.parents, kind="stable")

    @cached_property
    def _sorted_parents(self) -> npt.NDArray[np.int64]:
        return self.parents[self._order]

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(np.diff(self._sorted_parents, prepend=-1))

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        return np.argsort(self._order)


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
    others = np.sort(np.delete(probabilities, chosen))[::-1]
    levels = np.cumsum([probabilities[chosen], *others]) / np.arange(1, len(others) + 2)
    level = levels[np.argmax(levels >= np.append(others, 0.0))]
    levelled: Floats = np.minimum(probabilities, level * (1 - 1e-9))
    levelled[chosen] += probabilities.sum() - levelled.sum()
    return levelled


@dataclass(frozen=True)
class Link:
    """From topics and an enterprise head to enterprises.

    ``P(enterprise)`` pools the head's margin with the logarithm of the share that the enterprise
    has had of the topics that the appeal may be about.

    Attributes
    ----------
    shares
        Shape (n_topics, n_enterprises), as of `enterprise_shares`.
    head_weight, shares_weight
        Weights of the pool, fitted on out-of-fold margins by `models.calibration`.
    """

    shares: Floats
    head_weight: float = START_WEIGHT
    shares_weight: float = 1.0

    def log_probabilities(self, enterprise_margins: Floats, log_shares: Floats) -> Floats:
        """Return log probabilities of enterprises, shape (n_texts, n_enterprises)."""
        pooled = self.head_weight * enterprise_margins + self.shares_weight * log_shares
        result: Floats = log_softmax(pooled)
        return result

    def log_shares(self, topics: Floats) -> Floats:
        """Return the expected log share of each enterprise, given probabilities of topics."""
        expected: Floats = np.log(multiply(topics, self.shares))
        return expected


def enterprise_shares(
    topics: npt.NDArray[np.int64], enterprises: npt.NDArray[np.int64], shape: tuple[int, int]
) -> Floats:
    """Count who was responsible for each topic, smoothed so that nobody's share is zero.

    Parameters
    ----------
    topics, enterprises
        Shape (n,): columns of the labels of examples that have both.
    shape
        Numbers of topics and enterprises.
    """
    counts = np.zeros(shape)
    np.add.at(counts, (topics, enterprises), 1.0)
    overall = (counts.sum(axis=0) + 1) / (counts.sum() + shape[1])
    smoothed = counts + SMOOTHING * overall
    shares: Floats = smoothed / smoothed.sum(axis=1, keepdims=True)
    return shares


@dataclass(frozen=True)
class Hierarchy:
    """From the margins of all heads to the probabilities of all levels.

    Attributes
    ----------
    chain
        There where category and topic both have heads.
    link
        There where topic and enterprise both have heads.
    weights
        Inverse temperature of each head outside chain and link.
    names_weight
        What the evidence of proper names counts beside the other probabilities of enterprises.
    curves
        What corrects the chosen label's probability, by level; none where nothing is known.
    """

    chain: Chain | None = None
    link: Link | None = None
    weights: dict[Level, float] = field(default_factory=dict)
    names_weight: float = 0.0
    curves: dict[Level, BetaCurve] = field(default_factory=dict)

    def probabilities(
        self, margins: dict[Level, Floats], evidence: Floats | None = None
    ) -> dict[Level, Floats]:
        """Return each level's probabilities, shape (n_texts, n_classes), rows sum to one.

        Parameters
        ----------
        evidence
            Of proper names for enterprises, shape (n_texts, n_enterprises); or None.
        """
        found: dict[Level, Floats] = {
            level: softmax(weight * margins[level]) for level, weight in self.weights.items()
        }
        if self.chain is not None:
            found["category"], found["topic"] = self.chain.probabilities(
                margins["category"], margins["topic"]
            )
        if self.link is not None:
            log_shares = self.link.log_shares(found["topic"])
            log_enterprises = self.link.log_probabilities(margins["enterprise"], log_shares)
            found["enterprise"] = np.exp(log_enterprises)
        if evidence is not None and self.names_weight:
            weighted = self.names_weight * evidence
            found["enterprise"] = with_evidence(found["enterprise"], weighted)
        return correct_all(found, self.curves, self.chain.parents if self.chain else None)
