import numpy as np
import pytest
from scipy import sparse

from models.classifier import LinearHead, fit_head


def one_hot(columns, n_columns):
    """Return rows with a single 1 in the given columns."""
    rows = np.arange(len(columns))
    return sparse.csr_matrix(
        (np.ones(len(columns), np.float32), (rows, columns)), shape=(len(columns), n_columns)
    )


def answers(head, matrix):
    return [head.classes[column] for column in head.margins(matrix).argmax(axis=1)]


def test_fit_head_one_class_always_answers_it():
    head = fit_head(one_hot([0, 1], 3), ["дороги", "дороги"], seed=0)
    assert head.classes == ("дороги",)
    assert head.margins(one_hot([2, 0], 3)).tolist() == [[0.0], [0.0]]


def test_fit_head_two_classes_have_opposite_margins():
    matrix = one_hot([0, 0, 1, 1], 2)
    head = fit_head(matrix, ["urgent", "urgent", "normal", "normal"], seed=0)
    margins = head.margins(matrix)
    assert head.classes == ("normal", "urgent")
    assert margins[:, 0].tolist() == (-margins[:, 1]).tolist()
    assert answers(head, matrix) == ["urgent", "urgent", "normal", "normal"]


def test_fit_head_many_classes_answers_what_it_was_taught():
    labels = ["б", "в", "а", "б", "в", "а"]
    matrix = one_hot([1, 2, 0, 1, 2, 0], 3)
    head = fit_head(matrix, labels, seed=0)
    assert head.classes == ("а", "б", "в")
    assert answers(head, matrix) == labels


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10])
def test_fit_head_any_number_of_classes_gives_float32_of_matching_shapes(n_classes):
    labels = [f"c{number % n_classes}" for number in range(20)]
    matrix = one_hot([number % n_classes for number in range(20)], 12)
    head = fit_head(matrix, labels, seed=0)
    assert head.coef.shape == (12, n_classes)
    assert head.intercept.shape == (n_classes,)
    assert head.coef.dtype == head.intercept.dtype == np.float32
    assert head.margins(matrix[:3]).shape == (3, n_classes)
    assert head.margins(matrix[:3]).dtype == np.float64


def test_fit_head_class_with_a_single_example_can_be_answered():
    matrix = one_hot([0] * 10 + [1] * 10 + [2], 3)
    labels = ["a"] * 10 + ["b"] * 10 + ["single"]
    head = fit_head(matrix, labels, seed=0)
    assert answers(head, one_hot([2], 3)) == ["single"]


def test_fit_head_hundreds_of_classes_with_one_or_two_examples_are_told_apart():
    numbers = [*range(300), *range(150)]
    labels = [f"osi-{number}" for number in numbers]
    matrix = one_hot(numbers, 300)
    head = fit_head(matrix, labels, seed=0)
    assert head.classes == tuple(sorted(set(labels)))
    assert answers(head, matrix) == labels


def test_fit_head_empty_rows_get_the_intercepts():
    head = fit_head(one_hot([0, 1, 0, 1], 2), ["a", "b", "a", "b"], seed=0)
    assert head.margins(sparse.csr_matrix((1, 2), dtype=np.float32))[0] == pytest.approx(
        head.intercept
    )


def test_fit_head_same_seed_gives_the_same_numbers():
    rng = np.random.default_rng(3)
    matrix = sparse.csr_matrix(rng.random((80, 400), dtype=np.float32))
    labels = [f"c{number}" for number in rng.integers(0, 5, 80)]
    first, second = (fit_head(matrix, labels, seed=11) for _ in range(2))
    assert (first.coef == second.coef).all()
    assert (first.intercept == second.intercept).all()


def test_margins_by_hand_are_products_plus_intercepts():
    head = LinearHead(
        ("a", "b"),
        np.array([[1, 2], [3, 4]], dtype=np.float32),
        np.array([0.5, -0.5], dtype=np.float32),
    )
    matrix = sparse.csr_matrix(np.array([[1, 0], [0.5, 2]], dtype=np.float32))
    assert head.margins(matrix).tolist() == [[1.5, 1.5], [7.0, 8.5]]


def test_margins_no_rows_give_no_rows():
    head = fit_head(one_hot([0, 1], 2), ["a", "b"], seed=0)
    assert head.margins(sparse.csr_matrix((0, 2), dtype=np.float32)).shape == (0, 2)
