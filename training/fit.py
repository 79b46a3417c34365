"""Fits a model: encoders and heads on one part of the data, the contract sample on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from models.bundle import BATCH, NORMAL, URGENT, ModelInfo, TriageModel, encode
from models.classifier import Floats
from models.encoders import DenseEncoder
from models.hierarchy import START_WEIGHT
from models.prediction import LEVELS, Level
from models.selective import ContractSample
from models.sparse import SparseEncoder
from training.calibrate import fit_hierarchy, fit_weight, out_of_fold_probabilities
from training.data import Examples
from training.errors import InvalidTrainingDataError
from training.heads import Task, fit_heads, fit_out_of_fold
from training.metrics import level_metrics
from training.progress import Reporter, Silent
from training.splits import contract_split, folds, near_duplicate_groups

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
    out-of-fold margins; the contract sample is neither fitted nor calibrated on.

    Parameters
    ----------
    dense_encoder
        Joined to the sparse features, or None.
    parameters
        What the model was asked for, to be kept with it.

    Raises
    ------
    InvalidTrainingDataError
        There is no label at any level.
    """
    progress = progress or Silent()
    tasks = label_tasks(examples.table)
    texts = list(examples.table["text"])
    groups = near_duplicate_groups(progress.track("comparing texts", texts, len(texts)))
    split = contract_split(groups, examples.table["received_at"], seed=seed)

    to_read = [texts[row] for row in split.fit]
    sparse_encoder = SparseEncoder.fit(progress.track("reading words", to_read, len(to_read)))
    matrix = _encode(sparse_encoder, dense_encoder, texts, progress)

    fit_tasks = {task.name: task.at(split.fit) for task in tasks}
    fit_matrix = matrix[split.fit]
    heads = fit_heads(fit_matrix, list(fit_tasks.values()), seed=seed, progress=progress)
    splits = folds(groups[split.fit], seed=seed)
    out_of_fold = fit_out_of_fold(
        fit_matrix, list(fit_tasks.values()), heads, splits, seed=seed, progress=progress
    )
    hierarchy = fit_hierarchy(heads, fit_tasks, out_of_fold)

    levels: list[Level] = [level for level in LEVELS if level in heads]
    contract_matrix = matrix[split.contract]
    on_contract = hierarchy.probabilities(
        {level: heads[level].margins(contract_matrix) for level in levels}
    )
    metrics: dict[str, float] = {}
    if splits:
        held_out = out_of_fold_probabilities(hierarchy, out_of_fold, levels)
        for level in levels:
            labels = fit_tasks[level].at(out_of_fold.rows).labels
            found = level_metrics(labels, held_out[level], heads[level].classes)
            metrics |= {f"cv_{level}_{name}": value for name, value in found.items()}
    urgency = heads.get(URGENCY)
    return TriageModel(
        sparse_encoder=sparse_encoder,
        dense_encoder=dense_encoder,
        heads={level: heads[level] for level in levels},
        hierarchy=hierarchy,
        urgency=urgency,
        urgency_weight=(
            fit_weight(urgency, fit_tasks[URGENCY], out_of_fold) if urgency else START_WEIGHT
        ),
        contract_samples={
            task.name: contract_sample(
                task.at(split.contract), on_contract[task.name], heads[task.name].classes
            )
            for task in tasks
            if task.name in on_contract
        },
        info=ModelInfo(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data_hash=examples.data_hash,
            n_examples=len(examples),
            encoder=dense_encoder.name if dense_encoder else "none",
            taxonomy_version=taxonomy_version,
            parameters={"seed": seed, "n_contract": len(split.contract), **(parameters or {})},
            metrics=metrics,
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


def contract_sample(task: Task, probabilities: Floats, classes: Sequence[str]) -> ContractSample:
    """Return the chosen label's probability, and whether it was right, of the labelled rows."""
    chosen = probabilities[task.rows]
    if not len(chosen):
        return ContractSample(np.zeros(0), np.zeros(0, dtype=bool))
    # A label that the model has never seen is in no column: the choice was wrong.
    correct = chosen.argmax(axis=1) == task.columns(classes)[task.rows]
    return ContractSample(chosen.max(axis=1), correct)


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
