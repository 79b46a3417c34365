"""The precision contract keeps its promise over many draws of the contract sample."""

import numpy as np
import pytest
from scipy.stats import binom

from models.selective import ContractSample, conclude

pytestmark = pytest.mark.statistical

N_DRAWS = 400
SLACK = 0.999
"""How sure we are that a kept promise passes."""

FINE = np.linspace(0, 1, 200_001)
"""Probabilities over which true precision is averaged; drawn ones are uniform."""

CURVES = {
    # What is true of a choice, by the probability that the model gave it.
    "calibrated": lambda p: p,
    "overconfident": lambda p: 0.8 * p,
    "underconfident": lambda p: np.sqrt(p),
    "steep": lambda p: 1 / (1 + np.exp(-20 * (p - 0.6))),
    "worst at the top": lambda p: np.where(p > 0.9, 0.6, 0.5 + 0.5 * p),
    "dip in the middle": lambda p: 0.95 - 0.6 * np.exp(-(((p - 0.7) / 0.08) ** 2)),
    "just below the target": lambda p: np.full_like(p, 0.899),
    "hopeless": lambda p: np.full_like(p, 0.3),
}


def true_precision(curve, threshold):
    return float(curve(FINE[threshold <= FINE]).mean())


def draw(curve, n_examples, rng):
    probability = rng.random(n_examples)
    return ContractSample(probability, rng.random(n_examples) < curve(probability))


def broken_share(curve, *, target, confidence, n_examples, seed):
    """Share of draws in which what goes unseen is right less often than promised."""
    rng = np.random.default_rng(seed)
    broken = 0
    for _ in range(N_DRAWS):
        sample = draw(curve, n_examples, rng)
        contract = conclude(sample, target=target, confidence=confidence)
        if contract.threshold is not None:
            broken += true_precision(curve, contract.threshold) < target
    return broken / N_DRAWS


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("n_examples", [150, 1_500])
def test_conclude_any_true_curve_breaks_its_promise_rarely_enough(name, n_examples):
    confidence = 0.9
    broken = broken_share(
        CURVES[name], target=0.9, confidence=confidence, n_examples=n_examples, seed=1
    )
    allowed = binom.ppf(SLACK, N_DRAWS, 1 - confidence) / N_DRAWS
    assert broken <= allowed


@pytest.mark.parametrize(("target", "confidence"), [(0.95, 0.9), (0.8, 0.8), (0.9, 0.99)])
def test_conclude_other_promises_are_kept_too(target, confidence):
    curve = CURVES["calibrated"]
    broken = broken_share(curve, target=target, confidence=confidence, n_examples=800, seed=2)
    assert broken <= binom.ppf(SLACK, N_DRAWS, 1 - confidence) / N_DRAWS


def test_conclude_promise_is_not_kept_by_covering_next_to_nothing():
    # The test has power: close to the edge, promises are broken about as often as allowed.
    curve = CURVES["just below the target"]
    broken = broken_share(curve, target=0.899001, confidence=0.8, n_examples=1_500, seed=3)
    assert broken >= 0.08


@pytest.mark.parametrize(
    ("name", "least"), [("calibrated", 0.10), ("underconfident", 0.25), ("steep", 0.35)]
)
def test_conclude_good_model_covers_a_useful_share(name, least):
    curve, rng = CURVES[name], np.random.default_rng(4)
    best = max(1 - t for t in np.arange(0.001, 1, 0.001) if true_precision(curve, t) >= 0.9)
    coverages = [
        conclude(draw(curve, 1_500, rng), target=0.9, confidence=0.9).coverage for _ in range(50)
    ]
    assert np.median(coverages) >= least
    assert np.median(coverages) <= best


def test_conclude_larger_samples_come_closer_to_the_best_threshold():
    curve, rng = CURVES["calibrated"], np.random.default_rng(5)
    small, large = (
        np.median(
            [conclude(draw(curve, n, rng), target=0.9, confidence=0.9).coverage for _ in range(60)]
        )
        for n in (300, 10_000)
    )
    assert small < large
    assert large == pytest.approx(0.2, abs=0.03)  # above 0.8, calibrated choices are 0.9 right
