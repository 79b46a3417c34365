"""Measures a model on labelled appeals, and keeps the figures with where they come from."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from models.bundle import BATCH, TriageModel
from models.classifier import Floats
from models.folder import file_sha256
from models.prediction import Prediction
from training.buckets import ALL, Parts, parts_of, weights_of
from training.data import Examples
from training.metrics import Choices, measure
from triage.progress import Reporter, Silent
from triage.records import STDIN

Figures = dict[str, dict[str, dict[str, float]]]
"""By part of the texts (`ALL`, a language, a spelling), level and name."""


@dataclass(frozen=True)
class Result:
    """Figures and where they come from.

    Attributes
    ----------
    command
        What to run to get them again.
    data
        Names of the files measured on, with the SHA-256 of each; standard input has neither.
    metrics
        By part (`ALL`, a language, a spelling), level and name.
    """

    name: str
    command: str
    date: str
    data: dict[str, str]
    model: dict[str, str]
    metrics: Figures

    def save(self, path: Path) -> None:
        """Write the result as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def evaluate(
    model: TriageModel, examples: Examples, *, progress: Reporter | None = None
) -> Figures:
    """Measure every level, over all appeals and over each bucket of `training.buckets` apart.

    Rows that say what they weigh count by that.
    """
    table = examples.table
    predictions = predict(model, list(table["text"]), progress or Silent())
    chosen = choices_of(predictions, table)
    return measure_parts(chosen, parts_of(table), weights_of(table))


def predict(model: TriageModel, texts: Sequence[str], progress: Reporter) -> list[Prediction]:
    """Score texts and show how far that is."""
    starts = range(0, len(texts), BATCH)
    return [
        prediction
        for start in progress.track("scoring texts", starts, len(starts))
        for prediction in model.predict(texts[start : start + BATCH])
    ]


def choices_of(predictions: Sequence[Prediction], table: pd.DataFrame) -> dict[str, Choices]:
    """Return what was chosen at each level for the rows of a table, one at least."""
    chosen = {}
    for level, first in predictions[0].distributions.items():
        probabilities = np.stack([one.distributions[level].probabilities for one in predictions])
        true = table[level].to_numpy(dtype=object)
        chosen[str(level)] = Choices.of(true, probabilities, first.classes)
    return chosen


def measure_parts(
    chosen: Mapping[str, Choices], parts: Parts, weights: Floats | None = None
) -> Figures:
    """Measure each level over each part; levels without labels there are left out.

    Parameters
    ----------
    weights
        As of `measure`.
    """
    return {
        part: {
            level: figures
            for level, choices in chosen.items()
            if (figures := measure(choices.at(rows), None if weights is None else weights[rows]))
        }
        for part, rows in parts.items()
    }


def out_of_fold_figures(model: TriageModel) -> Figures:
    """Return what fitting measured on texts that were held out of their folds."""
    levels: dict[str, dict[str, float]] = {}
    for name, value in model.info.metrics.items():
        prefix, level, metric = name.split("_", 2)
        if prefix == "cv":
            levels.setdefault(level, {})[metric] = value
    return {ALL: levels}


def make_result(
    name: str,
    command: str,
    sources: list[str],
    model: dict[str, str],
    metrics: Figures,
) -> Result:
    """Put figures together with the command, the data's hashes, what of a model, and the date."""
    return Result(
        name=name,
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        data={
            Path(source).name: file_sha256(Path(source)) for source in sources if source != STDIN
        },
        model=model,
        metrics=rounded(metrics),
    )


def rounded(figures: Figures) -> Figures:
    """Round to what can be read: four places."""
    return {
        part: {
            level: {name: round(value, 4) for name, value in values.items()}
            for level, values in levels.items()
        }
        for part, levels in figures.items()
    }


def model_facts(model: TriageModel) -> dict[str, str]:
    """Return what tells a model from another."""
    return {
        "fingerprint": model.fingerprint,
        "encoder": model.info.encoder,
        "data_hash": model.info.data_hash,
    }


def command_line() -> str:
    """Return what to type to run this process again."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
