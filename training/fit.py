"""Fits a model: encoders and heads on one part of the data, the contract sample on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from models.bundle import BATCH, NORMAL, URGENT, ModelInfo, TriageModel, encode
from models.classifier import LinearHead
from models.encoders import DenseEncoder
from models.hierarchy import START_WEIGHT
from models.prediction import LEVELS, Level
from models.sparse import SparseEncoder
from training.calibrate import fit_hierarchy, fit_weight
from training.contract import crossed_sample, latest_sample, out_of_fold_metrics
from training.data import Examples, complete_levels
from training.errors import InvalidTrainingDataError
from training.heads import Task, fit_heads, fit_out_of_fold
from training.splits import contract_split, folds, near_duplicate_groups
from triage.progress import Reporter, Silent

URGENCY = "urgency"


def fit_model(
    examples: Examples,
    *,
    dense_encoder: DenseEncoder | None,
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
    parameters
        What the model was asked for, to be kept with it.

    Raises
    ------
    InvalidTrainingDataError
        There is no label at any level, or no word in any text.
    """
    progress = progress or Silent()
    tasks = label_tasks(examples.table)
    texts = list(examples.table["text"])
    groups = near_duplicate_groups(progress.track("comparing texts", texts, len(texts)))
    split = contract_split(groups, examples.table["received_at"])

    to_read = [texts[row] for row in split.fit]
    sparse_encoder = SparseEncoder.fit(progress.track("reading words", to_read, len(to_read)))
    matrix = _encode(sparse_encoder, dense_encoder, texts, progress)
    if not matrix.nnz:
        raise InvalidTrainingDataError("no text has a single word in it")

    # A level may have labels, or both kinds of urgency, among the latest appeals alone.
    fit_table = complete_levels(examples.table.iloc[split.fit])
    fit_tasks = {task.name: task for task in label_tasks(fit_table)}
    fit_matrix = matrix[split.fit]
    heads = fit_heads(fit_matrix, list(fit_tasks.values()), seed=seed, progress=progress)
    splits = folds(groups[split.fit], seed=seed)
    out_of_fold = fit_out_of_fold(
        fit_matrix, list(fit_tasks.values()), heads, splits, seed=seed, progress=progress
    )
    hierarchy = fit_hierarchy(heads, fit_tasks, out_of_fold)

    model_heads: dict[Level, LinearHead] = {
        level: heads[level] for level in LEVELS if level in heads
    }
    urgency = heads.get(URGENCY)
    return TriageModel(
        sparse_encoder=sparse_encoder,
        dense_encoder=dense_encoder,
        heads=model_heads,
        hierarchy=hierarchy,
        urgency=urgency,
        urgency_weight=(
            fit_weight(urgency, fit_tasks[URGENCY], out_of_fold) if urgency else START_WEIGHT
        ),
        contract_samples=(
            latest_sample(model_heads, hierarchy, tasks, matrix, split.contract)
            if len(split.contract)
            else crossed_sample(model_heads, fit_tasks, out_of_fold)
        ),
        info=ModelInfo(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data_hash=examples.data_hash,
            n_examples=len(examples),
            encoder=dense_encoder.name if dense_encoder else "none",
            taxonomy_version=taxonomy_version,
            parameters={"seed": seed, "n_held_out": len(split.contract), **(parameters or {})},
            metrics=out_of_fold_metrics(model_heads, hierarchy, fit_tasks, out_of_fold),
        ),
    )


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
    sparse_encoder: SparseEncoder,
    dense_encoder: DenseEncoder | None,
    texts: Sequence[str],
    progress: Reporter,
) -> sparse.csr_matrix:
    starts = range(0, len(texts), BATCH)
    parts = [
        encode(sparse_encoder, dense_encoder, texts[start : start + BATCH])[0]
        for start in progress.track("encoding texts", starts, len(starts))
    ]
    return sparse.vstack(parts, format="csr")
