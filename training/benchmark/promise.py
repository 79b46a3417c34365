"""What the precision contract promised, and what it kept on texts nobody had seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.bundle import TriageModel
from models.prediction import LEVELS, Level, Prediction
from models.selective import NO_SAMPLE, conclude, goes_unseen
from training.benchmark.curves import hindsight_coverage
from training.benchmark.entries import Measured
from training.buckets import ALL
from training.data import Examples
from training.evaluate import rounded
from training.halves import contract_over_splits
from training.metrics import Choices, wilson_interval
from triage.policy import Policy


def with_contract(
    found: Measured,
    model: TriageModel,
    predictions: Sequence[Prediction],
    chosen: Mapping[str, Choices],
    policy: Policy,
) -> Measured:
    """Add to each level what its contract did on these texts.

    Parameters
    ----------
    chosen
        By level, in the order of the predictions.
    """
    return _with_figures(
        found,
        {
            str(level): contract_figures(model, level, predictions, chosen[level], policy)
            for level in LEVELS
            if level in chosen
        },
    )


def with_halves(
    found: Measured, model: TriageModel, examples: Examples, policy: Policy
) -> Measured:
    """Add to each level how contracts did that half of its sample gave, on the other half.

    Parameters
    ----------
    examples
        What the model was fitted on.
    """
    tried = {
        str(level): contract_over_splits(model, examples, level, policy)
        for level in model.contract_samples
    }
    named = {
        level: {f"halves_{name}": value for name, value in values.items()}
        for level, values in tried.items()
    }
    return _with_figures(found, named)


def _with_figures(found: Measured, more: Mapping[str, Mapping[str, float]]) -> Measured:
    whole = {
        level: {**values, **more.get(level, {})} for level, values in found.figures[ALL].items()
    }
    return replace(found, figures=rounded(found.figures | {ALL: whole}))


def contract_figures(
    model: TriageModel,
    level: Level,
    predictions: Sequence[Prediction],
    choices: Choices,
    policy: Policy,
) -> dict[str, float]:
    """Return coverage and precision on labelled texts of what the contract would route.

    Parameters
    ----------
    choices
        At this level, in the order of the predictions.

    Returns
    -------
    figures
        Coverage on the contract sample and on these texts, the coverage that the best threshold
        in hindsight has, and where anything is routed its precision with a 95 % interval.
    """
    routed, promised = routed_unseen(model, level, predictions, policy)
    known = np.array([label is not None for label in choices.true], dtype=bool)
    if not known.any():
        return {}
    right = choices.correct[routed & known]
    figures = {
        "contract_target": policy.target_precision,
        "contract_promised_coverage": promised,
        "contract_coverage": float(routed[known].mean()),
        "hindsight_coverage": hindsight_coverage(choices, level, policy.target_precision),
    }
    if not len(right):
        return figures
    low, high = wilson_interval(float(right.mean()), len(right))
    return figures | {
        "contract_precision": float(right.mean()),
        "contract_precision_low": low,
        "contract_precision_high": high,
    }


def routed_unseen(
    model: TriageModel, level: Level, predictions: Sequence[Prediction], policy: Policy
) -> tuple[npt.NDArray[np.bool_], float]:
    """Tell which choices the contract lets through, and the coverage it saw on its own sample."""
    contract = conclude(
        model.contract_samples.get(level, NO_SAMPLE),
        target=policy.target_precision,
        confidence=policy.confidence,
    )
    routed = [goes_unseen(contract, level, prediction) for prediction in predictions]
    return np.array(routed, dtype=bool), contract.coverage
