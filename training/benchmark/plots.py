"""Draws what the entries hold, each plot the same file for the same figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.benchmark.entries import Entry
from training.benchmark.measuring import BUCKETS
from training.benchmark.panels import (
    COLOURS,
    MIN_POINT,
    Colours,
    draw_bars,
    draw_confusion,
    draw_coverage,
    draw_reliability,
)
from training.benchmark.tables import level_order, part_order
from training.buckets import ALL
from training.evaluate import Figures

STYLE = Path(__file__).parent.parent / "data" / "plots.mplstyle"
PANEL = 3.2
"""Inches of a panel's side."""

LEGEND = 0.5
"""Inches for the legend above the panels."""

MIN_CATEGORIES = 3
MAX_COLUMNS = 3
MAX_BESIDE = 7
"""Parts up to which panels of bars stand side by side."""

MIN_PARTS = 3
"""All together and one language would be two bars alike."""

OTHER = "other"


@dataclass(frozen=True)
class Plot:
    """A figure under the name of its file, and what it shows, in a line."""

    name: str
    caption: str
    figure: Figure


def draw(entries: Sequence[Entry]) -> Iterator[Plot]:
    """Draw all that there is to see in the entries of one suite."""
    colours = {entry.method: COLOURS[at % len(COLOURS)] for at, entry in enumerate(entries)}
    with mpl.rc_context(fname=STYLE):
        yield from _coverage(entries, colours)
        for entry in entries:
            if not entry.is_baseline:
                yield from _reliability(entry)
                yield from _confusion(entry)
        yield from _bars(entries, colours)


def save(plots: Iterable[Plot], folder: Path) -> list[tuple[Path, str]]:
    """Write the plots as SVG; return each file with its caption."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for plot in plots:
        path = folder / f"{plot.name}.svg"
        with mpl.rc_context(fname=STYLE):
            plot.figure.savefig(path, metadata={"Date": None, "Creator": None})
        saved.append((path, plot.caption))
    return saved


def _coverage(entries: Sequence[Entry], colours: Colours) -> Iterator[Plot]:
    suite = entries[0].suite
    levels = level_order(level for entry in entries for level in entry.measured.coverage)
    if not levels:
        return
    figure = _panels(levels, partial(draw_coverage, entries=entries, colours=colours))
    _finish(figure, "precision: share of those that are right")
    yield Plot(
        f"coverage-{suite}",
        "Coverage against precision as the threshold falls; a diamond is where the contract came to"
        " stand, with the 95 % interval of its precision, dotted what it promises",
        figure,
    )


def _reliability(entry: Entry) -> Iterator[Plot]:
    levels = level_order(entry.measured.reliability.get(ALL, ()))
    if not levels:
        return
    figure = _panels(levels, partial(draw_reliability, entry=entry))
    figure.axes[0].set_ylabel("observed accuracy")
    yield Plot(
        f"reliability-{entry.suite}-{_slug(entry.method)}",
        f"Reliability of {entry.method}: what was stated against what came true, in bins of 10"
        " texts or more",
        figure,
    )


def _confusion(entry: Entry) -> Iterator[Plot]:
    found = entry.measured.confusion
    if found is None or len(found.classes) < MIN_CATEGORIES:
        return
    side = 1.6 + 0.26 * len(found.classes)
    figure = Figure(figsize=(side, side), layout="constrained")
    draw_confusion(figure.add_subplot(), found)
    yield Plot(
        f"confusion-{entry.suite}-{_slug(entry.method)}",
        f"Which category {entry.method} took for which: number of texts, colour as share of the"
        " true category",
        figure,
    )


def _bars(entries: Sequence[Entry], colours: Colours) -> Iterator[Plot]:
    suite = entries[0].suite
    figures = [entry.measured.figures for entry in entries]
    levels = level_order(level for parts in figures for found in parts.values() for level in found)
    parts = part_order(part for found in figures for part in _large(found))
    groups = {
        "languages": [part for part in (ALL, *BUCKETS) if part in parts],
        "groups": [part for part in parts if part not in (ALL, *BUCKETS, OTHER)],
    }
    for name, group in groups.items():
        if len(group) < MIN_PARTS:
            continue
        draw_level = partial(draw_bars, entries=entries, parts=group, colours=colours)
        figure = _panels(levels, draw_level, columns=1 if len(group) > MAX_BESIDE else MAX_COLUMNS)
        _finish(figure, "accuracy")
        caption = "Accuracy by language and spelling" if name == "languages" else "Accuracy by part"
        yield Plot(f"{name}-{suite}", f"{caption}, with 95 % intervals", figure)


def _large(figures: Figures) -> list[str]:
    """Return the parts that have enough texts for a bar."""
    return [
        part
        for part, levels in figures.items()
        if any(found["n"] >= MIN_POINT for found in levels.values())
    ]


def _panels(
    levels: Sequence[str], draw_level: Callable[[Axes, str], None], *, columns: int = MAX_COLUMNS
) -> Figure:
    """Draw a panel for each level, a few side by side, or wide ones below each other."""
    columns = min(columns, len(levels))
    rows = -(-len(levels) // columns)
    is_wide = columns == 1 and rows > 1
    width, height = (2.5 * PANEL, 0.7 * PANEL) if is_wide else (PANEL * columns, PANEL)
    figure = Figure(figsize=(width, height * rows + LEGEND), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=is_wide, sharey=True).flat
    for axes, level in zip(grid, levels, strict=False):
        draw_level(axes, level)
    for axes in grid[len(levels) :]:
        axes.remove()
    return figure


def _finish(figure: Figure, label: str) -> None:
    """Name the vertical axis once, and the methods in one legend above the panels."""
    figure.axes[0].set_ylabel(label)
    named = {
        name: handle
        for axes in figure.axes
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if named:
        figure.legend(named.values(), named, loc="outside upper left", ncols=len(named))


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).lower()
