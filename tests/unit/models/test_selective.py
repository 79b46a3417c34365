from fractions import Fraction
from math import comb

import numpy as np
import pytest
from contract_samples import sample_of
from hypothesis import given, settings
from hypothesis import strategies as st

from models.prediction import Candidate, Distribution, Prediction
from models.selective import (
    GRID,
    MIN_COVERAGE,
    MIN_PART,
    NO_PART,
    NO_SAMPLE,
    TOLERATED,
    Contract,
    ContractSample,
    Part,
    certainty,
    conclude,
    contract_probability,
    goes_unseen,
    partition,
)


def choices_of(*choices):
    """Choices of equal probability and correctness as (probability, n_right, n_wrong)."""
    probability = [p for p, right, wrong in choices for _ in range(right + wrong)]
    correct = [done for _, right, wrong in choices for done in [True] * right + [False] * wrong]
    return sample_of(probability, correct)


def only_part(sample, *, target, confidence):
    [part] = conclude(sample, target=target, confidence=confidence).parts
    return part


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
    for candidate in GRID.tolist():
        chosen = sample.probability >= candidate
        n_chosen, n_right = int(chosen.sum()), int(sample.correct[chosen].sum())
        if n_chosen < MIN_COVERAGE * n_examples:
            continue
        if upper_tail(n_chosen - TOLERATED, n_chosen, target) > risk:
            continue
        if upper_tail(n_right, n_chosen, target) > risk:
            break
        threshold, coverage = candidate, n_chosen / n_examples
    return threshold, coverage


def n_needed(target, risk, n_wrong):
    """Least sample that may hold so many wrong choices and still prove the target."""
    n_chosen = n_wrong
    while upper_tail(n_chosen - n_wrong, n_chosen, target) > risk:
        n_chosen += 1
    return n_chosen


def test_conclude_two_levels_by_hand_stops_before_the_worse_one():
    # 200 surest choices all right; the next 100 right only in half of the cases.
    sample = choices_of((0.9, 200, 0), (0.5, 50, 50))
    part = only_part(sample, target=0.9, confidence=0.95)
    assert upper_tail(200, 200, Fraction(9, 10)) < Fraction(5, 100)
    assert upper_tail(250, 300, Fraction(9, 10)) > Fraction(5, 100)
    assert part == Part(None, None, float(GRID[GRID > 0.5].min()), 200 / 300, 300)


def test_conclude_one_more_wrong_choice_than_the_binomial_tail_bears_gives_no_threshold():
    target, risk = Fraction(9, 10), Fraction(1, 20)
    n_wrong = max(k for k in range(30) if upper_tail(200 - k, 200, target) <= risk)
    kept = only_part(choices_of((0.8, 200 - n_wrong, n_wrong)), target=0.9, confidence=0.95)
    broken = only_part(choices_of((0.8, 199 - n_wrong, n_wrong + 1)), target=0.9, confidence=0.95)
    assert n_wrong == 12
    assert kept.threshold == 0.0
    assert broken.threshold is None
    assert broken.coverage == 0.0


def test_conclude_probability_equal_to_a_threshold_is_covered_by_it():
    edge = float(GRID[60])
    sample = choices_of((edge, 200, 0), (np.nextafter(edge, 0), 0, 200))
    part = only_part(sample, target=0.9, confidence=0.95)
    assert part.threshold == edge
    assert part.coverage == 0.5
    assert part.covers(edge)
    assert not part.covers(np.nextafter(edge, 0))


def test_grid_is_even_in_log_odds_down_to_nothing():
    log_odds = np.log(GRID[:-1] / (1 - GRID[:-1]))
    assert np.diff(log_odds) == pytest.approx(-0.1, abs=0.01)
    assert GRID[0] > 0.9998
    assert GRID[-2] < 0.0011
    assert GRID[-1] == 0.0


def test_conclude_order_of_the_sample_changes_nothing():
    sample = choices_of((0.9, 180, 1), (0.6, 170, 4), (0.3, 10, 40))
    shuffled = sample.at(np.random.default_rng(0).permutation(len(sample.probability)))
    assert conclude(shuffled, target=0.9, confidence=0.9) == conclude(
        sample, target=0.9, confidence=0.9
    )


def test_conclude_empty_sample_covers_nothing():
    contract = conclude(NO_SAMPLE, target=0.9, confidence=0.9)
    assert contract == Contract(0.9, 0.9, (), frozenset())
    assert (contract.coverage, contract.n_examples) == (0.0, 0)
    assert not contract.covers(1.0, "ru", "a")


def test_conclude_all_right_covers_everything():
    part = only_part(choices_of((0.97, 60, 0), (0.0, 60, 0)), target=0.9, confidence=0.9)
    assert (part.threshold, part.coverage) == (0.0, 1.0)
    assert part.covers(0.0)


