"""Panels of the plots: each draws one thing on the axes that it is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from training.benchmark.curves import Confusion, Point
from training.benchmark.entries import Entry
from training.benchmark.measuring import LANGUAGES
from training.benchmark.tables import words
from training.buckets import ALL
from training.metrics import wilson_interval

# Okabe and Ito's palette, which people who see colours differently can tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
QUIET = "#999999"

MIN_POINT = 10
"""Texts of a bin from which on its point says something."""

MIN_COVERAGE = 0.05
"""Coverage from which on a curve of precision is drawn: before that a few texts toss it about."""

Colours = dict[str, str]


def draw_reliability(axes: Axes, level: str, entry: Entry) -> None:
    """Draw observed against stated accuracy, over all texts and each language."""
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
    found = {part: levels.get(level, []) for part, levels in entry.measured.reliability.items()}
    for part, colour in zip((*LANGUAGES, ALL), (*COLOURS[:3], COLOURS[-1]), strict=True):
        points = [point for point in found.get(part, []) if point[0] >= MIN_POINT]
        if not points or (part != ALL and len(found) == 2):  # one language is all there is
            continue
        _draw_bins(axes, points, colour, f"{part} (n = {sum(n for n, *_ in found[part]):.0f})")
    axes.set(
        title=words(level), xlim=(0, 1), ylim=(0, 1), xlabel="stated probability", aspect="equal"
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", fontsize=7)


def _draw_bins(axes: Axes, points: Sequence[Point], colour: str, label: str) -> None:
    _, stated, observed = np.array(points).T
    bounds = np.array([wilson_interval(share, n) for n, _, share in points]).T
    errors = np.abs(bounds - observed)
    axes.errorbar(
        stated, observed, errors, color=colour, linewidth=1, elinewidth=0.5, marker="o",
        markersize=3, label=label,
    )  # fmt: skip


def draw_coverage(axes: Axes, level: str, entries: Sequence[Entry], colours: Colours) -> None:
    """Draw precision against coverage of each method, and where its contract came to stand."""
    for entry in entries:
        points = [
            point for point in entry.measured.coverage.get(level, ()) if point[1] >= MIN_COVERAGE
        ]
        if not points:
            continue
        _, coverage, precision = np.array(points).T
        style = "--" if entry.is_baseline else "-"
        colour = colours[entry.method]
        axes.plot(
            coverage, precision, color=colour, linewidth=1.2, linestyle=style, label=entry.method
        )
        _draw_contract(axes, entry, level, colour)
    axes.set(title=words(level), xlim=(0, 1), xlabel="coverage: share routed automatically")


def _draw_contract(axes: Axes, entry: Entry, level: str, colour: str) -> None:
    names = ("target", "coverage", "precision", "precision_low", "precision_high")
    target, coverage, precision, low, high = (
        entry.figure(ALL, level, f"contract_{name}") for name in names
    )
    if target is not None:
        axes.axhline(target, color=QUIET, linewidth=1, linestyle=":")
    if coverage is None or precision is None or low is None or high is None:
        return
    axes.errorbar(
        [coverage], [precision], [[precision - low], [high - precision]], color=colour,
        marker="D", markersize=5, elinewidth=1, capsize=3,
    )  # fmt: skip


def draw_confusion(axes: Axes, found: Confusion) -> None:
    """Draw which category was taken for which; rows add up to one colour."""
    counts = np.array(found.counts, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(
            column + 0.5, row + 0.5, f"{counts[row, column]:.0f}", color=colour, ha="center",
            va="center", fontsize=6,
        )  # fmt: skip
    ticks = np.arange(len(counts)) + 0.5
    axes.set_xticks(ticks, found.classes, rotation=90, fontsize=7)
    axes.set_yticks(ticks, found.classes, fontsize=7)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set(xlabel="chosen", ylabel="true", aspect="equal")


def draw_bars(
    axes: Axes, level: str, entries: Sequence[Entry], parts: Sequence[str], colours: Colours
) -> None:
    """Draw the accuracy of each method on each part, with its 95 % interval."""
    here = [entry for entry in entries if any(entry.figure(part, level, "n") for part in parts)]
    width = 0.8 / max(len(here), 1)
    for number, entry in enumerate(here):
        shown = [part for part in parts if entry.figure(part, level, "accuracy") is not None]
        at = [parts.index(part) + (number - (len(here) - 1) / 2) * width for part in shown]
        values = np.array([entry.figure(part, level, "accuracy") for part in shown], dtype=float)
        bounds = [
            [entry.figure(part, level, f"accuracy_{end}") for part in shown]
            for end in ("low", "high")
        ]
        errors = np.nan_to_num(np.abs(np.array(bounds, dtype=float) - values))
        axes.bar(
            at, values, width * 0.92, yerr=errors, color=colours[entry.method], label=entry.method,
            error_kw={"elinewidth": 0.7, "ecolor": "#444444"},
        )  # fmt: skip
    axes.set_xticks(range(len(parts)), parts, rotation=30, ha="right")
    axes.set(title=words(level), ylim=(0, 1))
