"""Fits a model: encoders and heads on one part of the data, the contract sample on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from models.bundle import BATCH, NORMAL, URGENT, ModelInfo, TriageModel, encode
from models.classifier import Floats, LinearHead
from models.encoders import DenseEncoder
from models.hierarchy import START_WEIGHT, Hierarchy
from models.prediction import LEVELS, Level
from models.sparse import SparseEncoder
from training.calibrate import fit_hierarchy, fit_weight
from training.contract import (
    Joiner,
    Samples,
    crossed_sample,
    latest_sample,
    margins_of,
    out_of_fold_metrics,
)
from training.data import Examples, complete_levels
from training.errors import InvalidTrainingDataError
from training.heads import OutOfFold, Splits, Task, fit_heads, fit_out_of_fold
from training.splits import Split, contract_split, folds, near_duplicate_groups
from triage.joining import Join
from triage.progress import Reporter, Silent
from triage.routing import Router

URGENCY = "urgency"


def fit_model(
    examples: Examples,
    *,
    dense_encoder: DenseEncoder | None,
    router: Router | None = None,
    taxonomy_version: str | None = None,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    progress: Reporter | None = None,
) -> TriageModel:
    """Fit, calibrate and conformalize a model on labelled appeals.

    Near-duplicates stay on one side of every split. Weights of the hierarchy are fitted on
    out-of-fold margins. The contract sample is what came last, where appeals are dated, and
    crossed over the folds where they are not (`training.contract`).

    Parameters
    ----------
    dense_encoder
        Joined to the sparse features, or None.
    router
        Of the city whose rules the enterprise level is to be joined with, or None.
    parameters
        What the model was asked for, to be kept with it.

    Raises
    ------
    InvalidTrainingDataError
        There is no label at any level, or no word in any text.
    """
    progress = progress or Silent()
    label_tasks(examples.table)  # says at once where there is nothing to learn
    texts = list(examples.table["text"])
    groups = near_duplicate_groups(progress.track("comparing texts", texts, len(texts)))
    split = contract_split(groups, examples.table["received_at"])
    sparse_encoder, matrix = _encode(texts, split, dense_encoder, progress)
    fitted = fit_levels(
        matrix[split.fit],
        complete_levels(examples.table.iloc[split.fit]),
        folds(groups[split.fit], seed=seed),
        seed=seed,
        progress=progress,
    )
    judged = judge(fitted, examples.table, matrix, split, router)
    return TriageModel(
        sparse_encoder=sparse_encoder,
        dense_encoder=dense_encoder,
        heads=fitted.levels,
        hierarchy=fitted.hierarchy,
        urgency=fitted.heads.get(URGENCY),
        urgency_weight=fitted.urgency_weight,
        contract_samples=judged.samples,
        routing=asdict(judged.join) if judged.join else {},
        info=ModelInfo(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data_hash=examples.data_hash,
            n_examples=len(examples),
            encoder=dense_encoder.name if dense_encoder else "none",
            taxonomy_version=taxonomy_version,
            parameters={"seed": seed, "n_held_out": len(split.contract), **(parameters or {})},
            metrics=judged.metrics,
        ),
    )


@dataclass(frozen=True)
class Fitted:
    """Heads, what they say of texts they did not see, and the hierarchy over them.

    Attributes
    ----------
    table
        The rows that were fitted on.
    """

    table: pd.DataFrame
    tasks: dict[str, Task]
    heads: dict[str, LinearHead]
    out_of_fold: OutOfFold
    hierarchy: Hierarchy

    @property
    def levels(self) -> dict[Level, LinearHead]:
        """Heads of levels, urgency apart."""
        return {level: self.heads[level] for level in LEVELS if level in self.heads}

    @property
    def urgency_weight(self) -> float:
        """Inverse temperature of the urgency head."""
        if URGENCY not in self.heads:
            return START_WEIGHT
        return fit_weight(self.heads[URGENCY], self.tasks[URGENCY], self.out_of_fold)

    @property
    def held_out(self) -> dict[Level, Floats]:
        """Out-of-fold probabilities of all levels."""
        if not self.out_of_fold.splits:
            return {}
        return self.hierarchy.probabilities(margins_of(self.levels, self.out_of_fold))


def fit_levels(
    matrix: sparse.csr_matrix,
    table: pd.DataFrame,
    splits: Splits,
    *,
    seed: int,
    progress: Reporter,
) -> Fitted:
    """Fit every head, on all rows and on each fold, and the hierarchy over them."""
    tasks = {task.name: task for task in label_tasks(table)}
    heads = fit_heads(matrix, list(tasks.values()), seed=seed, progress=progress)
    out_of_fold = fit_out_of_fold(
        matrix, list(tasks.values()), heads, splits, seed=seed, progress=progress
    )
    return Fitted(table, tasks, heads, out_of_fold, fit_hierarchy(heads, tasks, out_of_fold))


@dataclass(frozen=True)
class Judged:
    """What is known of a fitted model: its contract samples and its out-of-fold figures."""

    samples: Samples
    metrics: dict[str, float]
    join: Join | None


def judge(
    fitted: Fitted,
    table: pd.DataFrame,
    matrix: sparse.csr_matrix,
    split: Split,
    router: Router | None,
) -> Judged:
    """Join with the rules of a city, where there is one, and measure.

    Parameters
    ----------
    table, matrix
        All rows, of which `split` keeps some for the contract.
    """
    rows, held_out = fitted.out_of_fold.rows, fitted.held_out
    metrics = out_of_fold_metrics(fitted.levels, held_out, fitted.tasks, rows)
    joiner = _joiner(router, fitted.table, fitted) if held_out else None
    join = joiner.fit(rows, held_out) if joiner else None
    if joiner and join:
        routed = joiner.sample(join, rows, held_out)
        metrics["cv_routed_n"] = float(len(routed.correct))
        metrics["cv_routed_accuracy"] = float(routed.correct.mean())
    if not len(split.contract):
        samples = crossed_sample(fitted.levels, fitted.tasks, fitted.out_of_fold, joiner)
        return Judged(samples, metrics, join)
    late = table.iloc[split.contract]
    samples, probabilities = latest_sample(
        fitted.levels, fitted.hierarchy, label_tasks(table), matrix, split.contract
    )
    late_joiner = _joiner(router, late, fitted)
    if late_joiner and join:
        samples["enterprise"] = late_joiner.sample(join, np.arange(len(late)), probabilities)
    return Judged(samples, metrics, join)


def _joiner(router: Router | None, table: pd.DataFrame, fitted: Fitted) -> Joiner | None:
    if router is None or not router.book.rules or fitted.hierarchy.link is None:
        return None
    return Joiner.of(router, table, fitted.levels)


def label_tasks(table: pd.DataFrame) -> list[Task]:
    """Return a task for each level that has labels, and one for urgency where it has both.

    Raises
    ------
    InvalidTrainingDataError
        There is no label at any level.
    """
    tasks = [Task(level, table[level].to_numpy(dtype=object)) for level in LEVELS]
    tasks = [task for task in tasks if len(task.rows)]
    if not tasks:
        raise InvalidTrainingDataError(f"no labels: give at least one of {', '.join(LEVELS)}")
    names = {True: URGENT, False: NORMAL}
    urgent = np.array([names.get(value) for value in table["urgent"]], dtype=object)
    return [*tasks, Task(URGENCY, urgent)] if {URGENT, NORMAL} <= set(urgent) else tasks


def _encode(
    texts: Sequence[str], split: Split, dense_encoder: DenseEncoder | None, progress: Reporter
) -> tuple[SparseEncoder, sparse.csr_matrix]:
    """Fit the sparse encoder on the rows to fit on, and encode all rows."""
    to_read = [texts[row] for row in split.fit]
    sparse_encoder = SparseEncoder.fit(progress.track("reading words", to_read, len(to_read)))
    starts = range(0, len(texts), BATCH)
    parts = [
        encode(sparse_encoder, dense_encoder, texts[start : start + BATCH])[0]
        for start in progress.track("encoding texts", starts, len(starts))
    ]
    matrix = sparse.vstack(parts, format="csr")
    if not matrix.nnz:
        raise InvalidTrainingDataError("no text has a single word in it")
    return sparse_encoder, matrix
