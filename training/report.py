"""Puts figures from result files into README, so that nobody types one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from models.prediction import LEVELS
from training.errors import TrainingError
from training.evaluate import ALL, Result

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
METRICS = {
    "accuracy": "accuracy",
    "top3_accuracy": "top-3",
    "macro_f1": "macro-F1",
    "ece": "ECE",
}


def render(results: Iterable[Result]) -> str:
    """Write results as one Markdown table, a row for each level."""
    header = f"| data | level | n | {' | '.join(METRICS.values())} | encoder | date |"
    lines = [header, "|---|---|---|" + "---|" * len(METRICS) + "---|---|"]
    for result in results:
        for level in LEVELS:
            found = result.metrics[ALL].get(level)
            if found:
                figures = " | ".join(f"{found[name]:.3f}" for name in METRICS)
                lines.append(
                    f"| {result.name} | {level} | {found['n']:.0f} | {figures}"
                    f" | {result.model['encoder']} | {result.date} |"
                )
    return "\n".join(lines)


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
