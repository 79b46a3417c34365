from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.benchmark.measuring import MIN_BUCKET, measured, with_gaps, with_mean
from training.buckets import ALL
from training.evaluate import Figures
from training.metrics import Choices

TRUE = np.array(["a", "b", "a", None], dtype=object)
CHOICES = Choices.of(TRUE, np.array([[0.9, 0.1]] * 4), ("a", "b"))
PARTS = {
    ALL: np.ones(4, dtype=bool),
    "kk": np.array([True, True, False, True]),
    "voice general": np.array([False, False, True, False]),
}


def test_measured_has_intervals_and_curves_over_languages_but_not_groups() -> None:
    found = measured({"category": CHOICES}, PARTS)
    whole = found.figures[ALL]["category"]
    assert (whole["n"], whole["accuracy"]) == (3, 0.6667)
    assert whole["accuracy_low"] < 2 / 3 < whole["accuracy_high"]
    assert found.reliability.keys() == {ALL, "kk"}
    assert found.reliability["kk"]["category"] == [(2, 0.9, 0.5)]
    assert found.coverage["category"] == [(0.9, 1.0, 0.6667)]
    assert found.confusion is not None
    assert found.confusion.counts == ((2, 0), (1, 0))


def test_measured_without_probabilities_draws_no_curves() -> None:
    unknown = np.full(4, np.nan)
    margins = replace(CHOICES, probability=unknown, second=unknown)
    found = measured({"topic": margins}, PARTS)
    assert found.figures[ALL]["topic"]["accuracy"] == 0.6667
    assert (found.coverage, found.reliability[ALL], found.confusion) == ({}, {}, None)


def figures(**accuracies: tuple[float, float]) -> Figures:
    return {
        part.replace("_of_", " "): {"topic": {"accuracy": accuracy, "n": n}}
        for part, (accuracy, n) in accuracies.items()
    }


def test_with_gaps_tells_how_far_the_worst_language_lies_below() -> None:
    some = figures(all=(0.8, 200), ru=(0.9, 100), kk=(0.7, 100), kk_latin=(0.1, MIN_BUCKET - 1))
    assert with_gaps(some)[ALL]["topic"]["language_gap"] == pytest.approx(0.1)
    better = figures(all=(0.8, 200), ru=(0.9, 100))
    assert with_gaps(better)[ALL]["topic"]["language_gap"] == 0


def test_with_mean_counts_each_group_once() -> None:
    some = figures(all=(0.8, 200), voice_of_a=(0.9, 190), voice_of_b=(0.5, 10))
    mean = with_mean(some, "voice", "mean over voices")["mean over voices"]["topic"]
    assert mean == {"accuracy": pytest.approx(0.7), "n": 200}
