from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import beta

from triage.precision import MIN_CHECKS, StratumSums, estimate, interval


def stratum(
    name: str, *, n_routed: int, right: int, wrong: int, share: float = 0.1, **fields: Any
) -> StratumSums:
    n, weight = right + wrong, 1 / share
    sums = {
        "n_drawn": n,
        "n_checked": n,
        "weight": n * weight,
        "weight_squares": n * weight**2,
        "weight_right": right * weight,
    }
    return StratumSums(stratum=name, n_routed=n_routed, **sums | fields)


def test_estimate_one_stratum_is_the_share_that_is_right() -> None:
    found = estimate([stratum("a/ru", n_routed=1_000, right=95, wrong=5)], confidence=0.9)
    assert found.precision == pytest.approx(0.95)
    assert found.low is not None
    assert found.high is not None
    assert found.low == pytest.approx(beta.ppf(0.05, 95, 6), abs=0.002)
    assert found.high == pytest.approx(beta.ppf(0.95, 96, 5), abs=0.002)
    assert (found.n_routed, found.n_drawn, found.n_checked) == (1_000, 100, 100)
    assert found.represented == 1


def test_estimate_strata_count_as_many_as_they_have_not_as_many_as_were_checked() -> None:
    found = estimate(
        [
            stratum("frequent/ru", n_routed=9_000, right=45, wrong=5, share=0.005),
            stratum("rare/kk", n_routed=1_000, right=100, wrong=100, share=0.2),
        ],
        confidence=0.9,
    )
    assert found.precision == pytest.approx(0.9 * 0.9 + 0.1 * 0.5)
    assert [one.stratum for one in found.strata] == ["frequent/ru", "rare/kk"]
    assert [one.precision for one in found.strata] == pytest.approx([0.9, 0.5])


def test_estimate_checks_drawn_with_a_small_share_stand_for_more() -> None:
    sums = StratumSums(
        stratum="a/ru",
        n_routed=1_500,
        n_drawn=100,
        n_checked=100,
        # 50 drawn with 0.5 and all right, 50 drawn with 0.05 and half of them right.
        weight=50 * 2 + 50 * 20,
        weight_squares=50 * 4 + 50 * 400,
        weight_right=50 * 2 + 25 * 20,
    )
    assert estimate([sums], confidence=0.9).precision == pytest.approx(600 / 1_100)
    assert sums.effective < 100


def test_estimate_too_few_checks_says_nothing() -> None:
    few = stratum("a/ru", n_routed=500, right=MIN_CHECKS - 1, wrong=0)
    found = estimate([few], confidence=0.9)
    assert (found.precision, found.low, found.high) == (None, None, None)
    assert found.n_checked == MIN_CHECKS - 1


def test_estimate_strata_with_few_checks_count_together() -> None:
    found = estimate(
        [stratum(name, n_routed=500, right=MIN_CHECKS // 2, wrong=0) for name in ("a/ru", "b/ru")],
        confidence=0.9,
    )
    assert found.precision == 1
    assert [one.precision for one in found.strata] == [None, None]


def test_estimate_stratum_without_checks_is_told() -> None:
    found = estimate(
        [
            stratum("a/ru", n_routed=750, right=40, wrong=0),
            StratumSums(stratum="b/ru", n_routed=250, n_drawn=3),
        ],
        confidence=0.9,
    )
    assert found.precision == 1
    assert found.represented == 0.75
    assert found.n_drawn == 43


def test_estimate_strata_with_few_checks_stand_for_those_without() -> None:
    found = estimate(
        [
            stratum("a/ru", n_routed=800, right=40, wrong=0),
            stratum("b/ru", n_routed=50, right=1, wrong=1, share=0.5),
            StratumSums(stratum="c/ru", n_routed=150, n_drawn=3),
        ],
        confidence=0.9,
    )
    assert found.precision == pytest.approx(0.8 + 0.2 * 0.5)
    assert found.represented == 1


def test_estimate_nothing_routed_says_nothing() -> None:
    found = estimate([], confidence=0.9)
    assert (found.precision, found.n_routed, found.represented, found.strata) == (None, 0, 0, ())


def test_estimate_all_right_still_has_a_lower_bound_below_one() -> None:
    found = estimate([stratum("a/ru", n_routed=500, right=50, wrong=0)], confidence=0.9)
    assert found.high == 1
    assert found.low == pytest.approx(0.05 ** (1 / 50))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("right", [0, 1, 30, 49, 50])
def test_interval_whole_size_is_clopper_and_pearsons(confidence: float, right: int) -> None:
    low, high = interval(right / 50, 50, confidence)
    risk = (1 - confidence) / 2
    assert low == pytest.approx(beta.ppf(risk, right, 51 - right) if right else 0)
    assert high == pytest.approx(beta.ppf(1 - risk, right + 1, 50 - right) if right < 50 else 1)
