"""Measures a model on labelled appeals, and keeps the figures with where they come from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.bundle import BATCH, TriageModel, encode
from models.classifier import Floats
from models.language import identify
from models.prediction import Level
from training.data import Examples
from training.metrics import level_metrics
from triage.progress import Reporter, Silent
from triage.records import STDIN

ALL = "all"


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
        By language (`ALL` for all together), level and name.
    """

    name: str
    command: str
    date: str
    data: dict[str, str]
    model: dict[str, str]
    metrics: dict[str, dict[str, dict[str, float]]]

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
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure every level, over all appeals and over each language apart."""
    texts = list(examples.table["text"])
    probabilities = _probabilities(model, texts, progress or Silent())
    languages = np.array([identify(text) for text in texts])
    parts = {ALL: np.ones(len(texts), dtype=bool)}
    parts |= {name: languages == name for name in sorted(set(languages))}
    return {name: _measure(model, examples, probabilities, rows) for name, rows in parts.items()}


def out_of_fold_figures(model: TriageModel) -> dict[str, dict[str, dict[str, float]]]:
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
    metrics: dict[str, dict[str, dict[str, float]]],
) -> Result:
    """Put figures together with the command, the data's hashes, what of a model, and the date."""
    rounded = {
        part: {
            level: {metric: round(value, 4) for metric, value in values.items()}
            for level, values in levels.items()
        }
        for part, levels in metrics.items()
    }
    return Result(
        name=name,
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        data={Path(source).name: _sha256(Path(source)) for source in sources if source != STDIN},
        model=model,
        metrics=rounded,
    )


def model_facts(model: TriageModel) -> dict[str, str]:
    """Return what tells a model from another."""
    return {
        "fingerprint": model.fingerprint,
        "encoder": model.info.encoder,
        "data_hash": model.info.data_hash,
    }


def _probabilities(model: TriageModel, texts: list[str], progress: Reporter) -> dict[Level, Floats]:
    batches = []
    starts = range(0, len(texts), BATCH)
    for start in progress.track("scoring texts", starts, len(starts)):
        batch = texts[start : start + BATCH]
        matrix, _ = encode(model.sparse_encoder, model.dense_encoder, batch)
        batches.append(model.probabilities(matrix))
    return {level: np.concatenate([batch[level] for batch in batches]) for level in model.heads}


def _measure(
    model: TriageModel,
    examples: Examples,
    probabilities: dict[Level, Floats],
    rows: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> dict[str, dict[str, float]]:
    measured = {}
    for level, head in model.heads.items():
        labels = examples.table[level].to_numpy(dtype=object)[rows]
        found = level_metrics(labels, probabilities[level][rows], head.classes)
        if found:
            measured[str(level)] = found
    return measured


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
