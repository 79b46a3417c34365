"""From choices to what an entry holds: figures with their intervals, and the curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.benchmark.curves import confusion, coverage_curve, reliability
from training.benchmark.entries import Measured
from training.buckets import ALL, ODD_SCRIPTS, Parts
from training.evaluate import Figures, measure_parts, rounded
from training.metrics import Choices, wilson_interval

LANGUAGES = ("ru", "kk", "mixed")
BUCKETS = (*LANGUAGES, *ODD_SCRIPTS)
"""Languages and spellings that are told of apart."""

MIN_BUCKET = 50
"""Texts of a language or spelling from which on its accuracy says something."""


def measured(chosen: Mapping[str, Choices], parts: Parts) -> Measured:
    """Measure every level over every part, with the curves of those that have probabilities."""
    probable = {
        level: choices
        for level, choices in chosen.items()
        if len(choices.labelled) and not np.isnan(choices.probability).any()
    }
    shown = {part: rows for part, rows in parts.items() if part in (ALL, *LANGUAGES)}
    return Measured(
        figures=rounded(with_gaps(with_intervals(measure_parts(chosen, parts)))),
        reliability={
            part: {level: reliability(choices.at(rows)) for level, choices in probable.items()}
            for part, rows in shown.items()
        },
        coverage={level: coverage_curve(choices, level) for level, choices in probable.items()},
        confusion=confusion(chosen["category"]) if "category" in chosen else None,
    )


def with_intervals(figures: Figures) -> Figures:
    """Add the 95 % interval of each accuracy, as if texts were independent of each other."""
    return {
        part: {level: values | _interval(values) for level, values in levels.items()}
        for part, levels in figures.items()
    }


def with_gaps(figures: Figures) -> Figures:
    """Add to each level how far its worst language or spelling lies under all together."""
    gaps = {level: _gap(figures, level) for level in figures[ALL]}
    whole = {
        level: values | ({"language_gap": gaps[level]} if level in gaps else {})
        for level, values in figures[ALL].items()
    }
    return figures | {ALL: whole}


def with_mean(figures: Figures, prefix: str, name: str) -> Figures:
    """Add a part that is the mean over others, each counting the same.

    Parameters
    ----------
    prefix
        Of the names of those parts.
    name
        Of the part to add.
    """
    parts = [levels for part, levels in figures.items() if part.startswith(prefix)]
    means = {
        level: {
            metric: round(float(np.mean([part[level][metric] for part in parts])), 4)
            for metric in ("accuracy", "macro_f1", "top3_accuracy", "ece")
            if metric in parts[0][level]
        }
        | {"n": sum(part[level]["n"] for part in parts)}
        for level in parts[0]
    }
    return figures | {name: means}


def _interval(values: Mapping[str, float]) -> dict[str, float]:
    low, high = wilson_interval(values["accuracy"], values["n"])
    return {"accuracy_low": low, "accuracy_high": high}


def _gap(figures: Figures, level: str) -> float:
    found = [figures[part][level] for part in BUCKETS if level in figures.get(part, {})]
    worst = min((one["accuracy"] for one in found if one["n"] >= MIN_BUCKET), default=None)
    overall = figures[ALL][level]["accuracy"]
    return 0.0 if worst is None else max(0.0, overall - worst)