def test_conclude_all_wrong_covers_nothing():
    assert only_part(choices_of((0.99, 0, 500)), target=0.5, confidence=0.9).threshold is None


def test_conclude_target_of_one_can_not_be_proved():
    assert only_part(choices_of((1.0, 5_000, 0)), target=1.0, confidence=0.9).threshold is None


@pytest.mark.parametrize(("target", "confidence"), [(0.9, 0.9), (0.95, 0.9), (0.8, 0.99)])
def test_conclude_one_example_less_than_needed_gives_no_threshold(target, confidence):
    needed = n_needed(Fraction(str(target)), 1 - Fraction(str(confidence)), TOLERATED)
    enough = only_part(choices_of((0.99, needed, 0)), target=target, confidence=confidence)
    short = only_part(choices_of((0.99, needed - 1, 0)), target=target, confidence=confidence)
    assert enough.threshold == 0.0
    assert short.threshold is None


def test_conclude_a_few_wrong_among_the_surest_do_not_end_the_search():
    needed = n_needed(Fraction(9, 10), Fraction(1, 10), TOLERATED)
    sample = choices_of((0.999, 0, TOLERATED), (0.9, needed - TOLERATED, 0))
    assert only_part(sample, target=0.9, confidence=0.9).threshold == 0.0


def test_conclude_surest_choices_below_the_least_coverage_are_not_judged_alone():
    # 150 of 2,000 would be enough to fail the target; all together keep it.
    sample = choices_of((0.99, 75, 75), (0.8, 1_850, 0))
    part = only_part(sample, target=0.9, confidence=0.9)
    assert (part.threshold, part.coverage) == (0.0, 1.0)


def test_conclude_precision_that_recovers_below_a_failure_is_not_looked_for():
    sample = choices_of((0.9, 500, 500), (0.5, 8_000, 0))
    assert only_part(sample, target=0.9, confidence=0.9).threshold is None


def test_conclude_more_is_promised_never_covers_more():
    rng = np.random.default_rng(5)
    probability = rng.random(1_500)
    sample = sample_of(probability, rng.random(1_500) < probability**0.3)
    coverages = [
        conclude(sample, target=target, confidence=0.9).coverage for target in (0.7, 0.8, 0.9, 0.95)
    ]
    assert coverages == sorted(coverages, reverse=True)
    assert coverages[0] > coverages[-1]


CHOICES = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0005, 0.2, 0.333333, 0.5, 0.801, 0.9, 0.999, 1.0]),
        st.integers(0, 40),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
).filter(lambda choices: any(right + wrong for _, right, wrong in choices))


@settings(max_examples=40, deadline=None)  # fractions of large numbers are slow
@given(CHOICES, st.sampled_from([0.5, 0.8, 0.9]), st.sampled_from([0.8, 0.9, 0.95]))
def test_conclude_any_sample_equals_the_search_in_fractions(choices, target, confidence):
    sample = choices_of(*choices)
    part = only_part(sample, target=target, confidence=confidence)
    assert (part.threshold, part.coverage) == concluded_by_hand(sample, target, confidence)


def named(**counts):
    """A sample of right choices, so many for each `language_group`."""
    names = [name.split("_") for name, count in counts.items() for _ in range(count)]
    languages, groups = zip(*names, strict=True)
    return sample_of(np.full(len(names), 0.9), np.ones(len(names)), languages, groups)


M = MIN_PART
PARTITIONS = {
    "too few for any part": (named(ru_a=M - 1), [(None, None)]),
    "one language": (named(ru_a=M), [("ru", "a")]),
    "one language, small groups": (named(ru_a=M - 1, ru_b=M - 1), [("ru", None)]),
    "a group and what is left": (named(ru_a=M, ru_b=M - 1, ru_c=1), [("ru", "a"), ("ru", None)]),
    "too little left, the group joins it": (named(ru_a=M, ru_b=M - 1), [("ru", None)]),
    "too little left, the smallest group joins it": (
        named(ru_a=M + 1, ru_b=M, ru_c=1),
        [("ru", "a"), ("ru", None)],
    ),
    "small languages pool": (
        named(ru_a=M, kk_a=M - 1, mixed_b=1),
        [("ru", "a"), (None, None)],
    ),
    "small languages pool by group": (
        named(ru_b=M, kk_a=M - 1, mixed_a=M - 1),
        [("ru", "b"), (None, "a")],
    ),
    "a language joins what is too little": (
        named(ru_a=M + 1, kk_b=M, mixed_c=1),
        [("ru", "a"), (None, None)],
    ),
}


