"""Probabilities that mean what they say: inverse temperatures fitted on out-of-fold margins.

Temperature scaling after Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural
Networks", ICML 2017: the margins are multiplied by the number that makes the true labels of
held-out texts most likely.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from models.classifier import Floats
from models.hierarchy import START_WEIGHT, Chain, Link
from models.toplabel import BetaCurve

Integers = npt.NDArray[np.int64]

MAX_EVIDENCE_WEIGHT = 3.0
"""Likelihood ratios that are right count once; smoothed ones a little more or less."""

CURVE_PRIOR = 1.0
"""Examples' worth of belief that a curve changes nothing."""

N_BINS = 15
"""Bins of the expected calibration error, as in Guo et al."""


def fit_weight(margins: Floats, labels: Integers) -> float:
    """Fit one inverse temperature for a head.

    Parameters
    ----------
    margins
        Shape (n, n_classes), from models that did not see these texts.
    labels
        Shape (n,), column of each text's true class.
    """

    def loss(weight: Floats) -> float:
        return negative_log_likelihood(log_softmax(np.exp(weight[0]) * margins, axis=1), labels)

    fitted = minimize(loss, [np.log(START_WEIGHT)], method="Nelder-Mead")
    return float(np.exp(fitted.x[0]))


def fit_chain(
    chain: Chain,
    category_margins: Floats,
    topic_margins: Floats,
    categories: Integers,
    topics: Integers,
) -> Chain:
    """Fit the chain's three inverse temperatures for topics and categories together.

    Parameters
    ----------
    category_margins, topic_margins
        Shapes (n, n_categories) and (n, n_topics), from models that did not see these texts.
    categories, topics
        Shape (n,), columns of the true classes; a topic of -1 is unknown and counts for
        its category alone.
    """
    known = topics >= 0

    def with_weights(logarithms: Floats) -> Chain:
        category, best_topic, topic = (float(weight) for weight in np.exp(logarithms))
        return replace(
            chain, category_weight=category, best_topic_weight=best_topic, topic_weight=topic
        )

    def loss(logarithms: Floats) -> float:
        log_topics = with_weights(logarithms).log_probabilities(category_margins, topic_margins)
        of_category = np.where(chain.parents[None, :] == categories[:, None], log_topics, -np.inf)
        category_loss = -float(np.logaddexp.reduce(of_category, axis=1).mean())
        return category_loss + negative_log_likelihood(log_topics[known], topics[known])

    start = np.full(3, np.log(START_WEIGHT))
    return with_weights(minimize(loss, start, method="Nelder-Mead").x)


def fit_link(
    link: Link, enterprise_margins: Floats, log_shares: Floats, enterprises: Integers
) -> Link:
    """Fit the two weights of a link.

    Parameters
    ----------
    enterprise_margins, log_shares
        Shapes (n, n_enterprises), from models and counts that did not see these texts.
    enterprises
        Shape (n,), columns of the true enterprises.
    """

    def with_weights(logarithms: Floats) -> Link:
        head, shares = (float(weight) for weight in np.exp(logarithms))
        return replace(link, head_weight=head, shares_weight=shares)

    def loss(logarithms: Floats) -> float:
        log_enterprises = with_weights(logarithms).log_probabilities(enterprise_margins, log_shares)
        return negative_log_likelihood(log_enterprises, enterprises)

    start = np.log([START_WEIGHT, 1.0])
    return with_weights(minimize(loss, start, method="Nelder-Mead").x)


def fit_evidence_weight(probabilities: Floats, log_ratios: Floats, labels: Integers) -> float:
    """Fit what evidence counts beside probabilities, 0 to `MAX_EVIDENCE_WEIGHT`.

    Parameters
    ----------
    probabilities, log_ratios
        Shape (n, n_classes), from models and counts that did not see these texts.
    labels
        Shape (n,), column of each text's true class.
    """
    logarithms = np.log(np.maximum(probabilities, np.finfo(float).tiny))

    def loss(weight: float) -> float:
        return negative_log_likelihood(
            log_softmax(logarithms + weight * log_ratios, axis=1), labels
        )

    fitted = minimize_scalar(loss, bounds=(0.0, MAX_EVIDENCE_WEIGHT), method="bounded")
    return float(fitted.x)


def fit_curve(claimed: Floats, correct: npt.NDArray[np.bool_]) -> BetaCurve:
    """Fit how often a choice is right to what it claims; few examples change little.

    Parameters
    ----------
    claimed
        Shape (n,), probability of each chosen label, from models that did not see these texts.
    correct
        Shape (n,), whether it was right.
    """

    def loss(parameters: Floats) -> float:
        likely = BetaCurve(*parameters).apply(claimed)
        gain = np.log(np.maximum(np.where(correct, likely, 1 - likely), np.finfo(float).tiny))
        return CURVE_PRIOR * float(((parameters - identity) ** 2).sum()) - float(gain.sum())

    identity = np.array([1.0, 1.0, 0.0])
    bounds = [(0.0, None), (0.0, None), (None, None)]
    fitted = minimize(loss, identity, method="L-BFGS-B", bounds=bounds)
    return BetaCurve(*(float(parameter) for parameter in fitted.x))


def negative_log_likelihood(log_probabilities: Floats, labels: Integers) -> float:
    """Return the mean of -ln P(true label); zero for no texts."""
    if len(labels) == 0:
        return 0.0
    return -float(log_probabilities[np.arange(len(labels)), labels].mean())


def expected_calibration_error(
    confidence: Floats,
    correct: npt.NDArray[np.bool_],
    *,
    weights: Floats | None = None,
    n_bins: int = N_BINS,
) -> float:
    """Return the mean gap between stated and observed accuracy over equal-width bins.

    Parameters
    ----------
    confidence
        Shape (n,), the probability of each chosen label.
    correct
        Shape (n,), whether it was right.
    weights
        Shape (n,), what each counts; None for all alike.

    Examples
    --------
    >>> expected_calibration_error(np.array([0.9, 0.9]), np.array([True, False])).__round__(2)
    0.4
    """
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    counted = np.ones(len(bins)) if weights is None else weights
    gaps = np.bincount(bins, weights=counted * (confidence - correct), minlength=n_bins)
    return float(np.abs(gaps).sum() / counted.sum())
