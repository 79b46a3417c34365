from dataclasses import replace

import numpy as np
import pytest
from contract_samples import sample_of
from hypothesis import given
from hypothesis import strategies as st

from models.conformal import MIN_CLASS, PredictionSets, conformalize, least_probability


def labelled(**given):
    """A sample of texts with these labels, by the probabilities that the labels were given."""
    labels = [label for label, probabilities in given.items() for _ in probabilities]
    probabilities = np.concatenate(list(given.values()))
    sample = sample_of(probabilities, np.ones(len(labels)))
    return replace(sample, label=np.array(labels))


BY_HAND = [
    # n given probabilities of 1/n, 2/n, ... 1; the rank is ceil((n + 1) * coverage) from the top.
    (9, 0.9, 9, 1 / 9),
    (8, 0.9, 9, 0.0),
    (19, 0.9, 18, 2 / 19),
    (20, 0.9, 19, 2 / 20),
    (99, 0.95, 95, 5 / 99),
    (9, 0.7, 7, 3 / 9),  # 10 * 0.7 is 7, not what floating point makes of it
    (10, 0.5, 6, 5 / 10),
    (1, 0.5, 1, 1.0),
    (0, 0.5, 1, 0.0),
]


@pytest.mark.parametrize(("n", "coverage", "rank", "expected"), BY_HAND)
def test_least_probability_is_the_order_statistic_counted_by_hand(n, coverage, rank, expected):
    given = np.arange(1, n + 1)[::-1] / max(n, 1)
    counted = 0.0 if rank > n else sorted(given, reverse=True)[rank - 1]
    assert least_probability(given, coverage) == counted == pytest.approx(expected)


@given(st.integers(1, 200), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_least_probability_leave_one_out_covers_as_stated(n, coverage):
    # Of n + 1 distinct values each is as likely to be the next one: count over all of them.
    values = np.arange(n + 1.0)
    passed = [values[i] >= least_probability(np.delete(values, i), coverage) for i in range(n + 1)]
    assert np.mean(passed) >= coverage - 1e-12
    assert np.mean(passed) <= coverage + 1 / (n + 1) + 1e-12


def test_least_probability_order_changes_nothing():
    given = np.random.default_rng(0).random(50)
    assert least_probability(given, 0.9) == least_probability(np.sort(given), 0.9)


def test_conformalize_large_classes_have_cut_offs_of_their_own():
    easy, hard = np.linspace(0.6, 1, MIN_CLASS), np.linspace(0.01, 1, MIN_CLASS)
    sets = conformalize(labelled(hard=hard, easy=easy), ("easy", "hard"), coverage=0.9)
    assert sets.least.tolist() == [least_probability(easy, 0.9), least_probability(hard, 0.9)]


def test_conformalize_small_classes_share_what_they_have_together():
    rare = {"b": np.full(MIN_CLASS - 1, 0.3), "c": np.full(MIN_CLASS - 1, 0.1)}
    sample = labelled(a=np.full(MIN_CLASS, 0.9), **rare)
    sets = conformalize(sample, ("a", "b", "c", "never seen"), coverage=0.9)
    pooled = least_probability(np.concatenate(list(rare.values())), 0.9)
    assert sets.least.tolist() == [0.9, pooled, pooled, pooled]


def test_conformalize_too_few_of_small_classes_fall_back_on_all():
    sample = labelled(a=np.full(500, 0.9), b=np.full(MIN_CLASS - 1, 0.1))
    sets = conformalize(sample, ("a", "b"), coverage=0.9)
    assert sets.least.tolist() == [0.9, least_probability(sample.label_probability, 0.9)]
    assert sets.least[1] == 0.9


def test_conformalize_labels_that_no_set_can_have_are_left_out():
    known = labelled(a=np.linspace(0.1, 1, MIN_CLASS))
    both = labelled(a=np.linspace(0.1, 1, MIN_CLASS), gone=np.zeros(MIN_CLASS))
    expected = conformalize(known, ("a", "b"), coverage=0.8)
    assert conformalize(both, ("a", "b"), coverage=0.8).least.tolist() == expected.least.tolist()


SETS = PredictionSets(("a", "b", "c"), np.array([0.5, 0.2, 0.3]))


@pytest.mark.parametrize(
    ("probabilities", "codes"),
    [
        ([0.5, 0.2, 0.3], ("a", "c", "b")),
        ([0.49, 0.21, 0.3], ("a", "c", "b")),  # the most probable class is always there
        ([0.4, 0.2, 0.4], ("a", "c", "b")),
        ([0.1, 0.8, 0.1], ("b",)),
        ([0.4, 0.35, 0.25], ("a", "b")),
        ([0.34, 0.33, 0.33], ("a", "b", "c")),
    ],
)
def test_sets_of_probabilities_best_first(probabilities, codes):
    assert SETS.of(np.array(probabilities)) == codes


@given(st.integers(0, 10_000))
def test_sets_higher_coverage_never_loses_a_class(seed):
    rng = np.random.default_rng(seed)
    sample = labelled(a=rng.random(60), b=rng.random(80), c=rng.random(5))
    probabilities = rng.dirichlet(np.ones(3))
    smaller, larger = (
        set(conformalize(sample, ("a", "b", "c"), coverage=coverage).of(probabilities))
        for coverage in (0.8, 0.95)
    )
    assert smaller <= larger
