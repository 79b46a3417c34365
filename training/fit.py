"""Fits a model: encoders and heads on one part of the data, the contract sample on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from models.bundle import ModelInfo, TriageModel
from models.classifier import Floats, LinearHead
from models.encoders import DenseEncoder
from models.heads import Heads
from models.hierarchy import START_WEIGHT, Hierarchy
from models.names import NameEvidence
from models.prediction import LEVELS, Level
from models.selective import Strings
from training.calibrate import (
    NAMES,
    fit_hierarchy,
    fit_weight,
    held_out_probabilities,
)
from training.coldstart import ColdStart
from training.contract import (
    Joiner,
    Samples,
    crossed_sample,
    languages_of,
    latest_sample,
    out_of_fold_metrics,
)
from training.data import Examples, complete_levels, label_counts
from training.encode import encode_texts
from training.finetune.ensemble import Networks
from training.finetune.folds import N_TUNED_FOLDS, FineTuning, fit_networks
from training.heads import (
    OutOfFold,
    Splits,
    Task,
    fit_apart,
    fit_heads,
    fit_out_of_fold,
)
from training.names import NamedExamples
from training.settings import DEFAULTS, FitSettings
from training.splits import (
    N_FOLDS,
    Indices,
    Split,
    contract_split,
    folds,
    hold_out,
    near_duplicate_groups,
)
from training.tasks import URGENCY, label_tasks, n_held_apart
from triage.joining import Join
from triage.progress import Reporter, Silent
from triage.routing import Router
from triage.taxonomy import Taxonomy


def fit_model(
    examples: Examples,
    *,
    dense_encoder: DenseEncoder | None,
    tuning: FineTuning | None = None,
    router: Router | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
    taxonomy: Taxonomy | None = None,
    taxonomy_version: str | None = None,
    settings: FitSettings = DEFAULTS,
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
    tuning
        What is to be fine-tuned, to take the place of the dense encoder, or None. Each fold has
        an encoder of its own then, since heads can't be judged on texts their encoder has seen.
    router
        Of the city whose rules the enterprise level is to be joined with, or None.
    names
        What the enterprises are called; without it, their labels are taken for names. Proper
        names among them are looked for in texts, unless rules say what a place means.
    taxonomy
        What is offered: topics without an example start from their names, where there is a dense
        encoder that is not fine-tuned (`training.coldstart`). None offers what has examples.
    settings
        What can be tuned (`training.tune`); kept with the model.
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
    n_folds = N_TUNED_FOLDS if tuning else N_FOLDS
    table = complete_levels(examples.table.iloc[split.fit])
    # A fine-tuned encoder that serves has seen every text: its heads need the folds' encoders.
    n_parts = 0 if tuning else n_held_apart(table, crossed=not len(split.contract))
    if n_parts:
        splits = hold_out(groups[split.fit], seed=seed, n_parts=n_parts)
    else:
        splits = folds(groups[split.fit], seed=seed, n_folds=n_folds)
    networks = _networks(tuning, table, splits, seed=seed, progress=progress)
    dense_encoder = networks.final.encoder if networks else dense_encoder
    cold = None
    if taxonomy and dense_encoder and not networks:
        cold = ColdStart.of(taxonomy, table, dense_encoder)
    sparse_encoder, matrix = encode_texts(texts, split.fit, dense_encoder, progress, settings)
    fitted = fit_levels(
        matrix[split.fit],
        table,
        splits,
        apart=bool(n_parts),
        networks=networks,
        cold=cold,
        names=None if router and router.book.rules else names or {},
        settings=settings,
        seed=seed,
        progress=progress,
    )
    judged = judge(fitted, examples.table, matrix, split, router, progress)
    return TriageModel(
        sparse_encoder=sparse_encoder,
        dense_encoder=dense_encoder,
        heads=Heads(fitted.levels),
        hierarchy=fitted.hierarchy,
        urgency=fitted.heads.get(URGENCY),
        urgency_weight=fitted.urgency_weight,
        contract_samples=judged.samples,
        names=fitted.names,
        routing=asdict(judged.join) if judged.join else {},
        dense_weight=settings.dense_weight,
        info=ModelInfo(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data_hash=examples.data_hash,
            n_examples=len(examples),
            counts=label_counts(examples.table),
            encoder=dense_encoder.name if dense_encoder else "none",
            taxonomy_version=taxonomy_version,
            parameters={
                "seed": seed,
                "n_folds": n_folds,
                **({"n_parts_held_apart": n_parts} if n_parts else {}),
                "n_held_out": len(split.contract),
                **({"n_cold_topics": len(cold.parents)} if cold else {}),
                **asdict(settings),
                **(parameters or {}),
            },
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
    names
        What proper names in texts say of the enterprise, or None.
    parents
        Category of each topic that no row has.
    """

    table: pd.DataFrame
    tasks: dict[str, Task]
    heads: dict[str, LinearHead]
    out_of_fold: OutOfFold
    hierarchy: Hierarchy
    names: NameEvidence | None
    parents: Mapping[str, str]

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
        return held_out_probabilities(self.heads, self.tasks, self.out_of_fold, self.hierarchy)


