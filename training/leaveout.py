"""Leaves one group out at a time: fits on all others, measures on it.

The honest test of generalisation where texts of one group are alike: a voice, a district, a month.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from models.bundle import TriageModel
from models.encoders import DenseEncoder
from models.prediction import Distribution, Prediction
from training.data import Examples
from training.errors import InvalidTrainingDataError
from training.evaluate import ALL
from training.fit import fit_model
from triage.appeal import Appeal
from triage.joining import Join
from triage.progress import Reporter
from triage.routing import Router

Truth = dict[str, list[bool]]


def leave_out(
    examples: Examples,
    column: str,
    *,
    dense_encoder: DenseEncoder | None,
    router: Router,
    progress: Reporter,
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure topics and routed enterprises, over all appeals and each group and language apart.

    Returns
    -------
    metrics
        By part (`ALL`, a group, a language); levels are ``topic``, ``enterprise`` (routed, with
        the topic predicted) and ``enterprise_given_topic``.

    Raises
    ------
    InvalidTrainingDataError
        Rows without a group.
    """
    groups = examples.table[column]
    if groups.isna().any():
        raise InvalidTrainingDataError(f"{column}: every row needs one to be left out")
    truth: dict[str, Truth] = {}
    for group in sorted(groups.unique()):
        rest = replace(examples, table=examples.table[groups != group].reset_index(drop=True))
        out = examples.table[groups == group]
        model = fit_model(rest, dense_encoder=dense_encoder, router=router, progress=progress)
        predictions = model.predict(list(out["text"]))
        for row, prediction in zip(out.to_dict("records"), predictions, strict=True):
            judged = _judge(row, prediction, model, router)
            for part in (ALL, str(row[column]), str(row["language"] or prediction.language)):
                for level, correct in judged.items():
                    truth.setdefault(part, {}).setdefault(level, []).append(correct)
    return {
        part: {
            level: {"n": float(len(correct)), "accuracy": float(np.mean(correct))}
            for level, correct in levels.items()
        }
        for part, levels in truth.items()
    }


def _judge(
    row: dict[str, str], prediction: Prediction, model: TriageModel, router: Router
) -> dict[str, bool]:
    topic = prediction.top("topic")
    given = replace(
        prediction,
        levels={},
        distributions={"topic": Distribution((row["topic"],), np.ones(1))},
    )
    route: Callable[[Prediction, Join], str | None] = lambda found, join: (  # noqa: E731
        router.route(Appeal(text=row["text"]), found, join, datetime.now(UTC).date())[0].enterprise
    )
    return {
        "topic": topic is not None and topic.code == row["topic"],
        "enterprise": route(prediction, Join(**model.routing)) == row["enterprise"],
        "enterprise_given_topic": route(given, Join()) == row["enterprise"],
    }
