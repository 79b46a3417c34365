"""Real appeals of the Kursk region: in Russian, and the same ones said in Kazakh."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from models.prediction import LEVELS
from training.benchmark.baselines import Baseline, choose, fasttext, prefix_svm, signalen
from training.benchmark.entries import Measured
from training.benchmark.measuring import measured
from training.benchmark.promise import with_contract, with_halves
from training.benchmark.suite import Suite
from training.benchmark.workbench import NamedEncoder, Workbench
from training.buckets import language_parts
from training.data import Examples, read_examples
from training.evaluate import choices_of, predict

FOLDER = Path("kursk")
FITTED = "kursk"
TRAIN, TEST, KAZAKH = (FOLDER / name for name in ("train.csv", "open_test.csv", "open_kk.jsonl"))


def measure_russian(encoder: NamedEncoder, bench: Workbench) -> Measured:
    """Fit on the train part, measure on the open test; try the contract on halves of its sample."""
    train = bench.limited(_read(bench, TRAIN))
    found = _measure(encoder, bench, bench.limited(_read(bench, TEST)))
    return with_halves(found, bench.fit(FITTED, train, encoder), train, bench.policy)


def measure_kazakh(encoder: NamedEncoder, bench: Workbench) -> Measured:
    """Fit on the Russian train part, measure on appeals of the open test said in Kazakh."""
    return _measure(encoder, bench, bench.limited(_labelled_kazakh(bench)))


def measure_baseline(baseline: Baseline, bench: Workbench) -> Measured:
    """Let a baseline do what the models do in Russian, each level by itself."""
    train, test = (bench.limited(_read(bench, path)).table for path in (TRAIN, TEST))
    chosen = {}
    for level in bench.progress.track("levels", LEVELS, len(LEVELS)):
        sides = [(side["text"].to_numpy(), side[level].to_numpy()) for side in (train, test)]
        chosen[str(level)] = choose(baseline, *sides)
    return measured(chosen, language_parts(test))


def _measure(encoder: NamedEncoder, bench: Workbench, test: Examples) -> Measured:
    model = bench.fit(FITTED, bench.limited(_read(bench, TRAIN)), encoder)
    predictions = predict(model, list(test.table["text"]), bench.progress)
    chosen = choices_of(predictions, test.table)
    found = measured(chosen, language_parts(test.table))
    return with_contract(found, model, predictions, chosen, bench.policy)


def _labelled_kazakh(bench: Workbench) -> Examples:
    """Read the Kazakh texts and take their labels from the Russian originals."""
    kazakh = read_examples([str(bench.shared / KAZAKH)], mapping={"text": "text_kk"})
    labels = _read(bench, TEST).table.set_index("id")[list(LEVELS)]
    table = kazakh.table.drop(columns=list(LEVELS)).join(labels, on="id")
    return replace(kazakh, table=table.where(table.notna(), None))


def _read(bench: Workbench, path: Path) -> Examples:
    return read_examples([str(bench.shared / path)])


RUSSIAN = Suite(
    name="kursk",
    title="Kursk: fitted on train, measured on the open test",
    about=(
        "Real appeals in Russian, 161 topics and 75 enterprises, very skewed; which body got an"
        " appeal is often a matter of custom. Not shipped. *Signalen* is its method (Russian"
        " stems, term frequencies, L1 logistic regression), *fastText* has pairs of words and"
        " pieces of 3 to 5 letters, *prefix SVM* is a linear SVM over TF-IDF of word beginnings;"
        " each of them answers each level by itself."
    ),
    files=lambda shared: (shared / TRAIN, shared / TEST),
    run=measure_russian,
    baselines={
        "Signalen": partial(measure_baseline, signalen),
        "fastText": partial(measure_baseline, fasttext),
        "prefix SVM": partial(measure_baseline, prefix_svm),
    },
)

KAZAKH_TOO = Suite(
    name="cross-lingual",
    title="Kursk: fitted on Russian alone, measured on Kazakh",
    about=(
        "The models of the suite above, on 200 appeals of the open test said again in Kazakh (160)"
        " or mixed speech (40)."
    ),
    files=lambda shared: (shared / TRAIN, shared / TEST, shared / KAZAKH),
    run=measure_kazakh,
)
