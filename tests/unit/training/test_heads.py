from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from training import heads as module
from training.heads import (
    ABSENT_MARGIN,
    OutOfFold,
    Task,
    fit_apart,
    fit_heads,
    fit_out_of_fold,
)
from training.splits import folds
from triage.progress import Silent

N_ROWS = 30


def labels(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


@pytest.fixture
def matrix() -> sparse.csr_matrix:
    """Rows of which each third lies along its own axis."""
    return sparse.csr_matrix(np.eye(3, dtype=np.float32)[np.arange(N_ROWS) % 3])


@pytest.fixture
def task() -> Task:
    return Task("topic", np.array(["а", "б", "в"], dtype=object)[np.arange(N_ROWS) % 3])


def splits_of(n_rows: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return folds(np.arange(n_rows), seed=0)


def test_task_rows_and_columns_pass_over_what_is_missing_or_unknown() -> None:
    task = Task("topic", labels("б", None, "а", "г"))
    assert task.rows.tolist() == [0, 2, 3]
    assert task.columns(["а", "б"]).tolist() == [1, -1, 0, -1]
    assert task.at(np.array([3, 1])).labels.tolist() == ["г", None]


def test_fit_heads_learns_rows_with_a_label_only(matrix: sparse.csr_matrix, task: Task) -> None:
    part = Task("enterprise", labels(*(["x", None, "y"] * (N_ROWS // 3))))
    heads = fit_heads(matrix, [task, part], seed=0, progress=Silent())
    assert heads["topic"].classes == ("а", "б", "в")
    assert heads["enterprise"].classes == ("x", "y")
    chosen = heads["topic"].margins(matrix).argmax(axis=1)
    assert (chosen == np.arange(N_ROWS) % 3).all()


def test_fit_out_of_fold_rows_are_each_held_out_once(matrix: sparse.csr_matrix, task: Task) -> None:
    heads = fit_heads(matrix, [task], seed=0, progress=Silent())
    found = fit_out_of_fold(matrix, [task], heads, splits_of(N_ROWS), seed=0, progress=Silent())
    assert sorted(found.rows) == list(range(N_ROWS))
    assert (found.stacked("topic").argmax(axis=1) == found.rows % 3).all()


def test_fit_out_of_fold_class_unseen_in_a_fold_has_the_absent_margin(
    matrix: sparse.csr_matrix,
) -> None:
    values = ["а", "б", "б"] * (N_ROWS // 3)
    values[4] = "один раз"
    task = Task("topic", labels(*values))
    heads = fit_heads(matrix, [task], seed=0, progress=Silent())
    found = fit_out_of_fold(matrix, [task], heads, splits_of(N_ROWS), seed=0, progress=Silent())
    column = heads["topic"].classes.index("один раз")
    for (_, held_out), margins in zip(found.splits, found.margins["topic"], strict=True):
        is_absent = (margins[:, column] == ABSENT_MARGIN).all()
        assert is_absent == (4 in held_out)


def test_fit_out_of_fold_margins_never_come_from_the_rows_own_label(
    matrix: sparse.csr_matrix, task: Task
) -> None:
    # Every row has a feature of its own, by which a head that saw it would know its label.
    own = sparse.hstack([matrix * 0.01, sparse.eye(N_ROWS)], format="csr", dtype=np.float32)
    shuffled = Task("topic", np.random.default_rng(0).permutation(task.labels))
    heads = fit_heads(own, [shuffled], seed=0, progress=Silent())
    columns = shuffled.columns(heads["topic"].classes)
    assert (heads["topic"].margins(own).argmax(axis=1) == columns).all()
    found = fit_out_of_fold(own, [shuffled], heads, splits_of(N_ROWS), seed=0, progress=Silent())
    right = found.stacked("topic").argmax(axis=1) == columns[found.rows]
    assert right.mean() < 0.7


def test_fit_apart_never_sees_what_is_held_out(matrix: sparse.csr_matrix, task: Task) -> None:
    held_out = [np.arange(5), np.arange(5, 10)]
    splits = [(np.arange(10, N_ROWS), part) for part in held_out]
    wrong = task.labels.copy()
    wrong[:10] = "другое"
    heads, found = fit_apart(matrix, [Task("topic", wrong)], splits, seed=0, progress=Silent())
    assert heads["topic"].classes == ("а", "б", "в")
    assert found.rows.tolist() == list(range(10))
    assert (found.stacked("topic").argmax(axis=1) == found.rows % 3).all()


def test_fit_out_of_fold_of_a_head_in_parts_is_that_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CLASSES_A_PART", 2)
    rng = np.random.default_rng(3)
    columns = rng.integers(0, 5, 80)
    columns[7] = 5  # comes once: its fold's head has no such class
    task = Task("topic", np.array(list("абвгде"), dtype=object)[columns])
    noisy = np.eye(6)[columns] + rng.normal(0, 0.3, (80, 6))
    matrix = sparse.csr_matrix(noisy.astype(np.float32))
    found, whole = {}, {}
    for n_rows, into in ((40, found), (1_000, whole)):
        monkeypatch.setattr(module, "MANY_ROWS", n_rows)
        heads = fit_heads(matrix, [task], seed=0, progress=Silent())
        into["heads"] = heads["topic"]
        into["folds"] = fit_out_of_fold(
            matrix, [task], heads, splits_of(80), seed=0, progress=Silent()
        ).stacked("topic")
    assert found["heads"].classes == whole["heads"].classes == tuple("абвгде")
    assert found["heads"].coef == pytest.approx(whole["heads"].coef, abs=0.02)
    assert found["folds"] == pytest.approx(whole["folds"], abs=0.1)


def test_out_of_fold_part_keeps_margins_with_their_rows() -> None:
    rows = [np.array([0, 1]), np.array([2]), np.array([3, 4])]
    whole = OutOfFold(
        [(np.arange(0), held_out) for held_out in rows],
        {"topic": [held_out[:, None].astype(float) for held_out in rows]},
    )
    part = whole.part([2, 0])
    assert part.rows.tolist() == [3, 4, 0, 1]
    assert part.stacked("topic").ravel().tolist() == [3, 4, 0, 1]


def test_out_of_fold_without_folds_has_no_rows() -> None:
    assert OutOfFold([], {"topic": []}).rows.tolist() == []


def test_fit_heads_weights_settle_what_contradicts_itself() -> None:
    matrix = sparse.csr_matrix(np.ones((4, 1), dtype=np.float32))
    contradicting = labels("а", "а", "б", "б")
    chosen = []
    for weights in ([1, 1, 0.1, 0.1], [0.1, 0.1, 1, 1]):
        task = Task("topic", contradicting, np.array(weights, dtype=np.float64))
        head = fit_heads(matrix, [task], seed=0, progress=Silent())["topic"]
        chosen.append(head.classes[int(head.margins(matrix[:1]).argmax())])
    assert chosen == ["а", "б"]


def test_fit_heads_equal_weights_are_as_none() -> None:
    matrix = sparse.csr_matrix(np.eye(6, dtype=np.float32))
    plain = Task("topic", labels("а", "б", "в", "а", "б", "в"))
    weighted = Task("topic", plain.labels, np.ones(6))
    heads = [
        fit_heads(matrix, [task], seed=0, progress=Silent())["topic"] for task in (plain, weighted)
    ]
    assert np.array_equal(heads[0].coef, heads[1].coef)
    assert weighted.at(np.array([0, 2])).weights is not None
