"""Answers and comparisons for tests, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from training.buckets import buckets_of
from training.compare import Comparison, LoadShift, Measured
from training.comparison.answers import Answers
from training.comparison.bootstrap import contrast
from training.comparison.changes import changes_of
from training.data import COLUMNS
from training.metrics import TOP, Choices


def answers(
    true: Sequence[str | None],
    chosen: Sequence[str],
    probability: Sequence[float] | float = 0.8,
    unseen: Sequence[bool] | bool = False,
) -> Answers:
    """What a model answered; it names no second choice."""
    n = len(true)
    best = np.full((n, TOP), None, dtype=object)
    best[:, 0] = chosen
    probabilities = np.broadcast_to(np.asarray(probability, dtype=float), n).copy()
    choices = Choices(np.array(true, dtype=object), best, probabilities, np.zeros(n))
    return Answers(choices, np.broadcast_to(np.asarray(unseen, dtype=bool), n).copy())


def table_of(n: int, **columns: Any) -> pd.DataFrame:
    """A table of appeals; a column that is one value is that of all."""
    rows = pd.DataFrame({name: [None] * n for name in COLUMNS}, dtype=object)
    for name, values in ({"text": "Нет воды в доме", "language": "ru"} | columns).items():
        rows[name] = pd.Series([values] * n if isinstance(values, str) else values, dtype=object)
    return rows.where(rows.notna(), None)


def comparison_of(
    champion: Answers, challenger: Answers, table: pd.DataFrame, level: str = "topic"
) -> Comparison:
    """Compare two models at one level."""
    weights = np.ones(len(table))
    old, new = {level: champion}, {level: challenger}
    return Comparison(
        champion="triage/1",
        challenger="triage/2",
        table=table,
        weights=weights,
        answers=(old, new),
        measured=tuple(
            Measured(
                bucket,
                level,
                contrast(
                    champion.at(bucket.rows), challenger.at(bucket.rows), weights[bucket.rows]
                ),
            )
            for bucket in buckets_of(table)
        ),
        changes=tuple(changes_of(old, new, table)),
        load=(
            LoadShift(
                "all",
                len(table),
                float(champion.unseen.mean()),
                float(challenger.unseen.mean()),
            ),
        ),
    )