@pytest.mark.parametrize(("sample", "keys"), PARTITIONS.values(), ids=PARTITIONS)
def test_partition_of_counts(sample, keys):
    assert list(partition(sample)) == keys
    assert np.sum(list(partition(sample).values()), axis=0).tolist() == [1] * len(sample.correct)
    contract = conclude(sample, target=0.8, confidence=0.9)
    assert [(part.language, part.group) for part in contract.parts] == keys
    assert contract.n_examples == len(sample.correct)


def test_partition_what_was_right_changes_nothing():
    sample = named(ru_a=M, ru_b=M - 1, kk_a=M, kk_c=3)
    wrong = ContractSample(**{**vars(sample), "correct": ~sample.correct})
    assert list(partition(wrong)) == list(partition(sample))


def test_conclude_parts_have_thresholds_of_their_own_and_share_the_risk():
    surest = {"ru": choices_of((0.9, 1_000, 0), (0.5, 600, 400)), "kk": choices_of((0.9, 950, 50))}
    sample = ContractSample.joined(
        sample_of(part.probability, part.correct, language) for language, part in surest.items()
    )
    contract = conclude(sample, target=0.93, confidence=0.9)
    alone = {
        language: only_part(part, target=0.93, confidence=0.95) for language, part in surest.items()
    }
    assert [(part.language, part.threshold, part.coverage) for part in contract.parts] == [
        (language, alone[language].threshold, alone[language].coverage) for language in ("kk", "ru")
    ]
    assert contract.part("ru", "a").coverage == 0.5
    assert contract.coverage == pytest.approx(2_000 / 3_000)


RISKY = Part("ru", "a", 0.7, 0.5, 100)
RUSSIAN = Part("ru", None, 0.8, 0.5, 100)
REST_OF_A = Part(None, "a", 0.6, 0.5, 100)
CONTRACT = Contract(0.9, 0.9, (RISKY, RUSSIAN, REST_OF_A), frozenset({"ru", "kk"}))


@pytest.mark.parametrize(
    ("language", "group", "part"),
    [
        ("ru", "a", RISKY),
        ("ru", "never seen", RUSSIAN),
        ("kk", "a", REST_OF_A),
        ("kk", "never seen", NO_PART),
        ("mixed", "a", NO_PART),
    ],
)
def test_contract_part_of_a_choice(language, group, part):
    assert CONTRACT.part(language, group) == part
    covered = [CONTRACT.covers(p, language, group) for p in (0.59, 0.6, 0.7, 0.8, 1.0)]
    assert covered == [part.covers(p) for p in (0.59, 0.6, 0.7, 0.8, 1.0)]


def test_sample_joined_keeps_every_column():
    one, two = named(ru_a=2), named(kk_b=1)
    joined = ContractSample.joined([one, two])
    assert joined.language.tolist() == ["ru", "ru", "kk"]
    assert joined.group.tolist() == ["a", "a", "b"]
    assert all(len(values) == 3 for values in vars(joined).values())


def test_certainty_of_one_class_is_full():
    assert certainty(np.ones((2, 1))).tolist() == [1.0, 1.0]


def test_contract_probability_of_an_enterprise_counts_what_routing_left_out():
    left = np.array([[0.15, 0.0, 0.05]])
    assert contract_probability("enterprise", left).tolist() == [0.15]
    assert contract_probability("topic", left).tolist() == [pytest.approx(0.75)]


def predict(**levels):
    return Prediction(
        language="ru",
        levels={
            level: tuple(Candidate(*one) for one in sorted(found.items(), key=lambda x: -x[1]))
            for level, found in levels.items()
        },
        urgency=None,
        evidence=1.0,
        distributions={
            level: Distribution(tuple(found), np.array(list(found.values())))
            for level, found in levels.items()
        },
    )


@pytest.mark.parametrize(
    ("level", "levels", "is_unseen"),
    [
        ("category", {"category": {"a": 0.72, "b": 0.28}}, True),
        ("category", {"category": {"a": 0.35, "b": 0.14, "c": 0.51}}, False),
        ("topic", {"category": {"a": 1.0}, "topic": {"a.1": 0.72, "b.1": 0.28}}, True),
        ("topic", {"category": {"b": 1.0}, "topic": {"b.1": 0.72, "a.1": 0.28}}, False),
        ("topic", {"topic": {"a": 0.72, "b": 0.28}}, True),
        ("enterprise", {"category": {"b": 1.0}, "enterprise": {"a": 0.7, "b": 0.3}}, True),
        ("enterprise", {"enterprise": {"a": 0.69, "b": 0.01}}, False),
        ("topic", {"category": {"a": 1.0}}, False),
    ],
)
def test_goes_unseen_by_the_part_of_the_chosen_group(level, levels, is_unseen):
    assert goes_unseen(CONTRACT, level, predict(**levels)) is is_unseen
