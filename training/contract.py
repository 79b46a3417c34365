"""The contract sample: choices on texts that were neither fitted nor calibrated on.

Where appeals are dated, the latest of them are kept for it. Where they are not, every text is
used by crossing: its margins come from heads that were fitted without its fold, and the weights
that turn them into probabilities from the other half of the folds. This is cross-conformal
prediction (Vovk, "Cross-conformal predictors", 2015); the model that serves is fitted on all
folds, so what the contract promises is measured on models that saw a fifth less than it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from models.classifier import Floats, LinearHead
from models.hierarchy import Hierarchy
from models.prediction import Level
from models.selective import NO_SAMPLE, ContractSample
from training.calibrate import fit_hierarchy
from training.heads import OutOfFold, Task
from training.join import RoutedAppeals, fit_join
from training.metrics import level_metrics
from training.splits import Indices
from triage.joining import Join
from triage.routing import Router

Heads = Mapping[Level, LinearHead]
Samples = dict[Level, ContractSample]


@dataclass(frozen=True)
class Joiner:
    """Joins the enterprise level with a city's rules, as the service will.

    Attributes
    ----------
    labels
        Shape (n,): column of each appeal's true enterprise among the appeals' codes, or -1.
    """

    appeals: RoutedAppeals
    labels: Indices

    @classmethod
    def of(cls, router: Router, table: pd.DataFrame, heads: Heads) -> Joiner:
        """Locate the appeals of a table."""
        appeals = RoutedAppeals.of(router, table, heads)
        return cls(appeals, appeals.labels(table))

    def fit(self, rows: Indices, probabilities: Mapping[Level, Floats]) -> Join:
        """Fit the weights on some of the rows."""
        return fit_join(self.appeals, rows, probabilities, self.labels[rows])

    def sample(
        self, join: Join, rows: Indices, probabilities: Mapping[Level, Floats]
    ) -> ContractSample:
        """Judge a join on some of the rows."""
        joint = self.appeals.joined(join, rows, probabilities)
        known = self.labels[rows] >= 0
        correct = joint.argmax(axis=1) == self.labels[rows]
        return ContractSample(joint.max(axis=1)[known], correct[known])


def latest_sample(
    heads: Heads,
    hierarchy: Hierarchy,
    tasks: Sequence[Task],
    matrix: sparse.csr_matrix,
    rows: Indices,
) -> tuple[Samples, dict[Level, Floats]]:
    """Judge the fitted model on rows that were kept from it; return its probabilities too."""
    margins = {level: head.margins(matrix[rows]) for level, head in heads.items()}
    probabilities = hierarchy.probabilities(margins)
    by_name = {task.name: task.at(rows) for task in tasks}
    samples: Samples = {
        level: _sample(by_name[level], probabilities[level], heads[level]) for level in heads
    }
    return samples, probabilities


def crossed_sample(
    heads: Heads, tasks: Mapping[str, Task], out_of_fold: OutOfFold, joiner: Joiner | None
) -> Samples:
    """Judge each half of the folds with weights fitted on the other half."""
    numbers = range(len(out_of_fold.splits))
    halves = [out_of_fold.part(numbers[::2]), out_of_fold.part(numbers[1::2])]
    if len(numbers) < 2:
        return {}
    parts = []
    for fitted, judged in (halves, halves[::-1]):
        hierarchy = fit_hierarchy(heads, tasks, fitted)  # type: ignore[arg-type]  # levels are names
        probabilities = hierarchy.probabilities(margins_of(heads, judged))
        part: Samples = {
            level: _sample(tasks[level].at(judged.rows), probabilities[level], heads[level])
            for level in heads
        }
        if joiner is not None:
            join = joiner.fit(fitted.rows, hierarchy.probabilities(margins_of(heads, fitted)))
            part["enterprise"] = joiner.sample(join, judged.rows, probabilities)
        parts.append(part)
    return {level: _joined([part[level] for part in parts]) for level in heads}


def out_of_fold_metrics(
    heads: Heads,
    probabilities: Mapping[Level, Floats],
    tasks: Mapping[str, Task],
    rows: Indices,
) -> dict[str, float]:
    """Measure every level on the rows that were held out of their folds."""
    metrics = {}
    for level, found in probabilities.items():
        labels = tasks[level].at(rows).labels
        for name, value in level_metrics(labels, found, heads[level].classes).items():
            metrics[f"cv_{level}_{name}"] = value
    return metrics


def margins_of(heads: Heads, out_of_fold: OutOfFold) -> dict[Level, Floats]:
    """Return the margins of all levels for the rows that were held out."""
    return {level: out_of_fold.stacked(level) for level in heads}


def _sample(task: Task, probabilities: Floats, head: LinearHead) -> ContractSample:
    chosen = probabilities[task.rows]
    if not len(chosen):
        return NO_SAMPLE
    # A label that the head has never seen is in no column: the choice was wrong.
    correct = chosen.argmax(axis=1) == task.columns(head.classes)[task.rows]
    return ContractSample(chosen.max(axis=1), correct)


def _joined(samples: Sequence[ContractSample]) -> ContractSample:
    return ContractSample(
        np.concatenate([sample.probability for sample in samples]),
        np.concatenate([sample.correct for sample in samples]),
    )
