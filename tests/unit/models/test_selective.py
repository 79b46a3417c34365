from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.selective import (
    GRID,
    MIN_COVERAGE,
    TOLERATED,
    Contract,
    ContractSample,
    conclude,
)


def sample_of(*choices):
    """Choices of equal probability and correctness as (probability, n_right, n_wrong)."""
    probability = [p for p, right, wrong in choices for _ in range(right + wrong)]
    correct = [done for _, right, wrong in choices for done in [True] * right + [False] * wrong]
    return ContractSample(np.array(probability, dtype=float), np.array(correct, dtype=bool))


def upper_tail(n_right, n_chosen, target):
    """P(at least n_right of n_chosen are right), exactly, where each is with chance `target`."""
    return sum(
        comb(n_chosen, k) * target**k * (1 - target) ** (n_chosen - k)
        for k in range(max(n_right, 0), n_chosen + 1)
    )


def concluded_by_hand(sample, target, confidence):
    """The same search with fractions, one threshold after another."""
    target, risk = Fraction(target).limit_denominator(1000), 1 - Fraction(str(confidence))
    n_examples, threshold, coverage = len(sample.probability), None, 0.0
    for thousandths in range(999, 0, -1):
        chosen = sample.probability >= thousandths / 1000
        n_chosen, n_right = int(chosen.sum()), int(sample.correct[chosen].sum())
        if n_chosen < MIN_COVERAGE * n_examples:
            continue
        if upper_tail(n_chosen - TOLERATED, n_chosen, target) > risk:
            continue
        if upper_tail(n_right, n_chosen, target) > risk:
            break
        threshold, coverage = thousandths / 1000, n_chosen / n_examples
    return threshold, coverage


def n_needed(target, risk, n_wrong):
    """Least sample that may hold so many wrong choices and still prove the target."""
    n_chosen = n_wrong
    while upper_tail(n_chosen - n_wrong, n_chosen, target) > risk:
        n_chosen += 1
    return n_chosen


def test_conclude_two_levels_by_hand_stops_before_the_worse_one():
    # 100 surest choices all right; the next 50 right only in half of the cases.
    sample = sample_of((0.9, 100, 0), (0.5, 25, 25))
    contract = conclude(sample, target=0.9, confidence=0.95)
    assert upper_tail(100, 100, Fraction(9, 10)) < Fraction(5, 100)
    assert upper_tail(125, 150, Fraction(9, 10)) > Fraction(5, 100)
    assert contract == Contract(0.9, 0.95, 0.501, 100 / 150, 150)


def test_conclude_one_more_wrong_choice_than_the_binomial_tail_bears_gives_no_threshold():
    target, risk = Fraction(9, 10), Fraction(1, 20)
    n_wrong = max(k for k in range(30) if upper_tail(200 - k, 200, target) <= risk)
    kept = conclude(sample_of((0.8, 200 - n_wrong, n_wrong)), target=0.9, confidence=0.95)
    broken = conclude(sample_of((0.8, 199 - n_wrong, n_wrong + 1)), target=0.9, confidence=0.95)
    assert n_wrong == 12
    assert kept.threshold == 0.001
    assert broken.threshold is None
    assert broken.coverage == 0.0


def test_conclude_probability_equal_to_a_threshold_is_covered_by_it():
    sample = sample_of((0.7, 100, 0), (0.699, 0, 100))
    contract = conclude(sample, target=0.9, confidence=0.95)
    assert contract.threshold == 0.7
    assert contract.coverage == 0.5
    assert contract.covers(0.7)
    assert not contract.covers(np.nextafter(0.7, 0))


def test_grid_thresholds_equal_decimal_fractions():
    assert GRID.tolist() == [thousandths / 1000 for thousandths in range(999, 0, -1)]


