"""The precision contract keeps its promise over many draws of the contract sample."""

import numpy as np
import pytest
from contract_samples import sample_of
from scipy.stats import binom

from models.selective import ContractSample, conclude

pytestmark = pytest.mark.statistical

N_DRAWS = 200
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


def draw(curve, n_examples, rng, language="ru", group="a"):
    probability = rng.random(n_examples)
    correct = rng.random(n_examples) < curve(probability)
    return sample_of(probability, correct, language, group)


def allowed(confidence):
    """The largest share of broken promises that chance makes of promises kept as stated."""
    return binom.ppf(SLACK, N_DRAWS, 1 - confidence) / N_DRAWS


def is_broken(curve, threshold, target):
    return threshold is not None and true_precision(curve, threshold) < target


def broken_share(curve, *, target, confidence, n_examples, seed):
    """Share of draws in which what goes unseen is right less often than promised."""
    rng = np.random.default_rng(seed)
    broken = 0
    for _ in range(N_DRAWS):
        sample = draw(curve, n_examples, rng)
        [part] = conclude(sample, target=target, confidence=confidence).parts
        broken += is_broken(curve, part.threshold, target)
    return broken / N_DRAWS


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("n_examples", [150, 1_500])
def test_conclude_any_true_curve_breaks_its_promise_rarely_enough(name, n_examples):
    broken = broken_share(CURVES[name], target=0.9, confidence=0.9, n_examples=n_examples, seed=1)
    assert broken <= allowed(0.9)


@pytest.mark.parametrize(("target", "confidence"), [(0.95, 0.9), (0.8, 0.8), (0.9, 0.99)])
def test_conclude_other_promises_are_kept_too(target, confidence):
    curve = CURVES["calibrated"]
    broken = broken_share(curve, target=target, confidence=confidence, n_examples=800, seed=2)
    assert broken <= allowed(confidence)


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


MIX = {
    # Easy appeals are many and hard ones few, so that an average of both looks fine.
    ("ru", "a"): (CURVES["underconfident"], 2_400),
    ("ru", "b"): (CURVES["calibrated"], 1_200),
    ("kk", "a"): (CURVES["overconfident"], 1_200),
    ("kk", "b"): (CURVES["just below the target"], 1_200),
}


def draw_mix(rng):
    return ContractSample.joined(draw(curve, n, rng, *key) for key, (curve, n) in MIX.items())


def test_conclude_holds_in_every_part_at_once():
    rng, broken = np.random.default_rng(6), 0
    for _ in range(N_DRAWS):
        contract = conclude(draw_mix(rng), target=0.899, confidence=0.8)
        assert {(part.language, part.group) for part in contract.parts} == MIX.keys()
        broken += any(
            is_broken(curve, contract.part(*key).threshold, 0.899 + 1e-6)
            for key, (curve, _) in MIX.items()
        )
    assert broken / N_DRAWS <= allowed(0.8)
    assert broken > 0  # one part lies on the edge: were none broken ever, too little is covered


def test_conclude_one_threshold_for_all_breaks_the_promise_in_the_hard_part():
    rng, broken, parted = np.random.default_rng(7), 0, 0
    hard, _ = MIX["kk", "a"]
    for _ in range(N_DRAWS):
        sample = draw_mix(rng)
        alike = ContractSample(
            **{**vars(sample), "language": np.full_like(sample.language, "ru"),
               "group": np.full_like(sample.group, "a")}
        )  # fmt: skip
        [pooled] = conclude(alike, target=0.85, confidence=0.9).parts
        broken += is_broken(hard, pooled.threshold, 0.85)
        contract = conclude(sample, target=0.85, confidence=0.9)
        parted += is_broken(hard, contract.part("kk", "a").threshold, 0.85)
    assert broken > 0.9 * N_DRAWS
    assert parted / N_DRAWS <= allowed(0.9)


def test_conclude_small_groups_pool_and_keep_the_promise_together():
    # No group has enough: their mixture is what the promise is about.
    rng, broken, n_groups = np.random.default_rng(8), 0, 12
    curves = [CURVES["underconfident"], CURVES["calibrated"]] * (n_groups // 2)
    for _ in range(N_DRAWS):
        sample = ContractSample.joined(
            draw(curve, 150, rng, "ru", f"g{number}") for number, curve in enumerate(curves)
        )
        [part] = conclude(sample, target=0.9, confidence=0.9).parts
        if part.threshold is not None:
            precision = np.mean([true_precision(curve, part.threshold) for curve in curves])
            broken += precision < 0.9
    assert broken / N_DRAWS <= allowed(0.9)
