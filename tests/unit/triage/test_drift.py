from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from triage.drift import Drift, jensen_shannon, measure_drift, psi


def measured(before: dict[str, int], now: dict[str, int]) -> Drift:
    found = measure_drift(before, now)
    assert found is not None
    return found


def test_measure_same_mix_is_no_drift() -> None:
    found = measured({"ru": 600, "kk": 300}, {"ru": 1_200, "kk": 600})
    assert found.psi == pytest.approx(0, abs=1e-5)
    assert found.jensen_shannon == pytest.approx(0, abs=1e-9)
    assert (found.n_before, found.n_now) == (900, 1_800)
    assert not found.has_drifted


def test_measure_large_change_of_many_is_drift() -> None:
    found = measured({"ru": 700, "kk": 300}, {"ru": 400, "kk": 600})
    assert found.psi > 0.25
    assert found.has_drifted


def test_measure_small_change_of_very_many_is_sure_and_does_not_matter() -> None:
    found = measured({"ru": 700_000, "kk": 300_000}, {"ru": 680_000, "kk": 320_000})
    assert found.psi > found.noise
    assert not found.has_drifted


def test_measure_change_of_a_few_is_noise() -> None:
    found = measured({"ru": 7, "kk": 3}, {"ru": 4, "kk": 6})
    assert found.psi > 0.1
    assert not found.has_drifted


def test_measure_label_on_one_side_only_stays_finite() -> None:
    found = measured({"snow": 500}, {"heat": 500})
    assert np.isfinite(found.psi)
    assert found.jensen_shannon == pytest.approx(1)
    assert found.has_drifted


@pytest.mark.parametrize(("before", "now"), [({}, {"ru": 1}), ({"ru": 1}, {}), ({}, {"ru": 0})])
def test_measure_empty_side_says_nothing(before: dict[str, int], now: dict[str, int]) -> None:
    assert measure_drift(before, now) is None


def test_measure_label_may_be_missing() -> None:
    assert measure_drift({"a": 5, None: 5}, {"a": 5, None: 5}) is not None


def test_psi_by_hand() -> None:
    # Half a count is added to each: (10, 30) and (20, 20) out of 40.
    before, now = np.array([9.5, 29.5]), np.array([19.5, 19.5])
    expected = (0.5 - 0.25) * np.log(0.5 / 0.25) + (0.5 - 0.75) * np.log(0.5 / 0.75)
    assert psi(before, now) == pytest.approx(expected)  # type: ignore[arg-type]  # halves, so that the sum is whole


def test_jensen_shannon_agrees_with_scipy() -> None:
    before, now = np.array([5, 0, 12, 3]), np.array([1, 4, 9, 9])
    expected = jensenshannon(before / before.sum(), now / now.sum(), base=2) ** 2
    assert jensen_shannon(before, now) == pytest.approx(expected)
