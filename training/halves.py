"""How often the precision contract held: thresholds from half of a sample, judged on the rest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from models.bundle import TriageModel
from models.prediction import Level
from models.selective import ContractSample, conclude
from training.contract import crossed_rows
from training.data import Examples, complete_levels
from training.errors import InvalidTrainingDataError
from training.heads import OutOfFold, Task
from training.splits import Indices, contract_split, folds, hold_out, near_duplicate_groups
from triage.policy import Policy

N_SPLITS = 50
REFUTED_AT = 0.05
"""Level of the test that tells a broken promise from an unlucky half."""

Mask = npt.NDArray[np.bool_]


def contract_over_splits(
    model: TriageModel,
    examples: Examples,
    level: Level,
    policy: Policy,
    *,
    n_splits: int = N_SPLITS,
    seed: int = 0,
) -> dict[str, float]:
    """Conclude contracts on random halves of a model's own contract sample.

    Near-duplicates stay in one half. Two halves of one sample are not two samples: where one is
    lucky the other is unlucky, so that a promise close to the edge looks broken more often here
    than it is.

    Parameters
    ----------
    examples
        What the model was fitted on.

    Returns
    -------
    figures
        Of all splits: shares with a threshold (``concluded``), with a precision of at least the
        target or nothing routed (``held``), with a precision that an exact binomial test refutes
        the promise by (``refuted``); mean coverage, with the least and the largest, and the
        precision of all that was routed.

    Raises
    ------
    InvalidTrainingDataError
        The model was fitted on something else.
    """
    sample = model.contract_samples[level]
    clusters = _clusters(model, examples, level)
    routed, right, covered = np.array(
        [
            _judge(sample.at(half), sample.at(~half), policy)
            for half in halves(clusters, n_splits=n_splits, seed=seed)
        ]
    ).T
    refuted = binom.cdf(right, routed, policy.target_precision) <= REFUTED_AT
    return {
        "n_splits": float(n_splits),
        "n": float(len(clusters)),
        "concluded": float((routed > 0).mean()),
        "held": float((right >= policy.target_precision * routed).mean()),
        "refuted": float((refuted & (routed > 0)).mean()),
        "coverage": float(covered.mean()),
        "coverage_least": float(covered.min()),
        "coverage_largest": float(covered.max()),
        "precision": float(right.sum() / max(routed.sum(), 1)),
    }


def halves(clusters: Indices, *, n_splits: int, seed: int) -> Iterator[Mask]:
    """Yield random halves of what is clustered; a cluster is in one half or in the other.

    Parameters
    ----------
    clusters
        Shape (n,).
    """
    rng = np.random.default_rng(seed)
    names, places = np.unique(clusters, return_inverse=True)
    for _ in range(n_splits):
        yield (rng.permutation(len(names)) < len(names) / 2)[places]


def _judge(
    concluded: ContractSample, judged: ContractSample, policy: Policy
) -> tuple[float, float, float]:
    """Return how many choices are routed, how many of those are right, and the share routed."""
    contract = conclude(concluded, target=policy.target_precision, confidence=policy.confidence)
    choices = zip(judged.probability, judged.language, judged.group, strict=True)
    unseen = np.array([contract.covers(*choice) for choice in choices], dtype=bool)
    return float(unseen.sum()), float(judged.correct[unseen].sum()), float(unseen.mean())


def _clusters(model: TriageModel, examples: Examples, level: Level) -> Indices:
    """Return the near-duplicate group of each example of a model's contract sample."""
    table = examples.table
    groups = near_duplicate_groups(table["text"])
    split = contract_split(groups, table["received_at"])
    # Folds are of what was fitted on, labels that were put in for missing ones included.
    table = table if len(split.contract) else complete_levels(table)
    task = Task(level, table[level].to_numpy(dtype=object))
    if len(split.contract):
        rows = split.contract[task.at(split.contract).rows]
    else:
        asked = model.info.parameters
        if n_parts := asked.get("n_parts_held_apart"):
            splits = hold_out(groups, seed=asked["seed"], n_parts=n_parts)
        else:
            splits = folds(groups, seed=asked["seed"], n_folds=asked["n_folds"])
        rows = crossed_rows(task, OutOfFold(splits, {}))
    if task.labels[rows].tolist() != model.contract_samples[level].label.tolist():
        raise InvalidTrainingDataError("the model was not fitted on these appeals")
    return groups[rows]
