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
from models.workingset import fit_classes
from training.splits import Indices
from triage.progress import Reporter

ABSENT_MARGIN = -1.0
"""Margin of a class that a fold's training rows lack: what an SVM gives to a sure no."""

MANY_ROWS = 20_000
"""Rows from which a class is fitted on those alone that come near it (`models.workingset`)."""

CLASSES_A_PART = 48
"""Classes of a large head that are fitted as one job."""

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

    def without(self, rows: Indices) -> Task:
        """Return the same task with the labels of some rows taken away."""
        labels = self.labels.copy()
        labels[rows] = None
        return Task(self.name, labels, self.weights)

    def at(self, rows: Indices) -> Task:
        """Return the same task on some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Task(self.name, self.labels[rows], weights)

    def columns(self, classes: Sequence[str]) -> Indices:
        """Return the column of each label, -1 where there is none or the classes lack it."""
        column = {label: place for place, label in enumerate(classes)}
        return np.array([column.get(label, -1) for label in self.labels], dtype=np.int64)


@dataclass(frozen=True)
class Part:
    """Classes of a head that one job fits.

    Attributes
    ----------
    is_large
        The head is fitted on many rows, a class at a time; otherwise these are all its classes.
    """

    classes: tuple[str, ...]
    is_large: bool


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
    parts = [
        (task, part)
        for task in tasks
        for part in _parts(tuple(sorted(set(task.labels[task.rows]))), len(task.rows))
    ]
    jobs = [joblib.delayed(_fit)(matrix, task, task.rows, part, c, seed) for task, part in parts]
    fitted = list(progress.track("fitting heads", _in_parallel(jobs), len(jobs)))
    by_task: dict[str, list[LinearHead]] = {task.name: [] for task in tasks}
    for (task, _), head in zip(parts, fitted, strict=True):
        by_task[task.name].append(head)
    return {name: _joined(heads) for name, heads in by_task.items()}


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
    parts = [
        (task, fold, labelled, test, part)
        for task in tasks
        for fold, (train, test) in enumerate(splits)
        for labelled in [np.intersect1d(train, task.rows)]
        for part in _parts(heads[task.name].classes, len(labelled))
    ]
    jobs = [
        joblib.delayed(_fold_margins)(matrix, task, labelled, test, part, c, seed)
        for task, _, labelled, test, part in parts
    ]
    done = list(progress.track("fitting folds", _in_parallel(jobs), len(jobs)))
    columns: dict[str, list[list[Floats]]] = {task.name: [[] for _ in splits] for task in tasks}
    for (task, fold, *_), margins in zip(parts, done, strict=True):
        columns[task.name][fold].append(margins)
    return OutOfFold(
        splits, {name: [np.hstack(fold) for fold in folds] for name, folds in columns.items()}
    )


def fit_apart(
    matrix: sparse.csr_matrix,
    tasks: Sequence[Task],
    splits: Splits,
    *,
    c: float = SVM_C,
    seed: int,
    progress: Reporter,
) -> tuple[dict[str, LinearHead], OutOfFold]:
    """Fit every task's head without the rows that are held out, and keep its margins of them.

    Parameters
    ----------
    splits
        As of `training.splits.hold_out`: all are fitted on the same rows.
    """
    out_of_fold = OutOfFold(splits, {})
    kept = [task.without(out_of_fold.rows) for task in tasks]
    heads = fit_heads(matrix, kept, c=c, seed=seed, progress=progress)
    margins = {
        name: [head.margins(matrix[held_out]) for _, held_out in splits]
        for name, head in heads.items()
    }
    return heads, OutOfFold(splits, margins)


def _in_parallel(jobs: Sequence[Any]) -> Iterator[Any]:
    results: Iterator[Any] = joblib.Parallel(n_jobs=os.cpu_count(), return_as="generator")(jobs)
    return results


def _parts(classes: tuple[str, ...], n_rows: int) -> list[Part]:
    """Divide the classes of a head among jobs: all of them go into one, if rows are few."""
    if n_rows <= MANY_ROWS:
        return [Part(classes, is_large=False)]
    starts = range(0, len(classes), CLASSES_A_PART)
    return [Part(classes[start : start + CLASSES_A_PART], is_large=True) for start in starts]


def _joined(heads: Sequence[LinearHead]) -> LinearHead:
    """Put the classes of a head's parts side by side."""
    if len(heads) == 1:
        return heads[0]
    classes = tuple(name for head in heads for name in head.classes)
    coef = np.hstack([head.coef for head in heads])
    return LinearHead(classes, coef, np.concatenate([head.intercept for head in heads]))


def _fit(
    matrix: sparse.csr_matrix, task: Task, rows: Indices, part: Part, c: float, seed: int
) -> LinearHead:
    """Fit the classes of a part."""
    of = task.at(rows)
    if part.is_large:
        return fit_classes(
            matrix, rows, of.labels, part.classes, seed=seed, c=c, weights=of.weights
        )
    return fit_head(matrix[rows], of.labels.tolist(), seed=seed, c=c, weights=of.weights)


def _fold_margins(
    matrix: sparse.csr_matrix,
    task: Task,
    labelled: Indices,
    test: Indices,
    part: Part,
    c: float,
    seed: int,
) -> Floats:
    margins = np.full((len(test), len(part.classes)), ABSENT_MARGIN)
    if len(labelled):
        head = _fit(matrix, task, labelled, part, c, seed)
        margins[:, np.searchsorted(part.classes, head.classes)] = head.margins(matrix[test])
    return margins
