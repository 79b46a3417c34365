"""Draws a comparison: differences with their intervals, reliability, coverage, what changes."""

from __future__ import annotations

import io
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.benchmark.curves import coverage_curve, reliability
from training.benchmark.panels import COLOURS, MIN_COVERAGE, MIN_POINT, QUIET
from training.benchmark.plots import PANEL, STYLE
from training.benchmark.tables import words
from training.compare import Comparison
from training.comparison.answers import Answers
from training.page import Drawing

CHAMPION, CHALLENGER = COLOURS[0], COLOURS[1]
MAX_LABELS = 12
"""Labels of the matrix of changes; the rest count as others."""

OTHERS = "…"


def draw(comparison: Comparison) -> Iterator[Drawing]:
    """Draw all plots of a comparison, the same file for the same figures."""
    drawn = (
        (
            "differences",
            "Accuracy of the challenger minus that of the champion, with 95 % intervals by paired"
            " bootstrap; left of the line the challenger is worse",
            _forest,
        ),
        ("reliability", "What was stated against what came true", _reliability),
        (
            "coverage",
            "Precision against coverage as the threshold falls; diamonds show where the contract"
            " stands",
            _coverage,
        ),
        (
            "changes",
            "Answers of the champion (rows) that the challenger changes (columns): number of"
            " appeals",
            _changes,
        ),
    )
    with mpl.rc_context(fname=STYLE):
        for name, caption, make in drawn:
            figure = make(comparison)
            if figure is not None:
                yield Drawing(name, caption, _svg(figure))


def _forest(comparison: Comparison) -> Figure | None:
    shown = [one for one in comparison.measured if one.level == comparison.levels[-1]]
    figure = Figure(figsize=(2.4 * PANEL, 0.9 + 0.24 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    for place, one in enumerate(shown):
        found = one.contrast.differences["accuracy"]
        errors = [[found.value - found.low], [found.high - found.value]]
        axes.errorbar(
            [found.value], [place], xerr=np.maximum(errors, 0), color=CHALLENGER, marker="o",
            markersize=4, elinewidth=1, capsize=2,
        )  # fmt: skip
    axes.axvline(0, color=QUIET, linewidth=1)
    labels = [f"{one.bucket.label} (n = {one.contrast.n})" for one in shown]
    axes.set_yticks(range(len(shown)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="difference of accuracy", title=words(comparison.levels[-1]))
    return figure


def _reliability(comparison: Comparison) -> Figure:
    def panel(axes: Axes, answers: Answers, colour: str, label: str) -> None:
        points = [one for one in reliability(answers.choices) if one[0] >= MIN_POINT]
        if points:
            _, stated, observed = np.array(points).T
            axes.plot(stated, observed, color=colour, marker="o", markersize=3, label=label)

    figure, panels = _panels(comparison)
    for axes, level in panels:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
        for answers, colour, label in _both(comparison, level):
            panel(axes, answers, colour, label)
        axes.set(title=words(level), xlim=(0, 1), ylim=(0, 1), xlabel="stated probability")
    return _named(figure, "observed accuracy")


def _coverage(comparison: Comparison) -> Figure:
    figure, panels = _panels(comparison)
    for axes, level in panels:
        for answers, colour, label in _both(comparison, level):
            curve = coverage_curve(answers.choices, level)
            points = [point for point in curve if point[1] >= MIN_COVERAGE]
            if points:
                _, coverage, precision = np.array(points).T
                axes.plot(coverage, precision, color=colour, label=label)
        whole = comparison.whole(level)
        for figures, colour in ((whole.champion, CHAMPION), (whole.challenger, CHALLENGER)):
            axes.plot(figures["coverage"], figures["precision"], marker="D", color=colour)
        axes.set(title=words(level), xlim=(0, 1), xlabel="coverage: share routed automatically")
    return _named(figure, "precision: share of those that are right")


def _changes(comparison: Comparison) -> Figure | None:
    """Count changes at the broadest level, whose labels can still be read."""
    level = comparison.levels[0]
    pairs = [(one.champion, one.challenger) for one in comparison.changes if one.level == level]
    if not pairs:
        return None
    names, counts = np.unique(np.array(pairs).ravel(), return_counts=True)
    frequent = [str(names[at]) for at in np.argsort(-counts, kind="stable")[:MAX_LABELS]]
    labels = frequent + ([OTHERS] if len(names) > len(frequent) else [])
    table = np.zeros((len(labels), len(labels)))
    for before, after in pairs:
        row, column = (labels.index(one) if one in frequent else -1 for one in (before, after))
        table[row, column] += 1
    side = 1.8 + 0.3 * len(labels)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.pcolormesh(table, cmap="Oranges", vmin=0)
    for row, column in np.argwhere(table > 0):
        count = f"{table[row, column]:.0f}"
        axes.text(column + 0.5, row + 0.5, count, ha="center", va="center", fontsize=7)
    ticks = np.arange(len(labels)) + 0.5
    axes.set_xticks(ticks, labels, rotation=90, fontsize=7)
    axes.set_yticks(ticks, labels, fontsize=7)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set(xlabel="challenger", ylabel="champion", title=words(level), aspect="equal")
    return figure


def _both(comparison: Comparison, level: str) -> Iterator[tuple[Answers, str, str]]:
    names = (comparison.champion, comparison.challenger)
    for answers, colour, name in zip(
        comparison.answers, (CHAMPION, CHALLENGER), names, strict=True
    ):
        yield answers[level].labelled, colour, name


def _panels(comparison: Comparison) -> tuple[Figure, list[tuple[Axes, str]]]:
    levels = comparison.levels
    figure = Figure(figsize=(PANEL * len(levels), PANEL + 0.5), layout="constrained")
    grid = figure.subplots(1, len(levels), squeeze=False, sharey=True).flat
    return figure, list(zip(grid, levels, strict=True))


def _named(figure: Figure, label: str) -> Figure:
    """Name the vertical axis once, and both models in a legend above the panels."""
    figure.axes[0].set_ylabel(label)
    handles, names = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, names, loc="outside upper left", ncols=2)
    return figure


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
