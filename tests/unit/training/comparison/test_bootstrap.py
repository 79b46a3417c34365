from __future__ import annotations

import numpy as np
import pytest
from comparison_cases import answers
from scipy.stats import binomtest

from training.comparison.bootstrap import METRICS, contrast
from training.metrics import measure

RNG = np.random.default_rng(3)
TRUE = RNG.choice(["a", "b", "c"], size=300).tolist()


def model(accuracy, seed, unseen=0.5):
    """Answers that are right as often as asked."""
    rng = np.random.default_rng(seed)
    wrong = {"a": "b", "b": "c", "c": "a"}
    chosen = [one if rng.random() < accuracy else wrong[one] for one in TRUE]
    probability = rng.uniform(0.3, 1, len(TRUE))
    return answers(TRUE, chosen, probability, probability > unseen)


def test_contrast_figures_are_those_of_evaluate():
    old, new = model(0.7, 1), model(0.8, 2)
    weights = RNG.uniform(0.2, 2, len(TRUE))
    found = contrast(old, new, weights)
    for figures, one in ((found.champion, old), (found.challenger, new)):
        expected = measure(one.choices, weights)
        assert {name: figures[name] for name in expected if name != "n"} == pytest.approx(
            {name: value for name, value in expected.items() if name != "n"}
        )
        right = one.choices.correct & one.unseen
        assert figures["coverage"] == pytest.approx(np.average(one.unseen, weights=weights))
        assert figures["precision"] == pytest.approx(
            weights[right].sum() / weights[one.unseen].sum()
        )


def test_contrast_of_a_model_with_itself_has_no_difference():
    found = contrast(model(0.7, 1), model(0.7, 1), np.ones(len(TRUE)))
    for name in METRICS:
        one = found.differences[name]
        assert (one.value, one.low, one.high) == (0, 0, 0)
    assert (found.lost, found.won, found.p_value) == (0, 0, 1.0)


def test_contrast_is_paired():
    # Two models that differ in five answers alone: unpaired, the interval would be ten times wider.
    old = model(0.7, 1)
    chosen = old.choices.best[:, 0].copy()
    right = np.flatnonzero(old.choices.correct)[:5]
    chosen[right] = "d"
    found = contrast(old, answers(TRUE, chosen, old.choices.probability), np.ones(len(TRUE)))
    accuracy = found.differences["accuracy"]
    assert accuracy.value == pytest.approx(-5 / 300)
    assert -0.035 < accuracy.low < accuracy.value < accuracy.high < 0.001
    assert (found.lost, found.won) == (5, 0)


def test_contrast_p_value_is_that_of_an_exact_test_of_the_pairs_that_differ():
    old, new = model(0.7, 1), model(0.8, 2)
    found = contrast(old, new, np.ones(len(TRUE)))
    right = old.choices.correct, new.choices.correct
    lost, won = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    assert (found.lost, found.won) == (lost, won)
    assert found.p_value == pytest.approx(binomtest(won, lost + won).pvalue)


def test_contrast_interval_holds_the_true_difference_nearly_always():
    held = 0
    for seed in range(40):
        found = contrast(model(0.7, 100 + seed), model(0.8, 200 + seed), np.ones(len(TRUE)))
        accuracy = found.differences["accuracy"]
        held += accuracy.low <= 0.1 <= accuracy.high
    assert held >= 34  # of 40 at 95 %: fewer come once in ten thousand times


def test_contrast_nothing_unseen_has_no_precision():
    one = answers(["a", "b"], ["a", "a"])
    found = contrast(one, one, np.ones(2))
    assert found.champion["coverage"] == 0
    assert np.isnan(found.champion["precision"])
    assert np.isnan(found.differences["precision"].low)


def test_contrast_same_seed_gives_the_same_interval():
    pair = model(0.7, 1), model(0.8, 2)
    assert contrast(*pair, np.ones(300), seed=5) == contrast(*pair, np.ones(300), seed=5)
    assert contrast(*pair, np.ones(300), seed=5) != contrast(*pair, np.ones(300), seed=6)
