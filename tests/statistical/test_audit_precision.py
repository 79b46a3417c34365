"""The audit sample's interval covers the true precision as often as it says, for any design."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import binom

from triage.precision import MIN_CHECKS, StratumSums, estimate, interval

pytestmark = pytest.mark.statistical

CONFIDENCE, LEAST = 0.90, 0.88
N_DRAWS = 800
SLACK = 0.999
"""How sure we are that an interval that covers as often as `LEAST` passes."""


class Design(NamedTuple):
    """Of each stratum: how many decisions, how many right, drawn with which share, how many of
    the drawn were checked. Half of each is drawn with twice the share, as when it was rarer."""

    n_routed: object
    precision: object
    share: object
    is_checked: object = 1.0


LONG_TAIL = np.array([6_000, 2_000] + [120] * 15)
DESIGNS = {
    "equal strata": Design([2_000] * 5, 0.95, 0.02),
    "nearly all right": Design([2_000] * 5, 0.99, 0.02),
    "nearly all right, few checks": Design([500] * 4, 0.99, 0.02),
    "few checks": Design([500] * 4, 0.9, 0.02),
    "one stratum is all": Design([4_000], 0.97, 0.03),
    "rare ones are worse": Design(LONG_TAIL, np.array([0.99, 0.97] + [0.8] * 15), 0.02),
    "rare ones are drawn more": Design(
        LONG_TAIL, np.array([0.99, 0.97] + [0.8] * 15), np.array([0.02, 0.02] + [0.15] * 15)
    ),
    "large one hardly checked": Design([5_000, 5_000], [1.0, 0.9], 0.04, [1.0, 0.06]),
    "wrong ones in what is hardly checked": Design([5_000, 5_000], [1.0, 0.8], 0.04, [1.0, 0.06]),
    "a third wrong": Design([2_000] * 5, 0.67, 0.02),
    "many checks": Design([20_000] * 5, 0.99, 0.05),
}


def draw(design: Design, rng):
    """Draw each stratum's checks and sum them up."""
    n_routed = np.asarray(design.n_routed)
    columns = (np.broadcast_to(np.asarray(one, dtype=float), n_routed.shape) for one in design[1:])
    precision, share, is_checked = columns
    shares = np.stack([share, np.minimum(2 * share, 1)])
    halves = np.stack([n_routed // 2, n_routed - n_routed // 2])
    checked = rng.binomial(halves, shares * is_checked)
    right = rng.binomial(checked, precision)
    return [
        StratumSums(
            stratum=str(number),
            n_routed=int(n_routed[number]),
            n_checked=int(checked[:, number].sum()),
            weight=float((checked[:, number] / shares[:, number]).sum()),
            weight_squares=float((checked[:, number] / shares[:, number] ** 2).sum()),
            weight_right=float((right[:, number] / shares[:, number]).sum()),
        )
        for number in range(len(n_routed))
    ]


def true_precision(design: Design) -> float:
    n_routed = np.asarray(design.n_routed)
    return float((n_routed * np.asarray(design.precision)).sum() / n_routed.sum())


def estimates(design: Design, seed: int):
    rng = np.random.default_rng(seed)
    found = (estimate(draw(design, rng), confidence=CONFIDENCE) for _ in range(N_DRAWS))
    return [one for one in found if one.precision is not None]


@pytest.mark.parametrize("name", DESIGNS)
def test_interval_covers_the_true_precision_as_often_as_it_says(name):
    design = DESIGNS[name]
    truth, found = true_precision(design), estimates(design, seed=1)
    covered = sum(one.low <= truth <= one.high for one in found)
    assert len(found) > N_DRAWS / 2
    assert covered >= binom.ppf(1 - SLACK, len(found), LEAST)
    # The lower bound is what a contract is held against.
    too_high = sum(one.low > truth for one in found)
    assert too_high <= binom.ppf(SLACK, len(found), (1 - CONFIDENCE) / 2)


@pytest.mark.parametrize("name", ["equal strata", "rare ones are drawn more", "a third wrong"])
def test_estimate_is_right_on_average(name):
    design = DESIGNS[name]
    found = [one.precision for one in estimates(design, seed=2)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(true_precision(design), abs=4 * error)


def test_interval_with_many_checks_is_as_short_as_it_can_be():
    design = DESIGNS["many checks"]
    widths = [one.high - one.low for one in estimates(design, seed=3)]
    low, high = interval(0.99, 7_500, CONFIDENCE)
    # Half is drawn with half the share of the other: that costs an eighth of the sample.
    assert np.mean(widths) == pytest.approx((high - low) * np.sqrt(9 / 8), rel=0.05)


def test_share_of_right_checks_alone_would_be_far_off():
    # The test has power: without weights the strata that are drawn more count for too much.
    design, rng = DESIGNS["rare ones are drawn more"], np.random.default_rng(4)
    truth, covered = true_precision(design), 0
    for _ in range(300):
        strata = draw(design, rng)
        n_checked = sum(one.n_checked for one in strata)
        right = sum(one.n_checked * one.precision for one in strata if one.n_checked)
        low, high = interval(right / n_checked, n_checked, CONFIDENCE)
        assert n_checked >= MIN_CHECKS
        covered += low <= truth <= high
    assert covered / 300 < 0.5
