"""A prediction as JSON: the one shape of `triage classify`, MLflow and evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.prediction import LEVELS, Candidate, Prediction


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
    listed = [{"code": c.code, "probability": round(c.probability, 6)} for c in candidates]
    return {**listed[0], "candidates": listed}
