from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from models.hierarchy import Chain, Hierarchy, Link, enterprise_shares, level_down
from models.prediction import LEVELS

WEIGHTS = st.floats(0.05, 20)
MARGINS = st.floats(-3, 3)


@st.composite
def distributions(draw):
    """Probabilities with ties and zeros among them, and the entry to put first."""
    parts = draw(st.lists(st.integers(0, 6), min_size=1, max_size=12).filter(any))
    probabilities = np.array(parts) / sum(parts)
    return probabilities, draw(st.integers(0, len(parts) - 1))


@st.composite
def chains(draw):
    """A chain with weights, and margins of a few texts; every category has a topic."""
    n_categories = draw(st.integers(1, 5))
    more = draw(st.lists(st.integers(0, n_categories - 1), max_size=8))
    parents = draw(st.permutations([*range(n_categories), *more]))
    n_texts = draw(st.integers(1, 4))
    # Few different margins, so that ties are common.
    few = st.sampled_from(draw(st.lists(MARGINS, min_size=1, max_size=4)))
    return (
        Chain(np.array(parents), draw(WEIGHTS), draw(WEIGHTS), draw(WEIGHTS)),
        draw(arrays(float, (n_texts, n_categories), elements=few)),
        draw(arrays(float, (n_texts, len(parents)), elements=few)),
    )


def chain_of(parents):
    return Chain(np.array(parents), 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("probabilities", "chosen", "levelled"),
    [
        ([0.2, 0.5, 0.3], 0, [0.35, 0.35, 0.3]),
        ([0.25, 0.4, 0.35], 0, [1 / 3, 1 / 3, 1 / 3]),
        ([0.1, 0.45, 0.4, 0.05], 0, [0.95 / 3, 0.95 / 3, 0.95 / 3, 0.05]),
        ([0.0, 1.0], 0, [0.5, 0.5]),
        ([0.0, 0.6, 0.4], 0, [1 / 3, 1 / 3, 1 / 3]),
        ([0.5, 0.5], 1, [0.5, 0.5]),
        ([0.1, 0.6, 0.3], 1, [0.1, 0.6, 0.3]),
        ([1.0], 0, [1.0]),
    ],
)
def test_level_down_by_hand_moves_the_least_mass(probabilities, chosen, levelled):
    assert level_down(np.array(probabilities), chosen) == pytest.approx(levelled, abs=1e-8)


@given(distributions())
def test_level_down_any_distribution_puts_the_chosen_strictly_first(case):
    probabilities, chosen = case
    levelled = level_down(probabilities, chosen)
    assert levelled.sum() == pytest.approx(1, abs=1e-12)
    assert (np.delete(levelled, chosen) < levelled[chosen]).all()


@given(distributions())
def test_level_down_any_distribution_changes_only_what_stood_above_the_level(case):
    probabilities, chosen = case
    levelled = level_down(probabilities, chosen)
    level = levelled[chosen]
    assert level >= probabilities[chosen] - 1e-12
    others, before = np.delete(levelled, chosen), np.delete(probabilities, chosen)
    below = before < level * (1 - 1e-6)
    assert (others[below] == before[below]).all()
    # Least change: whoever was cut stands at the level, so nothing was cut further than needed.
    assert others[~below] == pytest.approx(np.full((~below).sum(), level), rel=2e-6)


@given(distributions())
def test_level_down_any_distribution_leaves_its_argument_alone(case):
    probabilities, chosen = case
    before = probabilities.copy()
    level_down(probabilities, chosen)
    assert (probabilities == before).all()


@given(chains())
def test_chain_any_margins_give_categories_that_are_sums_of_their_topics(case):
    chain, category_margins, topic_margins = case
    categories, topics = chain.probabilities(category_margins, topic_margins)
    assert topics.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert (topics >= 0).all()
    for category in range(categories.shape[1]):
        of_category = topics[:, chain.parents == category].sum(axis=1)
        assert categories[:, category] == pytest.approx(of_category, abs=1e-9)


@given(chains())
def test_chain_any_margins_give_a_first_topic_in_the_first_category(case):
    chain, category_margins, topic_margins = case
    categories, topics = chain.probabilities(category_margins, topic_margins)
    assert (chain.parents[topics.argmax(axis=1)] == categories.argmax(axis=1)).all()


@given(chains())
def test_chain_any_margins_answer_one_text_as_among_others(case):
    chain, category_margins, topic_margins = case
    categories, topics = chain.probabilities(category_margins, topic_margins)
    for row in range(len(topics)):
        alone = chain.probabilities(category_margins[[row]], topic_margins[[row]])
        assert (alone[0][0] == categories[row]).all()
        assert (alone[1][0] == topics[row]).all()


def test_chain_many_topics_a_category_answers_one_text_as_among_others():
    # Sums over more than eight numbers depend on how they lie in memory.
    rng = np.random.default_rng(0)
    parents = np.arange(60) % 3
    chain = Chain(parents, 3.0, 2.0, 4.0)
    category_margins, topic_margins = rng.normal(size=(50, 3)), rng.normal(size=(50, 60))
    _, topics = chain.probabilities(category_margins, topic_margins)
    for row in range(50):
        alone = chain.probabilities(category_margins[[row]], topic_margins[[row]])[1]
        assert (alone[0] == topics[row]).all()


