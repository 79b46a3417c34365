"""Measures by refitting: fits without a part of the appeals, and judges the model on that part.

The honest test of generalisation where texts of one group are alike: a voice, a district, a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from models.bundle import TriageModel
from models.encoders import DenseEncoder
from models.prediction import CANDIDATES, Distribution, Level, Prediction
from training.buckets import Parts, language_parts
from training.data import Examples
from training.errors import InvalidTrainingDataError
from training.evaluate import Figures, choices_of, measure_parts, predict
from training.fit import fit_model
from training.heads import Splits
from training.metrics import TOP, Choices, joined
from training.splits import leaving_out
from triage.appeal import Appeal
from triage.joining import Join
from triage.progress import Reporter
from triage.routing import Router

ROUTED, ROUTED_GIVEN_TOPIC = "routed", "routed_given_topic"
"""Enterprises after rules and places, with the topic predicted and with the true one."""


def leave_out(
    examples: Examples,
    column: str,
    *,
    dense_encoder: DenseEncoder | None,
    router: Router,
    progress: Reporter,
) -> Figures:
    """Measure every level and the routed enterprise, leaving out each group of a column.

    Returns
    -------
    figures
        Over all appeals, each group, each language and each odd spelling; the levels besides the
        model's own are `ROUTED` and `ROUTED_GIVEN_TOPIC`.

    Raises
    ------
    InvalidTrainingDataError
        Rows without a group.
    """
    groups = group_parts(examples.table, column)
    chosen = refit(
        examples,
        leaving_out(groups.values()),
        dense_encoder=dense_encoder,
        router=router,
        progress=progress,
    )
    return measure_parts(chosen, language_parts(examples.table) | groups)


def group_parts(table: pd.DataFrame, column: str) -> Parts:
    """Tell the rows of each group of a column.

    Raises
    ------
    InvalidTrainingDataError
        Rows without a group.
    """
    groups = table[column]
    if groups.isna().any():
        raise InvalidTrainingDataError(f"{column}: every row needs one to be left out")
    return {f"{column} {name}": (groups == name).to_numpy() for name in sorted(groups.unique())}


def refit(
    examples: Examples,
    splits: Splits,
    *,
    dense_encoder: DenseEncoder | None,
    router: Router,
    progress: Reporter,
) -> dict[str, Choices]:
    """Fit on one side of each split, calibration and all, and choose for the other side.

    Parameters
    ----------
    splits
        Rows fitted on and rows held out; every row is held out once.

    Returns
    -------
    chosen
        By level, in the order of the examples.
    """
    parts: list[dict[str, Choices]] = []
    for train, held_out in progress.track("refitting", splits, len(splits)):
        rest = replace(examples, table=examples.table.iloc[train].reset_index(drop=True))
        model = fit_model(rest, dense_encoder=dense_encoder, router=router, progress=progress)
        parts.append(_choices(model, examples.table.iloc[held_out], router, progress))
    return {level: joined([part[level] for part in parts], splits) for level in parts[0]}


def _choices(
    model: TriageModel, table: pd.DataFrame, router: Router, progress: Reporter
) -> dict[str, Choices]:
    predictions = predict(model, list(table["text"]), progress)
    given = [_given(topic, one) for topic, one in zip(table["topic"], predictions, strict=True)]
    told, unknown = _routed(table, given, router, Join()), np.full(len(table), np.nan)
    return choices_of(predictions, table) | {
        ROUTED: _routed(table, predictions, router, Join(**model.routing)),
        # A topic that is taken for certain leaves no doubt that could be calibrated.
        ROUTED_GIVEN_TOPIC: replace(told, probability=unknown, second=unknown),
    }


def _given(topic: str, prediction: Prediction) -> Prediction:
    """Put the true topic in the place of what was predicted; history has no say then."""
    distributions: dict[Level, Distribution] = {"topic": Distribution((topic,), np.ones(1))}
    return replace(prediction, levels={}, distributions=distributions)


def _routed(
    table: pd.DataFrame, predictions: Sequence[Prediction], router: Router, join: Join
) -> Choices:
    best = np.full((len(table), TOP), None, dtype=object)
    probabilities = np.zeros((len(table), CANDIDATES))
    today = datetime.now(UTC).date()
    for row, (text, prediction) in enumerate(zip(table["text"], predictions, strict=True)):
        found = router.route(Appeal(text=text), prediction, join, today)[0].candidates
        best[row, : min(len(found), TOP)] = [candidate.code for candidate in found[:TOP]]
        probabilities[row, : len(found)] = [candidate.probability for candidate in found]
    true = table["enterprise"].to_numpy(dtype=object)
    return Choices(true, best, probabilities[:, 0], probabilities[:, 1])
