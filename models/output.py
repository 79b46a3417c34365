"""A prediction as JSON: the one shape of `triage classify`, MLflow and evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from models.bundle import Scores, TriageModel
from models.classifier import Floats
from models.prediction import CANDIDATES, LEVELS, Candidate, Prediction
from models.rowwise import best_columns

DIGITS = 6

# Spreadsheets and Parquet may have ids that JSON has no word for: dates, decimals.
encode_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


def as_json(prediction: Prediction) -> dict[str, Any]:
    """Return language and levels; a level the model does not have is null."""
    levels: dict[str, Any] = {
        level: level_as_json(prediction.levels.get(level, ())) for level in LEVELS
    }
    return {"language": prediction.language, **levels}


def level_as_json(candidates: Sequence[Candidate]) -> dict[str, Any] | None:
    """Return the first candidate with all of them beside it, or None where there are none."""
    if not candidates:
        return None
    listed = [{"code": c.code, "probability": round(c.probability, DIGITS)} for c in candidates]
    return {**listed[0], "candidates": listed}


def as_lines(model: TriageModel, scores: Scores, ids: Sequence[Any]) -> Iterator[str]:
    """Yield each text's id and `as_json` as JSON, without an object for each candidate.

    That is 15 candidates a text: objects, rounding and `json.dumps` took 60 µs of them, this 15.
    """
    missing = ["null"] * len(ids)
    levels = [
        _levels_as_json(model.heads[level].classes, scores.levels[level])
        if level in scores.levels
        else missing
        for level in LEVELS
    ]
    for one, language, category, topic, enterprise in zip(
        ids, scores.languages, *levels, strict=True
    ):
        yield (
            f'{{"id": {encode_json(one)}, "language": {encode_json(language)}, "category":'
            f' {category}, "topic": {topic}, "enterprise": {enterprise}}}'
        )


def _levels_as_json(classes: tuple[str, ...], probabilities: Floats) -> list[str]:
    """Return `level_as_json` of each row of probabilities, as JSON."""
    columns = best_columns(probabilities, CANDIDATES)
    numbers = rounded(np.take_along_axis(probabilities, columns, axis=1))
    beginnings = _beginnings(classes)
    # What '}' is to follow.
    listed = [
        f"{beginnings[column]}{number!r}"
        for column, number in zip(columns.ravel().tolist(), numbers.ravel().tolist(), strict=True)
    ]
    rows = zip(*[iter(listed)] * columns.shape[1], strict=True)
    return [f'{row[0]}, "candidates": [{"}, ".join(row)}}}]}}' for row in rows]


@lru_cache(maxsize=16)
def _beginnings(classes: tuple[str, ...]) -> list[str]:
    """Return each class as the beginning of a candidate, up to its probability."""
    return [f'{{"code": {encode_json(code)}, "probability": ' for code in classes]


def rounded(values: Floats) -> Floats:
    """Return `round(value, DIGITS)` of each value from 0 to 1, bit for bit."""
    scaled = values * 10**DIGITS
    whole = np.rint(scaled)
    found: Floats = whole / 10**DIGITS
    # Python rounds what the value itself is, not the product, which may have become a half.
    for place in zip(*np.nonzero(np.abs(scaled - whole) > 0.5 - 1e-6), strict=True):
        found[place] = round(float(values[place]), DIGITS)
    return found
