import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from models.calibration import (
    expected_calibration_error,
    fit_chain,
    fit_link,
    fit_weight,
    negative_log_likelihood,
)
from models.hierarchy import START_WEIGHT, Chain, Link, enterprise_shares

NO_LABELS = np.zeros(0, dtype=np.int64)


def drawn(probabilities, rng):
    """Draw a label from each row."""
    return (probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))).sum(axis=1)


def simulated_chain(n_texts, rng):
    """Margins of two levels, and labels drawn from the chain's own probabilities."""
    chain = Chain(np.array([0, 0, 0, 1, 1, 2]), 2.0, 1.5, 3.0)
    category_margins, topic_margins = rng.normal(size=(n_texts, 3)), rng.normal(size=(n_texts, 6))
    topics = drawn(chain.probabilities(category_margins, topic_margins)[1], rng)
    return chain, category_margins, topic_margins, chain.parents[topics], topics


@pytest.mark.parametrize("weight", [0.3, 1.0, 4.0])
def test_fit_weight_labels_drawn_at_a_temperature_recovers_it(weight):
    rng = np.random.default_rng(1)
    margins = rng.normal(size=(20_000, 5))
    labels = drawn(softmax(weight * margins, axis=1), rng)
    assert fit_weight(margins, labels) == pytest.approx(weight, rel=0.05)


def test_fit_weight_labels_without_relation_flattens_the_probabilities():
    rng = np.random.default_rng(1)
    margins = rng.normal(size=(5_000, 4))
    assert fit_weight(margins, rng.integers(0, 4, 5_000)) < 0.1


def test_fit_weight_every_label_first_stays_finite():
    weight = fit_weight(np.eye(3), np.arange(3))
    assert np.isfinite(weight)
    assert softmax(weight * np.eye(3), axis=1).diagonal() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("margins", "labels"),
    [(np.zeros((0, 4)), NO_LABELS), (np.zeros((3, 1)), np.zeros(3, dtype=np.int64))],
    ids=["no texts", "one class"],
)
def test_fit_weight_nothing_to_learn_keeps_the_start(margins, labels):
    assert fit_weight(margins, labels) == pytest.approx(START_WEIGHT)


def test_fit_chain_simulated_labels_lower_the_loss_to_that_of_the_true_weights():
    truth, *data = simulated_chain(5_000, np.random.default_rng(2))
    category_margins, topic_margins, categories, topics = data
    start = Chain(truth.parents, START_WEIGHT, START_WEIGHT, START_WEIGHT)

    def loss(chain):
        by_category, by_topic = chain.probabilities(category_margins, topic_margins)
        return negative_log_likelihood(np.log(by_category), categories) + negative_log_likelihood(
            np.log(by_topic), topics
        )

    fitted = fit_chain(start, *data)
    assert loss(fitted) < loss(start) - 0.01
    assert loss(fitted) == pytest.approx(loss(truth), abs=0.005)
    assert (fitted.parents == truth.parents).all()


def test_fit_chain_simulated_labels_recovers_the_weights():
    truth, *data = simulated_chain(20_000, np.random.default_rng(2))
    fitted = fit_chain(Chain(truth.parents), *data)
    assert fitted.category_weight == pytest.approx(2.0, rel=0.1)
    assert fitted.best_topic_weight == pytest.approx(1.5, rel=0.1)
    assert fitted.topic_weight == pytest.approx(3.0, rel=0.1)


def test_fit_chain_unknown_topics_count_for_their_category_alone():
    truth, *data = simulated_chain(6_000, np.random.default_rng(3))
    category_margins, topic_margins, categories, topics = data
    unknown = np.where(np.arange(6_000) % 2 == 0, topics, -1)
    fitted = fit_chain(Chain(truth.parents), category_margins, topic_margins, categories, unknown)
    assert fitted.category_weight == pytest.approx(2.0, rel=0.15)
    assert fitted.topic_weight == pytest.approx(3.0, rel=0.15)


def test_fit_chain_no_topic_known_stays_finite():
    truth, *data = simulated_chain(500, np.random.default_rng(3))
    category_margins, topic_margins, categories, topics = data
    fitted = fit_chain(
        Chain(truth.parents), category_margins, topic_margins, categories, np.full_like(topics, -1)
    )
    weights = [fitted.category_weight, fitted.best_topic_weight, fitted.topic_weight]
    assert np.isfinite(weights).all()


def test_fit_link_labels_that_follow_the_shares_trust_the_shares():
    rng = np.random.default_rng(4)
    topics = rng.integers(0, 3, 3_000)
    enterprises = (topics + (rng.random(3_000) < 0.2)) % 3
    link = Link(enterprise_shares(topics, enterprises, (3, 3)))
    log_shares = link.log_shares(np.eye(3)[topics])
    fitted = fit_link(link, rng.normal(size=(3_000, 3)), log_shares, enterprises)
    assert fitted.head_weight < 0.1
    assert fitted.shares_weight == pytest.approx(1.0, abs=0.1)


def test_fit_link_labels_that_follow_the_head_trust_the_head():
    rng = np.random.default_rng(4)
    margins = rng.normal(size=(5_000, 3))
    enterprises = drawn(softmax(2 * margins, axis=1), rng)
    log_shares = np.log(rng.dirichlet(np.ones(3), size=5_000))
    fitted = fit_link(Link(np.full((1, 3), 1 / 3)), margins, log_shares, enterprises)
    assert fitted.head_weight == pytest.approx(2.0, rel=0.1)
    assert fitted.shares_weight < 0.1


def test_negative_log_likelihood_by_hand_is_the_mean():
    log_probabilities = np.log([[0.5, 0.5], [0.9, 0.1]])
    expected = -(np.log(0.5) + np.log(0.1)) / 2
    assert negative_log_likelihood(log_probabilities, np.array([0, 1])) == pytest.approx(expected)


def test_negative_log_likelihood_no_texts_is_zero():
    assert negative_log_likelihood(np.zeros((0, 3)), NO_LABELS) == 0.0


def test_expected_calibration_error_by_hand_weighs_bins_by_their_size():
    # With five bins: two in [0.4, 0.6) of which one is right, three in [0.8, 1] all right.
    confidence = np.array([0.45, 0.55, 0.8, 0.9, 1.0])
    correct = np.array([True, False, True, True, True])
    expected = 2 / 5 * abs(0.5 - 0.5) + 3 / 5 * abs(0.9 - 1.0)
    error = expected_calibration_error(confidence, correct, n_bins=5)
    assert error == pytest.approx(expected)


def test_expected_calibration_error_opposite_gaps_in_two_bins_do_not_cancel():
    confidence, correct = np.array([0.3, 0.7]), np.array([True, False])
    assert expected_calibration_error(confidence, correct, n_bins=2) == pytest.approx(0.7)


def test_expected_calibration_error_opposite_gaps_in_one_bin_cancel():
    confidence, correct = np.array([0.7, 0.7, 0.8, 0.8]), np.array([True, False, True, True])
    assert expected_calibration_error(confidence, correct, n_bins=2) == pytest.approx(0.0)


def test_expected_calibration_error_stated_accuracy_is_zero():
    confidence = np.repeat([0.25, 0.5, 0.75], 4)
    correct = np.array([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_expected_calibration_error_any_choices_lie_between_zero_and_one(choices):
    confidence, correct = (np.array(column) for column in zip(*choices, strict=True))
    assert 0 <= expected_calibration_error(confidence, correct) <= 1
