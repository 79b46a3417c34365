"""Writes the report of a comparison: its page, the changed appeals and the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from training.compare import Comparison
from training.comparison.changes import write_changes
from training.comparison.sections import sections
from training.page import write_page
from triage.promotion import GateReport

CHANGES, FIGURES = "changes.csv", "figures.json"


def write_report(
    comparison: Comparison,
    folder: Path,
    *,
    facts: Sequence[str] = (),
    gates: Sequence[GateReport] = (),
) -> None:
    """Write the report, its plots, the changed appeals and the figures into a folder.

    Parameters
    ----------
    facts
        Lines that say where the figures come from.
    """
    from training.comparison.plots import draw  # matplotlib takes half a second to load

    title = f"{comparison.challenger} against {comparison.champion}"
    write_page(folder, title, facts, list(sections(comparison, gates)), list(draw(comparison)))
    write_changes(comparison.changes, folder / CHANGES)
    figures = json.dumps(_figures(comparison), ensure_ascii=False, indent=2)
    (folder / FIGURES).write_text(figures + "\n", encoding="utf-8")


def _figures(comparison: Comparison) -> dict[str, Any]:
    return {
        "champion": comparison.champion,
        "challenger": comparison.challenger,
        "measured": [
            {"bucket": one.bucket.label, "level": one.level, **_jsonable(asdict(one.contrast))}
            for one in comparison.measured
        ],
        "load": [asdict(one) for one in comparison.load],
    }


def _jsonable(value: Any) -> Any:
    """Turn NaN, which JSON does not know, into null, and round the rest."""
    if isinstance(value, dict):
        return {name: _jsonable(one) for name, one in value.items()}
    if isinstance(value, float):
        return None if isnan(value) else round(value, 6)
    return value