def test_chain_by_hand_pools_category_margin_with_best_topic_margin():
    chain = Chain(np.array([0, 0, 1]), category_weight=2.0, best_topic_weight=3.0, topic_weight=4.0)
    categories, topics = chain.probabilities(np.array([[0.5, 0.1]]), np.array([[0.2, -0.3, 0.0]]))
    expected = softmax([2 * 0.5 + 3 * 0.2, 2 * 0.1 + 3 * 0.0])
    within = softmax([4 * 0.2, 4 * -0.3])
    assert categories[0] == pytest.approx(expected)
    assert topics[0] == pytest.approx(
        [expected[0] * within[0], expected[0] * within[1], expected[1]]
    )


def test_chain_first_topic_outside_first_category_moves_the_least_mass():
    # Category 0 has 0.6 in four equal topics, category 1 has 0.4 in one.
    chain = chain_of([0, 0, 0, 0, 1])
    category_margins = np.log([[0.6, 0.4]])
    categories, topics = chain.probabilities(category_margins, np.zeros((1, 5)))
    assert categories[0] == pytest.approx([0.5, 0.5], abs=1e-8)
    assert categories[0, 1] > categories[0, 0]
    assert topics[0] == pytest.approx([0.125] * 4 + [0.5], abs=1e-8)


def test_chain_equal_topics_of_equal_categories_agree_on_the_first():
    categories, topics = chain_of([1, 0]).probabilities(np.zeros((1, 2)), np.zeros((1, 2)))
    assert categories[0].argmax() == 1
    assert topics[0].argmax() == 0
    assert categories[0] == pytest.approx([0.5, 0.5], abs=1e-8)


def test_chain_one_category_is_certain():
    categories, topics = chain_of([0, 0]).probabilities(np.zeros((1, 1)), np.array([[1.0, 0.0]]))
    assert categories.tolist() == [[pytest.approx(1)]]
    assert topics[0] == pytest.approx(softmax([1.0, 0.0]))


def test_chain_one_topic_a_category_gives_both_levels_the_same_probabilities():
    categories, topics = chain_of([1, 0]).probabilities(
        np.array([[0.3, 0.1]]), np.array([[-1.0, 2.0]])
    )
    assert topics[0] == pytest.approx(categories[0][[1, 0]])


def test_enterprise_shares_by_hand_begin_with_three_examples_of_the_overall_shares():
    shares = enterprise_shares(np.array([0, 0, 1]), np.array([0, 0, 1]), (2, 2))
    overall = np.array([3 / 5, 2 / 5])  # (2 + 1) and (1 + 1) of 3 + 2
    assert shares[0] == pytest.approx((np.array([2, 0]) + 3 * overall) / 5)
    assert shares[1] == pytest.approx((np.array([0, 1]) + 3 * overall) / 4)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=20),
)
def test_enterprise_shares_any_counts_are_positive_and_sum_to_one(pairs):
    topics, enterprises = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    shares = enterprise_shares(topics, enterprises, (4, 6))
    assert (shares > 0).all()
    assert shares.sum(axis=1) == pytest.approx(1)


def test_link_without_weight_of_shares_is_the_softmax_of_the_head():
    link = Link(np.array([[0.9, 0.1]]), head_weight=2.0, shares_weight=0.0)
    margins = np.array([[0.3, 0.5]])
    log_shares = link.log_shares(np.array([[1.0]]))
    assert np.exp(link.log_probabilities(margins, log_shares)) == pytest.approx(
        softmax(2 * margins, axis=1)
    )


def test_link_without_weight_of_the_head_is_the_expected_share():
    link = Link(np.array([[0.9, 0.1], [0.2, 0.8]]), head_weight=0.0, shares_weight=1.0)
    log_shares = link.log_shares(np.array([[0.25, 0.75]]))
    probabilities = np.exp(link.log_probabilities(np.array([[5.0, -5.0]]), log_shares))
    assert probabilities[0] == pytest.approx([0.25 * 0.9 + 0.75 * 0.2, 0.25 * 0.1 + 0.75 * 0.8])


def test_link_many_texts_answer_as_one_by_one():
    rng = np.random.default_rng(0)
    link = Link(rng.dirichlet(np.ones(300), size=80))
    topics = rng.dirichlet(np.ones(80), size=100)
    together = link.log_shares(topics)
    assert all((link.log_shares(topics[[row]])[0] == together[row]).all() for row in range(100))


SUBSETS = [levels for size in (1, 2, 3) for levels in combinations(LEVELS, size)]


@pytest.mark.parametrize("levels", SUBSETS, ids="-".join)
def test_hierarchy_any_subset_of_levels_gives_distributions(levels):
    sizes = {"category": 2, "topic": 4, "enterprise": 3}
    chain = chain_of([0, 0, 1, 1]) if {"category", "topic"} <= set(levels) else None
    shares = np.full((4, 3), 1 / 3)
    link = Link(shares) if {"topic", "enterprise"} <= set(levels) else None
    linked = ({"category", "topic"} if chain else set()) | ({"enterprise"} if link else set())
    rng = np.random.default_rng(0)
    margins = {level: rng.normal(size=(5, sizes[level])) for level in levels}
    hierarchy = Hierarchy(chain, link, {level: 2.0 for level in levels if level not in linked})
    found = hierarchy.probabilities(margins)
    assert found.keys() == set(levels)
    for level, probabilities in found.items():
        assert probabilities.shape == (5, sizes[level])
        assert probabilities.sum(axis=1) == pytest.approx(1)
        if level not in linked:
            assert probabilities == pytest.approx(softmax(2 * margins[level], axis=1))
