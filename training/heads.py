"""Fits heads side by side, and gives each text the margins of heads that did not see it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.classifier import SVM_C, Floats, LinearHead, fit_head
from training.splits import Indices
from triage.progress import Reporter

ABSENT_MARGIN = -1.0
"""Margin of a class that a fold's training rows lack: what an SVM gives to a sure no."""

MAX_FOLD_WORK = 20_000_000
"""Rows times classes up to which all folds are fitted; beyond, one fold calibrates."""

Labels = npt.NDArray[np.object_]
Splits = Sequence[tuple[Indices, Indices]]


@dataclass(frozen=True)
class Task:
    """One head to fit.

    Attributes
    ----------
    labels
        Shape (n,): strings, None where a row has none.
    weights
        How much each row counts, shape (n,); None for all alike.
    """

    name: str
    labels: Labels
    weights: Floats | None = None

    @property
    def rows(self) -> Indices:
        """Rows that have a label."""
        return np.flatnonzero(self.labels != None)  # noqa: E711  # elementwise

    def at(self, rows: Indices) -> Task:
        """Return the same task on some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Task(self.name, self.labels[rows], weights)

    def columns(self, classes: Sequence[str]) -> Indices:
        """Return the column of each label, -1 where there is none or the classes lack it."""
        column = {label: place for place, label in enumerate(classes)}
        return np.array([column.get(label, -1) for label in self.labels], dtype=np.int64)


@dataclass(frozen=True)
class OutOfFold:
    """Margins of heads that did not see the texts.

    Attributes
    ----------
    splits
        Rows fitted on and rows held out, fold by fold.
    margins
        By head and fold, shape (n_held_out, n_classes) in the order of the final head's classes.
    """

    splits: Splits
    margins: dict[str, list[Floats]]

    @property
    def rows(self) -> Indices:
        """All rows that were held out, in the order of the folds."""
        return np.concatenate([held_out for _, held_out in self.splits] or [np.arange(0)])

    def part(self, folds: Sequence[int]) -> OutOfFold:
        """Return some of the folds only."""
        return OutOfFold(
            [self.splits[fold] for fold in folds],
            {name: [margins[fold] for fold in folds] for name, margins in self.margins.items()},
        )

    def stacked(self, name: str) -> Floats:
        """Return the margins of one head for `rows`."""
        return np.concatenate(self.margins[name])


def fit_heads(
    matrix: sparse.csr_matrix,
    tasks: Sequence[Task],
    *,
    c: float = SVM_C,
    seed: int,
    progress: Reporter,
) -> dict[str, LinearHead]:
    """Fit every task's head on the rows that have its label."""
    jobs = [joblib.delayed(_fit)(matrix, task, task.rows, c, seed) for task in tasks]
    fitted = progress.track("fitting heads", _in_parallel(jobs), len(jobs))
    return {task.name: head for task, head in zip(tasks, fitted, strict=True)}


def fit_out_of_fold(
    matrix: sparse.csr_matrix,
    tasks: Sequence[Task],
    heads: dict[str, LinearHead],
    splits: Splits,
    *,
    c: float = SVM_C,
    seed: int,
    progress: Reporter,
) -> OutOfFold:
    """Fit every task's head on every fold, and keep the margins of what was held out."""
    n_classes = max(len(head.classes) for head in heads.values())
    if matrix.shape[0] * n_classes > MAX_FOLD_WORK:
        splits = splits[:1]
    jobs = [
        joblib.delayed(_fold_margins)(matrix, task, heads[task.name].classes, train, test, c, seed)
        for task in tasks
        for train, test in splits
    ]
    done = iter(list(progress.track("fitting folds", _in_parallel(jobs), len(jobs))))
    return OutOfFold(splits, {task.name: [next(done) for _ in splits] for task in tasks})


def _in_parallel(jobs: Sequence[Any]) -> Iterator[Any]:
    results: Iterator[Any] = joblib.Parallel(n_jobs=os.cpu_count(), return_as="generator")(jobs)
    return results


def _fit(matrix: sparse.csr_matrix, task: Task, rows: Indices, c: float, seed: int) -> LinearHead:
    part = task.at(rows)
    return fit_head(matrix[rows], part.labels.tolist(), seed=seed, c=c, weights=part.weights)


def _fold_margins(
    matrix: sparse.csr_matrix,
    task: Task,
    classes: tuple[str, ...],
    train: Indices,
    test: Indices,
    c: float,
    seed: int,
) -> Floats:
    margins = np.full((len(test), len(classes)), ABSENT_MARGIN)
    labelled = np.intersect1d(train, task.rows)
    if len(labelled):
        head = _fit(matrix, task, labelled, c, seed)
        margins[:, np.searchsorted(classes, head.classes)] = head.margins(matrix[test])
    return margins
