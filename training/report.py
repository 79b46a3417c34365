"""Puts figures of the benchmark into README, so that nobody types one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.benchmark.bars import Bar, read_bars
from training.benchmark.entries import Entry, Results
from training.benchmark.tables import NONE, number, table, words
from training.errors import TrainingError

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


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


def insert(page: str, quoted: str) -> str:
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
    return f"{before}{BEGIN}\n{quoted}\n{END}{after}"


def update(page: Path, results: Path) -> None:
    """Bring a page's figures up to date with the benchmark's result file."""
    quoted = render(Results.load(results), read_bars())
    page.write_text(insert(page.read_text(encoding="utf-8"), quoted), encoding="utf-8")
