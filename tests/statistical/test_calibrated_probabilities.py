"""Fitted temperatures make stated probabilities come true on texts that were not fitted on."""

import numpy as np
import pytest
from scipy.special import softmax

from models.calibration import expected_calibration_error, fit_chain, fit_weight
from models.hierarchy import Chain

pytestmark = pytest.mark.statistical


def drawn(probabilities, rng):
    """Draw a label from each row."""
    return (probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))).sum(axis=1)


def error(probabilities, labels):
    return expected_calibration_error(
        probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    )


@pytest.mark.parametrize("seed", range(5))
def test_expected_calibration_error_calibrated_choices_are_close_to_zero(seed):
    rng = np.random.default_rng(seed)
    confidence = rng.random(20_000)
    assert expected_calibration_error(confidence, rng.random(20_000) < confidence) < 0.02


@pytest.mark.parametrize("gap", [0.05, 0.2])
def test_expected_calibration_error_constant_overconfidence_is_measured(gap):
    rng = np.random.default_rng(0)
    confidence = 0.5 + 0.5 * rng.random(50_000)
    correct = rng.random(50_000) < confidence - gap
    assert expected_calibration_error(confidence, correct) == pytest.approx(gap, abs=0.01)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 5.0])
def test_fit_weight_half_the_texts_calibrates_the_other_half(temperature):
    rng = np.random.default_rng(1)
    margins = rng.normal(size=(20_000, 6))
    labels = drawn(softmax(temperature * margins, axis=1), rng)
    weight = fit_weight(margins[::2], labels[::2])
    held_out, true = margins[1::2], labels[1::2]
    assert error(softmax(weight * held_out, axis=1), true) < 0.02
    assert error(softmax(4 * weight * held_out, axis=1), true) > 0.05


def test_fit_chain_half_the_texts_calibrates_both_levels_of_the_other_half():
    rng = np.random.default_rng(2)
    truth = Chain(np.arange(12) % 4, 2.5, 1.0, 3.0)
    category_margins, topic_margins = rng.normal(size=(20_000, 4)), rng.normal(size=(20_000, 12))
    topics = drawn(np.exp(truth.log_probabilities(category_margins, topic_margins)), rng)
    categories = truth.parents[topics]
    fitted = fit_chain(
        Chain(truth.parents),
        *(category_margins[::2], topic_margins[::2]),
        *(categories[::2], topics[::2]),
    )
    by_category, by_topic = fitted.probabilities(category_margins[1::2], topic_margins[1::2])
    assert error(by_category, categories[1::2]) < 0.03
    assert error(by_topic, topics[1::2]) < 0.03
