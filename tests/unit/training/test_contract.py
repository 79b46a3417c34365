from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from models.classifier import LinearHead
from training.calibrate import fit_hierarchy, held_out_probabilities
from training.contract import (
    crossed_rows,
    crossed_sample,
    latest_sample,
    out_of_fold_metrics,
)
from training.heads import OutOfFold, Task, fit_heads, fit_out_of_fold
from training.splits import folds
from triage.progress import Silent

N_ROWS = 60
LANGUAGES = np.resize(["ru", "kk"], N_ROWS)


@pytest.fixture
def matrix() -> sparse.csr_matrix:
    generator = np.random.default_rng(0)
    noise = generator.normal(scale=0.2, size=(N_ROWS, 3))
    return sparse.csr_matrix((np.eye(3)[np.arange(N_ROWS) % 3] + noise).astype(np.float32))


@pytest.fixture
def tasks() -> dict[str, Task]:
    names = np.array(["a", "b", "c"], dtype=object)[np.arange(N_ROWS) % 3]
    partly = names.copy()
    partly[::4] = None
    return {"topic": Task("topic", names), "enterprise": Task("enterprise", partly)}


@pytest.fixture
def heads(matrix: sparse.csr_matrix, tasks: dict[str, Task]) -> dict[Any, LinearHead]:
    return fit_heads(matrix, list(tasks.values()), seed=0, progress=Silent())


@pytest.fixture
def out_of_fold(
    matrix: sparse.csr_matrix, tasks: dict[str, Task], heads: dict[Any, LinearHead]
) -> OutOfFold:
    splits = folds(np.arange(N_ROWS), seed=0)
    return fit_out_of_fold(matrix, list(tasks.values()), heads, splits, seed=0, progress=Silent())


def test_crossed_sample_has_every_labelled_row_once(
    heads: dict[Any, LinearHead], tasks: dict[str, Task], out_of_fold: OutOfFold
) -> None:
    samples = crossed_sample(heads, tasks, out_of_fold, LANGUAGES, None)
    assert len(samples["topic"].correct) == N_ROWS
    assert len(samples["enterprise"].correct) == N_ROWS - N_ROWS // 4
    assert samples["topic"].correct.mean() > 0.9
    assert (samples["topic"].probability >= 1 / 3).all()


def test_crossed_sample_weights_come_from_the_other_half(
    heads: dict[Any, LinearHead], tasks: dict[str, Task], out_of_fold: OutOfFold
) -> None:
    # In one half of the folds all labels are wrong: the other half's weights must not know.
    flipped = {name: task.labels.copy() for name, task in tasks.items()}
    odd = np.concatenate([held_out for _, held_out in out_of_fold.splits[1::2]])
    turned = {"a": "b", "b": "c", "c": "a", None: None}
    for labels in flipped.values():
        labels[odd] = [turned[label] for label in labels[odd]]
    changed = {name: Task(name, labels) for name, labels in flipped.items()}
    before = crossed_sample(heads, tasks, out_of_fold, LANGUAGES, None)["topic"]
    after = crossed_sample(heads, changed, out_of_fold, LANGUAGES, None)["topic"]
    n_odd = len(odd)  # these are judged first
    assert not after.correct[:n_odd].any()
    assert after.probability[:n_odd] == pytest.approx(before.probability[:n_odd])
    assert after.probability[n_odd:].max() < before.probability[n_odd:].min()


@pytest.mark.parametrize("n_folds", [0, 1])
def test_crossed_sample_of_fewer_than_two_folds_is_none(
    heads: dict[Any, LinearHead], tasks: dict[str, Task], out_of_fold: OutOfFold, n_folds: int
) -> None:
    assert crossed_sample(heads, tasks, out_of_fold.part(range(n_folds)), LANGUAGES, None) == {}


