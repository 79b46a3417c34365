import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from models.rowwise import best_columns, log_softmax, multiply, softmax

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 300), st.integers(0, 2**32 - 1))


def _rows(n_rows, n_columns, seed):
    return np.random.default_rng(seed).normal(scale=4.0, size=(n_rows, n_columns))


@given(SHAPES)
def test_rows_alone_and_among_others_are_the_same_to_the_last_bit(shape):
    rows = _rows(*shape)
    matrix = _rows(shape[1], 7, shape[2] + 1)
    for function in (log_softmax, softmax, lambda some: multiply(some, matrix)):
        together = function(rows)
        alone = np.vstack([function(rows[[place]]) for place in range(len(rows))])
        assert np.array_equal(together, alone)


@given(SHAPES)
def test_softmax_equals_scipy(shape):
    rows = _rows(*shape)
    assert softmax(rows) == pytest.approx(special.softmax(rows, axis=1), abs=1e-14)
    assert log_softmax(rows) == pytest.approx(special.log_softmax(rows, axis=1), abs=1e-12)


def test_multiply_equals_numpy_with_rows_of_zeros_and_without_rows():
    rows = np.vstack([_rows(3, 5, 0), np.zeros((1, 5))])
    matrix = _rows(5, 2, 1)
    assert multiply(rows, matrix) == pytest.approx(rows @ matrix)
    assert multiply(rows[:0], matrix).shape == (0, 2)


@given(SHAPES, st.integers(1, 6))
def test_best_columns_equals_a_stable_sort_with_ties(shape, size):
    rows = _rows(*shape).round()
    assert np.array_equal(
        best_columns(rows, size), np.argsort(-rows, axis=1, kind="stable")[:, :size]
    )


def test_best_columns_leaves_the_values_as_they_are():
    rows = _rows(2, 9, 0)
    before = rows.copy()
    best_columns(rows, 3)
    assert np.array_equal(rows, before)
