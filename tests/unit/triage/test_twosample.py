from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from triage.twosample import maximum_mean_discrepancy, mean_shift


def rows(n: int, *, towards: float = 0.0, seed: int = 0) -> sparse.csr_matrix:
    """Return unit vectors in 8 dimensions, drawn around zero or to one side of it."""
    found = np.random.default_rng(seed).normal(size=(n, 8)) + towards
    return sparse.csr_matrix(found / np.linalg.norm(found, axis=1, keepdims=True))


def test_mean_shift_rise_is_beyond_noise() -> None:
    rng = np.random.default_rng(0)
    found = mean_shift(rng.uniform(0, 0.4, 300), rng.uniform(0.1, 0.5, 200))
    assert found.value == pytest.approx(0.1, abs=0.03)
    assert found.value > found.noise > 0


def test_mean_shift_fall_is_no_rise() -> None:
    rng = np.random.default_rng(0)
    found = mean_shift(rng.uniform(0.1, 0.5, 300), rng.uniform(0, 0.4, 200))
    assert found.value < 0 < found.noise


def test_mean_shift_constant_sample_has_neither() -> None:
    found = mean_shift(np.full(60, 0.2), np.full(70, 0.2))
    assert (found.value, found.noise) == pytest.approx((0, 0))


def test_discrepancy_by_hand() -> None:
    before, now = (
        sparse.csr_matrix(np.array(one, dtype=float)) for one in ([[0], [1]], [[3], [3]])
    )
    # Squared distances 1, 9, 9, 4, 4, 0: the median is 4.
    kernel = {d: np.exp(-d / 4) for d in (0, 1, 4, 9)}
    expected = kernel[1] + kernel[0] - 2 * (2 * kernel[9] + 2 * kernel[4]) / 4
    assert maximum_mean_discrepancy(before, now).value == pytest.approx(expected)


def test_discrepancy_same_distribution_is_within_noise() -> None:
    found = maximum_mean_discrepancy(rows(150), rows(120, seed=1))
    assert found.value < found.noise


def test_discrepancy_other_distribution_is_beyond_noise() -> None:
    found = maximum_mean_discrepancy(rows(150), rows(120, towards=0.5, seed=1))
    assert found.value > 2 * found.noise


def test_discrepancy_identical_rows_are_no_shift() -> None:
    same = sparse.csr_matrix(np.ones((60, 1)))
    found = maximum_mean_discrepancy(same, same)
    assert found.value == pytest.approx(0)
    assert found.noise == pytest.approx(0)


def test_same_samples_give_the_same_answer() -> None:
    assert maximum_mean_discrepancy(rows(60), rows(60)) == maximum_mean_discrepancy(
        rows(60), rows(60)
    )
