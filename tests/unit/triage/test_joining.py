"""Rules and history as one probability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.joining import Join


def shares(n: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(0, 1), min_size=n, max_size=n)


@given(
    st.integers(1, 5).flatmap(lambda n: st.tuples(shares(n), shares(n))),
    st.floats(0, 3),
    st.floats(0, 3),
    st.floats(0, 1),
)
def test_probabilities_rows_sum_to_one(
    both: tuple[list[float], list[float]], model: float, rules: float, share: float
) -> None:
    joint = Join(model, rules, share).probabilities(np.array([both[0]]), np.array([both[1]]))
    assert joint.sum(axis=1) == pytest.approx(1)
    assert (joint >= 0).all()


def test_probabilities_by_default_rules_come_before_history() -> None:
    joint = Join().probabilities(np.array([0.999, 0.001, 0.0]), np.array([0.0, 0.3, 0.7]))
    assert joint.argsort().tolist() == [0, 1, 2]
    # One in a hundred is left to history.
    assert joint == pytest.approx([0.00999, 0.29701, 0.693], abs=1e-5)


def test_probabilities_two_enterprises_by_hand() -> None:
    # Mixed: 0.9 x (1, 0) + 0.1 x (0.2, 0.8) = (0.92, 0.08).
    joint = Join(0.5, 2.0, 0.1).probabilities(np.array([0.2, 0.8]), np.array([1.0, 0.0]))
    first, second = 0.2**0.5 * 0.92**2, 0.8**0.5 * 0.08**2
    assert joint == pytest.approx([first / (first + second), second / (first + second)])


def test_probabilities_history_alone_is_left_where_its_weight_is_one() -> None:
    model = np.array([0.7, 0.2, 0.1])
    joint = Join(1.0, 0.0, 0.01).probabilities(model, np.array([0.0, 0.0, 1.0]))
    assert joint == pytest.approx(model)


def test_probabilities_enterprise_that_nobody_names_gets_next_to_nothing() -> None:
    joint = Join().probabilities(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert joint[0] == pytest.approx(1e-9)


def test_probabilities_rows_do_not_touch_each_other() -> None:
    model, rules = np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.5, 0.5]])
    join = Join(0.5, 2.0, 0.1)
    both = join.probabilities(model, rules)
    for row in range(2):
        assert both[row] == pytest.approx(join.probabilities(model[row], rules[row]))
