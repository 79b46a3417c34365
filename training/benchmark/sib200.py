"""SIB-200: topics of the same sentences in many languages; fitted on one, measured on another.

Adelani, Liu, Shen, Vassilyev, Alabi, Mao, Gao and Lee, "SIB-200: A Simple, Inclusive, and Big
Evaluation Dataset for Topic Classification in 200+ Languages and Dialects", EACL 2024.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold

from models.encoders import DenseEncoder
from training.benchmark.entries import Measured
from training.benchmark.measuring import with_intervals
from training.benchmark.suite import Suite
from training.benchmark.workbench import NamedEncoder, Workbench
from training.data import Examples, read_examples
from training.evaluate import Figures, choices_of, predict, rounded
from training.metrics import Choices, measure

FOLDER = Path("sib200")
FILES = {"ru": "rus_Cyrl", "kk": "kaz_Cyrl"}
DIRECTIONS = (("ru", "kk"), ("ru", "ru"), ("kk", "kk"))
LEVEL = "category"
VECTOR = "vector alone"
C_GRID = (1, 3, 10, 30, 100)


def measure_directions(encoder: NamedEncoder, bench: Workbench) -> Measured:
    """Fit on one language and measure on another: the vector alone, and all features."""
    figures: Figures = {}
    for source, target in bench.progress.track("directions", DIRECTIONS, len(DIRECTIONS)):
        train, test = _read(bench, source, "train"), _read(bench, target, "test")
        model = bench.fit(f"sib200 {source}", train, encoder)
        predictions = predict(model, list(test.table["text"]), bench.progress)
        levels = {LEVEL: measure(choices_of(predictions, test.table)[LEVEL])}
        if encoder.dense:
            levels[VECTOR] = measure(_of_vectors(encoder.dense, train, test, bench.seed))
        figures[f"{source} to {target}"] = levels
    return Measured(rounded(with_intervals(figures)))


def _of_vectors(dense: DenseEncoder, train: Examples, test: Examples, seed: int) -> Choices:
    """Fit logistic regression on the vectors; its C is chosen by folds of the training texts."""
    head = LogisticRegression(max_iter=300)
    search = GridSearchCV(head, {"C": C_GRID}, cv=KFold(5, shuffle=True, random_state=seed))
    search.fit(dense.encode(list(train.table["text"])), train.table[LEVEL].astype(str))
    values = search.predict_proba(dense.encode(list(test.table["text"])))
    return Choices.of(test.table[LEVEL].to_numpy(), np.asarray(values), search.classes_)


def _read(bench: Workbench, language: str, part: str) -> Examples:
    return bench.limited(read_examples([str(_file(bench.shared, language, part))], delimiter="\t"))


def _file(shared: Path, language: str, part: str) -> Path:
    return shared / FOLDER / f"{FILES[language]}.{part}.tsv"


SIB200 = Suite(
    name="sib200",
    title="SIB-200: fitted on one language, measured on another",
    about=(
        "A public test: the same sentences in many languages, 7 topics, 701 to fit on and 204 to"
        " measure on. *Vector alone* is logistic regression over the encoder's vector, as it is"
        " usually measured; *category* is our whole model."
    ),
    files=lambda shared: tuple(
        _file(shared, language, part) for language in FILES for part in ("train", "test")
    ),
    run=measure_directions,
)
