"""Puts figures of the benchmark into README, so that nobody types one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.benchmark.bars import Bar, read_bars
from training.benchmark.entries import Entry, Results
from training.benchmark.tables import NONE, number, table, words
from training.errors import TrainingError

RESULTS = "results"
"""What the marks of this benchmark's figures are called."""


def render(results: Results, bars: Sequence[Bar]) -> str:
    """Write the figures that are to be quoted, a row each, methods side by side.

    Raises
    ------
    TrainingError
        There are no figures.
    """
    if not results.entries:
        raise TrainingError("no figures: run `triage-train benchmark` first")
    ordered = sorted(results.entries, key=lambda entry: (entry.is_baseline, entry.method))
    methods = list(dict.fromkeys(entry.method for entry in ordered))
    by_key = {entry.key: entry for entry in results.entries}
    quoted = dict.fromkeys((bar.suite, bar.part, bar.level, bar.figure) for bar in bars)
    rows = [
        (
            suite,
            part,
            words(level),
            words(figure),
            *(_cell(by_key.get((suite, method)), part, level, figure) for method in methods),
        )
        for suite, part, level, figure in quoted
    ]
    return table(("suite", "texts", "level", "figure", *methods), rows).rstrip("\n")


def _cell(entry: Entry | None, part: str, level: str, figure: str) -> str:
    return NONE if entry is None else number(entry.figure(part, level, figure))


def marks(name: str = RESULTS) -> tuple[str, str]:
    """Return the lines between which quoted figures stand in a page."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def insert(page: str, quoted: str, name: str = RESULTS) -> str:
    """Replace what stands between the marks of that name in a page.

    Raises
    ------
    TrainingError
        The page has no such marks.
    """
    begin, end = marks(name)
    before, has_begin, rest = page.partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise TrainingError(f"no {begin} and {end} in the page")
    return f"{before}{begin}\n{quoted}\n{end}{after}"


def update(page: Path, results: Path) -> None:
    """Bring a page's figures up to date with the benchmark's result file."""
    quoted = render(Results.load(results), read_bars())
    page.write_text(insert(page.read_text(encoding="utf-8"), quoted), encoding="utf-8")