def fit_levels(
    matrix: sparse.csr_matrix,
    table: pd.DataFrame,
    splits: Splits,
    *,
    apart: bool,
    networks: Networks | None,
    cold: ColdStart | None,
    names: Mapping[str, Sequence[str]] | None,
    settings: FitSettings,
    seed: int,
    progress: Reporter,
) -> Fitted:
    """Fit every head, on all rows and on each fold, and the hierarchy over them.

    Parameters
    ----------
    apart
        What the splits hold out is fitted on by no head, those that serve included.
    networks
        Fine-tuned on the same rows and splits; their vectors stand in the matrix. None for none.
    cold
        What no row has; not together with networks.
    names
        What enterprises are called, labels that it lacks by their label; None takes no names.
    """
    tasks = {task.name: task for task in label_tasks(table)}
    seen = networks.words(matrix) if networks else matrix
    c = settings.svm_c
    to_fit = list(tasks.values())
    if apart:
        heads, out_of_fold = fit_apart(seen, to_fit, splits, c=c, seed=seed, progress=progress)
    else:
        heads = fit_heads(seen, to_fit, c=c, seed=seed, progress=progress)
        out_of_fold = fit_out_of_fold(
            seen, to_fit, heads, splits, c=c, seed=seed, progress=progress
        )
    if networks:
        heads = networks.pool_heads(heads, settings.dense_weight)
        out_of_fold = networks.pool_margins(out_of_fold)
    if cold:
        heads, out_of_fold = cold.widen(heads, out_of_fold, matrix)
    evidence = None
    if names is not None and "enterprise" in heads:
        evidence, out_of_fold = _count_names(table, tasks, heads, out_of_fold, names)
    parents = cold.parents if cold else {}
    hierarchy = fit_hierarchy(heads, tasks, out_of_fold, parents)
    return Fitted(table, tasks, heads, out_of_fold, hierarchy, evidence, parents)


def _count_names(
    table: pd.DataFrame,
    tasks: Mapping[str, Task],
    heads: Mapping[str, LinearHead],
    out_of_fold: OutOfFold,
    names: Mapping[str, Sequence[str]],
) -> tuple[NameEvidence | None, OutOfFold]:
    """Count the proper names of enterprises in texts, over all rows and over each fold."""
    classes = heads["enterprise"].classes
    named = NamedExamples.of(list(table["text"]), names, classes)
    if named is None:
        return None, out_of_fold
    enterprises = tasks["enterprise"].columns(classes)
    evidence = named.out_of_fold(out_of_fold.splits, enterprises)
    with_names = replace(out_of_fold, margins={**out_of_fold.margins, NAMES: evidence})
    return named.fit(np.arange(len(table)), enterprises), with_names


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
    progress: Reporter,
) -> Judged:
    """Join with the rules of a city, where there is one, and measure.

    Parameters
    ----------
    table, matrix
        All rows, of which `split` keeps some for the contract.
    """
    rows, held_out = fitted.out_of_fold.rows, fitted.held_out
    metrics = out_of_fold_metrics(fitted.levels, held_out, fitted.tasks, rows)
    languages = languages_of(table)
    join = joiner = None
    if held_out:
        joiner = _joiner(router, fitted.table, fitted, languages[split.fit], rows, progress)
    if joiner:
        proposals = joiner.propose(rows, held_out)
        join = joiner.fit(proposals)
        routed = joiner.sample(join, proposals)
        metrics["cv_routed_n"] = float(len(routed.correct))
        metrics["cv_routed_accuracy"] = float(routed.correct.mean())
    if not len(split.contract):
        samples = crossed_sample(
            fitted.levels, fitted.tasks, fitted.out_of_fold, languages, joiner, fitted.parents
        )
        return Judged(samples, metrics, join)
    late = table.iloc[split.contract]
    names = fitted.names
    evidence = names.of(list(late["text"])) if names else None
    samples, probabilities = latest_sample(
        fitted.levels,
        fitted.hierarchy,
        label_tasks(table),
        matrix,
        split.contract,
        languages,
        evidence,
    )
    everything = np.arange(len(late))
    late_joiner = _joiner(router, late, fitted, languages[split.contract], everything, progress)
    if late_joiner and join:
        proposals = late_joiner.propose(everything, probabilities)
        samples["enterprise"] = late_joiner.sample(join, proposals)
    return Judged(samples, metrics, join)


def _joiner(
    router: Router | None,
    table: pd.DataFrame,
    fitted: Fitted,
    languages: Strings,
    rows: Indices,
    progress: Reporter,
) -> Joiner | None:
    if router is None or not router.book.rules or fitted.hierarchy.link is None:
        return None
    asked = progress.track("finding places", rows.tolist(), len(rows))
    return Joiner.of(router, table, fitted.levels, languages, asked)


def _networks(
    tuning: FineTuning | None,
    table: pd.DataFrame,
    splits: Splits,
    *,
    seed: int,
    progress: Reporter,
) -> Networks | None:
    if tuning is None:
        return None
    texts, tasks = list(table["text"]), label_tasks(table)
    return fit_networks(tuning, texts, tasks, splits, seed=seed, progress=progress)
