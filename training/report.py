"""Puts figures from result files into README, so that nobody types one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from models.prediction import LEVELS
from training.errors import TrainingError
from training.evaluate import ALL, Result

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
METRICS = {"top3_accuracy": "top-3", "macro_f1": "macro-F1", "ece": "ECE"}
LANGUAGES = ("ru", "kk", "mixed")

MIN_SHOWN = 50
"""Appeals of a language from which on its accuracy says something."""

NONE = "–"


def render(results: Iterable[Result]) -> str:
    """Write results as one Markdown table, a row for each level."""
    columns = ["data", "level", "n", "accuracy", *LANGUAGES, *METRICS.values(), "encoder", "date"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for result in results:
        measured = result.metrics[ALL]
        for level in sorted(measured, key=_order):
            found = measured[level]
            cells = [
                result.name,
                level.replace("_", " "),
                f"{found['n']:.0f}",
                f"{found['accuracy']:.3f}",
                *(_accuracy_of(result, language, level) for language in LANGUAGES),
                *(f"{found[name]:.3f}" if name in found else NONE for name in METRICS),
                result.model["encoder"],
                result.date,
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(level: str) -> tuple[int, str]:
    """Levels from the broad to the fine, then whatever else was measured."""
    return (LEVELS.index(level) if level in LEVELS else len(LEVELS), level)


def _accuracy_of(result: Result, language: str, level: str) -> str:
    found = result.metrics.get(language, {}).get(level)
    return f"{found['accuracy']:.3f}" if found and found["n"] >= MIN_SHOWN else NONE


def insert(page: str, table: str) -> str:
    """Replace what stands between the marks of a page.

    Raises
    ------
    TrainingError
        The page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise TrainingError(f"no {BEGIN} and {END} in the page")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def update(page: Path, results: Path) -> None:
    """Bring a page's figures up to date with a folder of result files."""
    loaded = [Result.load(path) for path in sorted(results.glob("*.json"))]
    text = insert(page.read_text(encoding="utf-8"), render(loaded))
    page.write_text(text, encoding="utf-8")
