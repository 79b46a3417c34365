from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.benchmark.curves import (
    MAX_POINTS,
    confusion,
    coverage_curve,
    hindsight_coverage,
    reliability,
)
from training.metrics import Choices

LEVEL = "enterprise"


def choices(*rows: tuple[str | None, str, float]) -> Choices:
    """Return choices from what is true, what was chosen and how probable that was, of two."""
    true, chosen, probability = zip(*rows, strict=True)
    best = np.array([[one, None, None] for one in chosen], dtype=object)
    certain = np.array(probability, dtype=float)
    return Choices(np.array(true, dtype=object), best, certain, 1 - certain)


FIVE = choices(
    ("a", "a", 0.99), ("a", "a", 0.9), ("b", "a", 0.8), ("b", "b", 0.8), (None, "b", 1.0)
)  # fmt: skip


def test_reliability_tells_count_statement_and_truth_of_each_bin() -> None:
    # Bins of a fifteenth: 0.8 opens one that ends at 0.867, 0.9 and 0.99 have one each.
    assert reliability(FIVE) == [(2, 0.8, 0.5), (1, 0.9, 1.0), (1, 0.99, 1.0)]


def test_coverage_curve_falls_from_the_strictest_threshold_and_keeps_ties_together() -> None:
    assert coverage_curve(FIVE, LEVEL) == [(0.99, 0.25, 1.0), (0.9, 0.5, 1.0), (0.8, 1.0, 0.75)]


def test_coverage_curve_of_categories_goes_by_the_first_against_the_second() -> None:
    of_many = replace(FIVE, second=np.array([0.01, 0.6, 0.1, 0.2, 0.0]))
    found = [round(threshold, 3) for threshold, *_ in coverage_curve(of_many, "category")]
    assert found == [0.99, 0.889, 0.8, 0.6]
    assert coverage_curve(of_many, "routed") == coverage_curve(FIVE, LEVEL)


def test_coverage_curve_keeps_both_ends_of_many_points() -> None:
    many = choices(*(("a", "a" if row % 3 else "b", row / 500) for row in range(1, 500)))
    points = coverage_curve(many, LEVEL)
    assert len(points) == MAX_POINTS
    assert (points[0][0], points[-1][1]) == (0.998, 1.0)
    covered = [point[1] for point in points]
    assert covered == sorted(covered)


@pytest.mark.parametrize(("target", "coverage"), [(0.7, 1.0), (0.8, 0.5), (1.0, 0.5)])
def test_hindsight_coverage_is_the_largest_that_keeps_the_precision(
    target: float, coverage: float
) -> None:
    assert hindsight_coverage(FIVE, LEVEL, target) == coverage


def test_hindsight_coverage_of_nothing_right_is_none() -> None:
    assert hindsight_coverage(choices(("a", "b", 0.9)), LEVEL, 0.95) == 0


def test_curves_of_no_labels_are_empty() -> None:
    unknown = choices((None, "a", 0.9))
    assert (reliability(unknown), coverage_curve(unknown, LEVEL)) == ([], [])
    assert hindsight_coverage(unknown, LEVEL, 0.95) == 0


def test_confusion_has_true_rows_chosen_columns_and_the_frequent_first() -> None:
    found = confusion(
        choices(("b", "b", 0.9), ("b", "c", 0.9), ("a", "b", 0.9), (None, "a", 0.9))
    )  # fmt: skip
    assert found.classes == ("b", "a", "c")
    assert found.counts == ((1, 0, 1), (1, 0, 0), (0, 0, 0))
