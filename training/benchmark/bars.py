"""The bars that the benchmark is held against, and which of them are met."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.benchmark.entries import Entry, Results

BARS = Path(__file__).parent.parent / "data" / "bars.tsv"
BEST = "best"
AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True)
class Bar:
    """One figure that is quoted, and what it is asked to reach.

    Attributes
    ----------
    encoder
        Whose figure: the name of an encoder, or `BEST` for whichever is best at it.
    bound
        `AT_LEAST` or `AT_MOST`.
    value
        None where nothing is asked.
    """

    suite: str
    part: str
    level: str
    figure: str
    encoder: str
    bound: str
    value: float | None


@dataclass(frozen=True)
class Outcome:
    """The entry that a bar is held against; None where nothing was measured."""

    bar: Bar
    entry: Entry | None

    @property
    def figures(self) -> Mapping[str, float]:
        """All figures of that entry for the bar's texts and level."""
        parts = self.entry.measured.figures if self.entry else {}
        return parts.get(self.bar.part, {}).get(self.bar.level, {})

    @property
    def is_met(self) -> bool | None:
        """Whether the figure is as good as the bar asks."""
        value = self.figures.get(self.bar.figure)
        if value is None or self.bar.value is None:
            return None
        return value >= self.bar.value if self.bar.bound == AT_LEAST else value <= self.bar.value


def read_bars(path: Path = BARS) -> list[Bar]:
    """Read the table of bars."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return [_bar(row, row.pop("value")) for row in rows]


def _bar(row: dict[str, str], value: str) -> Bar:
    return Bar(**row, value=float(value) if value else None)


def judge(results: Results, bars: Sequence[Bar]) -> list[Outcome]:
    """Hold the best encoder, or the one that a bar names, against each bar that asks anything."""
    return [Outcome(bar, _best(results, bar)) for bar in bars if bar.value is not None]


def _best(results: Results, bar: Bar) -> Entry | None:
    found = [
        (value, entry)
        for entry in results.of(bar.suite)
        if not entry.is_baseline and bar.encoder in (entry.method, BEST)
        if (value := entry.figure(bar.part, bar.level, bar.figure)) is not None
    ]
    sign = 1 if bar.bound == AT_LEAST else -1
    return max(found, key=lambda one: sign * one[0])[1] if found else None