def test_latest_sample_label_that_was_never_seen_counts_as_wrong(
    matrix: sparse.csr_matrix,
    heads: dict[Any, LinearHead],
    tasks: dict[str, Task],
    out_of_fold: OutOfFold,
) -> None:
    hierarchy = fit_hierarchy(heads, tasks, out_of_fold)
    kept = np.array([0, 1, 2, 3])
    later = [
        Task("topic", np.array(["a", "new", None, "a"], dtype=object)),
        Task("enterprise", np.array([None] * 4, dtype=object)),
    ]
    samples, probabilities = latest_sample(heads, hierarchy, later, matrix, kept, LANGUAGES)
    assert samples["topic"].correct.tolist() == [True, False, True]
    assert samples["enterprise"].correct.shape == samples["enterprise"].probability.shape == (0,)
    assert {level: found.shape for level, found in probabilities.items()} == {
        "topic": (4, 3),
        "enterprise": (4, 3),
    }


def test_out_of_fold_metrics_are_named_by_level_and_count_labelled_rows(
    heads: dict[Any, LinearHead], tasks: dict[str, Task], out_of_fold: OutOfFold
) -> None:
    hierarchy = fit_hierarchy(heads, tasks, out_of_fold)
    probabilities = held_out_probabilities(heads, tasks, out_of_fold, hierarchy)
    metrics = out_of_fold_metrics(heads, probabilities, tasks, out_of_fold.rows)
    assert metrics["cv_topic_n"] == N_ROWS
    assert metrics["cv_enterprise_n"] == N_ROWS - N_ROWS // 4
    margins = out_of_fold.stacked("topic")
    right = margins.argmax(axis=1) == tasks["topic"].columns("abc")[out_of_fold.rows]
    assert metrics["cv_topic_accuracy"] == pytest.approx(right.mean())
    assert out_of_fold_metrics(heads, {}, tasks, OutOfFold([], {}).rows) == {}


def test_crossed_sample_examples_come_in_the_order_of_the_crossed_rows(
    heads: dict[Any, LinearHead], tasks: dict[str, Task], out_of_fold: OutOfFold
) -> None:
    languages = np.array([f"language of {row}" for row in range(N_ROWS)])
    samples = crossed_sample(heads, tasks, out_of_fold, languages, None)
    for level, task in tasks.items():
        rows = crossed_rows(task, out_of_fold)
        sample = samples[level]  # type: ignore[index]  # tasks are named after levels
        assert sample.label.tolist() == task.labels[rows].tolist()
        assert sample.language.tolist() == languages[rows].tolist()
        assert (sample.label_probability[sample.correct] > 1 / 3).all()
        assert (sample.label_probability[~sample.correct] <= 0.5).all()


def test_crossed_sample_groups_are_the_chosen_labels(
    heads: dict[Any, LinearHead], tasks: dict[str, Task], out_of_fold: OutOfFold
) -> None:
    sample = crossed_sample(heads, tasks, out_of_fold, LANGUAGES, None)["enterprise"]
    assert (sample.group[sample.correct] == sample.label[sample.correct]).all()
    assert (sample.group[~sample.correct] != sample.label[~sample.correct]).all()


def test_latest_sample_group_of_a_topic_is_its_category(matrix: sparse.csr_matrix) -> None:
    topics = np.array(["x.a", "x.b", "y.c"], dtype=object)[np.arange(N_ROWS) % 3]
    categories = np.array([topic[0] for topic in topics], dtype=object)
    tasks = {"category": Task("category", categories), "topic": Task("topic", topics)}
    heads = fit_heads(matrix, list(tasks.values()), seed=0, progress=Silent())
    splits = folds(np.arange(N_ROWS), seed=0)
    out_of_fold = fit_out_of_fold(
        matrix, list(tasks.values()), heads, splits, seed=0, progress=Silent()
    )
    hierarchy = fit_hierarchy(heads, tasks, out_of_fold)
    levels: dict[Any, LinearHead] = dict(heads)
    samples, _ = latest_sample(
        levels, hierarchy, list(tasks.values()), matrix, np.arange(6), LANGUAGES
    )
    assert samples["topic"].group.tolist() == samples["category"].group.tolist()
    assert set(samples["topic"].group) == {"x", "y"}
