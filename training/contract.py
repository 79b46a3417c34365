"""The contract sample: choices on texts that were neither fitted nor calibrated on.

Where appeals are dated, the latest of them are kept for it. Where they are not, every text is
used by crossing: its margins come from heads that were fitted without its fold, and the weights
that turn them into probabilities from the other half of the folds. This is cross-conformal
prediction (Vovk, "Cross-conformal predictors", 2015); the model that serves is fitted on all
folds, so what the contract promises is measured on models that saw a fifth less than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from models.classifier import Floats, LinearHead
from models.hierarchy import Hierarchy
from models.language import identify
from models.prediction import Level
from models.selective import ContractSample, Strings, contract_probability
from training.calibrate import fit_hierarchy, held_out_probabilities
from training.heads import OutOfFold, Task
from training.join import Proposals, RoutedAppeals, fit_join
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
    languages
        Shape (n,).
    """

    appeals: RoutedAppeals
    labels: Indices
    languages: Strings

    @classmethod
    def of(
        cls,
        router: Router,
        table: pd.DataFrame,
        heads: Heads,
        languages: Strings,
        rows: Iterable[int],
    ) -> Joiner:
        """Locate the appeals in those rows of a table that will be asked for."""
        appeals = RoutedAppeals.of(router, table, heads, rows)
        return cls(appeals, appeals.labels(table), languages)

    def propose(self, rows: Indices, probabilities: Mapping[Level, Floats]) -> Proposals:
        """Ask history and the rules about those of the rows whose true enterprise is known."""
        known = self.labels[rows] >= 0
        of_known = {level: found[known] for level, found in probabilities.items()}
        return self.appeals.propose(rows[known], of_known)

    def fit(self, proposals: Proposals) -> Join:
        """Fit the weights."""
        return fit_join(proposals, self.labels[proposals.rows])

    def sample(self, join: Join, proposals: Proposals) -> ContractSample:
        """Judge a join."""
        labels, codes = self.labels[proposals.rows], np.array(self.appeals.codes)
        return _judged(
            "enterprise",
            proposals.joined(join),
            labels,
            codes[labels],
            self.languages[proposals.rows],
            codes,
        )


def languages_of(table: pd.DataFrame) -> Strings:
    """Tell the language of each appeal, as the model that serves will."""
    return np.array([identify(text) for text in table["text"]], dtype=np.str_)


def latest_sample(
    heads: Heads,
    hierarchy: Hierarchy,
    tasks: Sequence[Task],
    matrix: sparse.csr_matrix,
    rows: Indices,
    languages: Strings,
    evidence: Floats | None = None,
) -> tuple[Samples, dict[Level, Floats]]:
    """Judge the fitted model on rows that were kept from it; return its probabilities too.

    Parameters
    ----------
    languages
        Of all appeals.
    evidence
        Of proper names, shape (n_rows, n_enterprises); None where there is none.
    """
    margins = {level: head.margins(matrix[rows]) for level, head in heads.items()}
    probabilities = hierarchy.probabilities(margins, evidence)
    by_name = {task.name: task.at(rows) for task in tasks}
    samples: Samples = {
        level: _sample(by_name[level], probabilities, heads, hierarchy, languages[rows])
        for level in heads
    }
    return samples, probabilities


def crossed_sample(
    heads: Heads,
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    languages: Strings,
    joiner: Joiner | None,
    parents: Mapping[str, str] | None = None,
) -> Samples:
    """Judge each half of the folds with weights fitted on the other half.

    Examples of a level come in the order of `crossed_rows`.

    Parameters
    ----------
    languages
        Of all appeals.
    parents
        As of `training.calibrate.fit_hierarchy`.
    """
    if len(out_of_fold.splits) < 2:
        return {}
    halves = _halves(out_of_fold)
    named = {str(level): head for level, head in heads.items()}
    parts = []
    for fitted, judged in (halves, halves[::-1]):
        hierarchy = fit_hierarchy(named, tasks, fitted, parents)
        probabilities, seen = (
            held_out_probabilities(named, tasks, half, hierarchy) for half in (judged, fitted)
        )
        part: Samples = {
            level: _sample(
                tasks[level].at(judged.rows),
                probabilities,
                heads,
                hierarchy,
                languages[judged.rows],
            )
            for level in heads
        }
        if joiner is not None:
            join = joiner.fit(joiner.propose(fitted.rows, seen))
            proposals = joiner.propose(judged.rows, probabilities)
            part["enterprise"] = joiner.sample(join, proposals)
        parts.append(part)
    return {level: ContractSample.joined(part[level] for part in parts) for level in heads}


def crossed_rows(task: Task, out_of_fold: OutOfFold) -> Indices:
    """Return which row each example of a crossed sample is."""
    rows = np.concatenate([half.rows for half in _halves(out_of_fold)[::-1]])
    return rows[task.at(rows).rows]


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


def _halves(out_of_fold: OutOfFold) -> list[OutOfFold]:
    numbers = range(len(out_of_fold.splits))
    return [out_of_fold.part(numbers[::2]), out_of_fold.part(numbers[1::2])]


def _sample(
    task: Task,
    probabilities: Mapping[Level, Floats],
    heads: Heads,
    hierarchy: Hierarchy,
    languages: Strings,
) -> ContractSample:
    level: Level = task.name  # type: ignore[assignment]  # heads of levels are named after them
    classes = heads[level].classes
    groups = np.array(classes)
    if level == "topic" and hierarchy.chain is not None:
        groups = np.array(heads["category"].classes)[hierarchy.chain.parents]
    return _judged(
        level,
        probabilities[level][task.rows],
        task.columns(classes)[task.rows],
        task.labels[task.rows].astype(np.str_),
        languages[task.rows],
        groups,
    )


def _judged(
    level: Level,
    probabilities: Floats,
    true: Indices,
    labels: Strings,
    languages: Strings,
    groups: Strings,
) -> ContractSample:
    """Judge what is chosen from probabilities; a label that has no column is in none: -1."""
    chosen = probabilities.argmax(axis=1)
    of_label = probabilities[np.arange(len(true)), true]
    return ContractSample(
        probability=contract_probability(level, probabilities),
        correct=chosen == true,
        language=languages,
        group=groups[chosen],
        label=labels,
        label_probability=np.where(true >= 0, of_label, 0.0),
    )
