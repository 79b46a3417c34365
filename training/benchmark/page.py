"""Writes the benchmark's page: bars, tables and plots, from the result file alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from training.benchmark.bars import Outcome
from training.benchmark.entries import Entry, Results
from training.benchmark.sections import write_contract, write_halves, write_levels, write_parts
from training.benchmark.suite import Suite
from training.benchmark.tables import NONE, interval, table, words

HEAD = """\
# Benchmark

Written by `triage-train benchmark` from [{results}]({results}), which holds the command, the \
versions and the SHA-256 of the data behind each figure. Don't edit it by hand.

Brackets are 95 % Wilson intervals. They take texts as independent of each other, which those of \
one voice are not: the truth is somewhat wider. *ECE* is the expected calibration error (15 bins), \
*n* the texts that have a label.
"""
Plots = Mapping[str, Sequence[tuple[Path, str]]]
"""Files and captions by suite."""


def render(
    results: Results,
    suites: Iterable[Suite],
    outcomes: Sequence[Outcome],
    plots: Plots,
    *,
    page: Path,
    result_file: Path,
) -> str:
    """Write the page.

    Parameters
    ----------
    page, result_file
        Where both lie: links go from one to the other.
    """
    parts = [HEAD.format(results=_link(result_file, page))]
    if any(outcome.entry for outcome in outcomes):
        parts += ["## What was asked for\n", bars_table(outcomes)]
    for suite in suites:
        parts += _suite(results, suite, plots.get(suite.name, ()), page)
    return "\n".join(part for part in parts if part)


def bars_table(outcomes: Iterable[Outcome]) -> str:
    """Write what was asked for beside what was reached."""
    rows = [
        (
            one.bar.suite,
            one.bar.part,
            words(one.bar.level),
            words(one.bar.figure),
            one.bar.encoder,
            f"{one.bar.bound} {one.bar.value:.2f}",
            interval(one.figures, one.bar.figure),
            one.entry.method if one.entry else NONE,
            {True: "yes", False: "no", None: "not measured"}[one.is_met],
        )
        for one in outcomes
    ]
    names = ("suite", "texts", "level", "figure", "asked of", "bar", "reached", "by", "met")
    return table(names, rows)


def _suite(
    results: Results, suite: Suite, plots: Sequence[tuple[Path, str]], page: Path
) -> list[str]:
    entries = results.of(suite.name)
    skipped = [
        f"Not measured{method and f' with {method}'}: {reason}.\n"
        for (name, _, method), reason in (
            (key.partition(": "), reason) for key, reason in results.skipped.items()
        )
        if name == suite.name
    ]
    if not entries and not skipped:
        return []
    tables = [write(entries) for write in (write_levels, write_contract, write_halves)]
    tables += [*map(write_parts, entries), _origin(entries)]
    shown = [f"![{caption}]({_link(path, page)})\n\n*{caption}.*\n" for path, caption in plots]
    return [
        f"\n## {suite.title}\n",
        f"{suite.about}\n",
        *skipped,
        *(tables if entries else ()),
        *shown,
    ]


def _origin(entries: Sequence[Entry]) -> str:
    """Tell which command measured what, and when."""
    lines = []
    ran = sorted(entries, key=_run)
    for (date, command, limit), together in groupby(ran, key=_run):
        methods = ", ".join(f"{entry.method} ({entry.seconds:.0f} s)" for entry in together)
        trial = f", **at most {limit} rows of each file**" if limit else ""
        lines.append(f"- {methods}: {date}, `{command}`{trial}")
    return "\n".join(lines) + "\n"


def _run(entry: Entry) -> tuple[str, str, int]:
    return entry.date, entry.command, entry.limit or 0


def _link(path: Path, page: Path) -> str:
    return Path(os.path.relpath(path, page.parent)).as_posix()
