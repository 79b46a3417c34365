from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from models import workingset
from models.classifier import LinearHead, fit_head
from models.workingset import fit_classes

N_ROWS, N_FEATURES = 3_000, 12
CLASSES = ("а", "б", "в", "г")


@pytest.fixture(autouse=True)
def _small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let most rows lie outside the first sample, as they do among hundreds of thousands."""
    monkeypatch.setattr(workingset, "MIN_SAMPLED", 200)
    monkeypatch.setattr(workingset, "MAX_SAMPLED", 300)


def rows_of(spread: float) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return rows around an axis for each class, of which the last is rare."""
    rng = np.random.default_rng(0)
    columns = rng.choice(len(CLASSES), N_ROWS, p=[0.5, 0.3, 0.18, 0.02])
    matrix = np.eye(N_FEATURES)[columns] + rng.normal(0, spread, (N_ROWS, N_FEATURES))
    return sparse.csr_matrix(matrix.astype(np.float32)), np.array(CLASSES, dtype=object)[columns]


def fit(
    matrix: sparse.csr_matrix, labels: np.ndarray, weights: np.ndarray | None = None
) -> LinearHead:
    everything = np.arange(len(labels))
    return fit_classes(matrix, everything, labels, CLASSES, seed=0, weights=weights)


@pytest.mark.parametrize("spread", [0.05, 0.4])
def test_fit_classes_separable_or_not_agrees_with_the_fit_on_all_rows(spread: float) -> None:
    matrix, labels = rows_of(spread)
    ours, whole = fit(matrix, labels), fit_head(matrix, labels.tolist(), seed=0)
    assert ours.classes == whole.classes
    assert np.abs(ours.margins(matrix) - whole.margins(matrix)).mean() < 0.01
    same = ours.margins(matrix).argmax(axis=1) == whole.margins(matrix).argmax(axis=1)
    assert same.mean() > 0.995


def test_fit_classes_weights_are_those_of_the_fit_on_all_rows() -> None:
    matrix, labels = rows_of(0.4)
    weights = np.where(labels == "а", 0.05, 1.0)
    ours = fit(matrix, labels, weights)
    whole = fit_head(matrix, labels.tolist(), seed=0, weights=weights)
    unweighted = fit(matrix, labels)
    off = np.abs(ours.margins(matrix) - whole.margins(matrix)).mean()
    assert off < 0.01
    assert np.abs(ours.margins(matrix) - unweighted.margins(matrix)).mean() > 10 * off


def test_fit_classes_part_of_the_classes_is_that_part_of_all() -> None:
    matrix, labels = rows_of(0.4)
    part = fit_classes(matrix, np.arange(N_ROWS), labels, ("б", "г"), seed=0)
    assert part.classes == ("б", "г")
    assert np.array_equal(part.coef, fit(matrix, labels).coef[:, [1, 3]])


def test_fit_classes_on_some_rows_does_not_see_the_others() -> None:
    matrix, labels = rows_of(0.4)
    rows = np.arange(0, N_ROWS, 2)
    half = fit_classes(matrix, rows, labels[rows], CLASSES, seed=0)
    alone = fit(matrix[rows], labels[rows])
    assert np.array_equal(half.coef, alone.coef)


def test_fit_classes_same_seed_gives_the_same_bits() -> None:
    matrix, labels = rows_of(0.4)
    assert np.array_equal(fit(matrix, labels).coef, fit(matrix, labels).coef)


def test_fit_classes_class_without_a_row_is_left_out() -> None:
    matrix, labels = rows_of(0.05)
    rows = np.flatnonzero(labels != "в")
    assert fit(matrix[rows], labels[rows]).classes == ("а", "б", "г")


def test_fit_classes_two_classes_mirror_each_other() -> None:
    matrix, labels = rows_of(0.4)
    rows = np.flatnonzero(np.isin(labels, ["а", "б"]))
    head = fit(matrix[rows], labels[rows])
    assert head.classes == ("а", "б")
    assert head.coef[:, 0] == pytest.approx(-head.coef[:, 1], abs=0.05)


def test_fit_classes_single_class_always_answers_it() -> None:
    matrix, labels = rows_of(0.05)
    head = fit(matrix, np.full(len(labels), "б", dtype=object))
    assert head.classes == ("б",)
    assert not head.coef.any()