def test_conclude_order_of_the_sample_changes_nothing():
    sample = sample_of((0.9, 80, 1), (0.6, 70, 4), (0.3, 10, 40))
    order = np.random.default_rng(0).permutation(len(sample.probability))
    shuffled = ContractSample(sample.probability[order], sample.correct[order])
    assert conclude(shuffled, target=0.9, confidence=0.9) == conclude(
        sample, target=0.9, confidence=0.9
    )


def test_conclude_empty_sample_covers_nothing():
    contract = conclude(sample_of(), target=0.9, confidence=0.9)
    assert contract == Contract(0.9, 0.9, None, 0.0, 0)
    assert not contract.covers(1.0)


def test_conclude_all_right_covers_everything():
    contract = conclude(sample_of((0.97, 60, 0), (0.2, 40, 0)), target=0.9, confidence=0.9)
    assert contract.threshold == 0.001
    assert contract.coverage == 1.0


def test_conclude_all_wrong_covers_nothing():
    contract = conclude(sample_of((0.99, 0, 500)), target=0.5, confidence=0.9)
    assert contract.threshold is None


def test_conclude_target_of_one_can_not_be_proved():
    contract = conclude(sample_of((1.0, 5_000, 0)), target=1.0, confidence=0.9)
    assert contract.threshold is None


@pytest.mark.parametrize(("target", "confidence"), [(0.9, 0.9), (0.95, 0.9), (0.8, 0.99)])
def test_conclude_one_example_less_than_needed_gives_no_threshold(target, confidence):
    needed = n_needed(Fraction(str(target)), 1 - Fraction(str(confidence)), TOLERATED)
    enough = conclude(sample_of((0.99, needed, 0)), target=target, confidence=confidence)
    short = conclude(sample_of((0.99, needed - 1, 0)), target=target, confidence=confidence)
    assert enough.threshold == 0.001
    assert short.threshold is None


def test_conclude_two_wrong_among_the_surest_do_not_end_the_search():
    needed = n_needed(Fraction(9, 10), Fraction(1, 10), TOLERATED)
    sample = sample_of((0.999, 0, 2), (0.9, needed - 2, 0))
    assert conclude(sample, target=0.9, confidence=0.9).threshold == 0.001


def test_conclude_surest_choices_below_the_least_coverage_are_not_judged_alone():
    # 60 of 2,000 would be enough to fail the target; all together keep it.
    sample = sample_of((0.99, 30, 30), (0.8, 1_940, 0))
    contract = conclude(sample, target=0.9, confidence=0.9)
    assert contract.threshold == 0.001
    assert contract.coverage == 1.0


def test_conclude_precision_that_recovers_below_a_failure_is_not_looked_for():
    sample = sample_of((0.9, 500, 500), (0.5, 10_000, 0))
    assert conclude(sample, target=0.9, confidence=0.9).threshold is None


def test_conclude_more_is_promised_never_covers_more():
    rng = np.random.default_rng(5)
    probability = rng.random(1_500)
    sample = ContractSample(probability, rng.random(1_500) < probability**0.3)
    coverages = [
        conclude(sample, target=target, confidence=0.9).coverage for target in (0.7, 0.8, 0.9, 0.95)
    ]
    assert coverages == sorted(coverages, reverse=True)
    assert coverages[0] > coverages[-1]


CHOICES = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0005, 0.2, 0.333333, 0.5, 0.801, 0.9, 0.999, 1.0]),
        st.integers(0, 25),
        st.integers(0, 3),
    ),
    max_size=6,
)


@settings(max_examples=40, deadline=None)  # fractions of large numbers are slow
@given(CHOICES, st.sampled_from([0.5, 0.8, 0.9]), st.sampled_from([0.8, 0.9, 0.95]))
def test_conclude_any_sample_equals_the_search_in_fractions(choices, target, confidence):
    sample = sample_of(*choices)
    contract = conclude(sample, target=target, confidence=confidence)
    assert (contract.threshold, contract.coverage) == concluded_by_hand(sample, target, confidence)
