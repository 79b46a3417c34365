"""Draws the health of a window, the same file for the same figures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.benchmark.panels import COLOURS, QUIET
from training.benchmark.plots import PANEL, STYLE
from training.benchmark.tables import NONE
from training.monitor import MEASURES, Monitored, precisions
from training.page import Drawing
from triage.health import Audited, FigureName, HealthFigure, Mix, State

MAX_BARS = 20
"""Labels drawn; those whose share has changed most."""

BESIDE = 0.4
"""Height of one of two bars beside each other."""

WARNED = COLOURS[1]


def draw(found: Monitored) -> Iterator[Drawing]:
    """Draw all plots of a window; those of which there is nothing to show are left out."""
    shown = [one for one in found.figures if one.value is not None and one.threshold]
    if shown:
        fill = partial(_thresholds, figures=shown)
        yield _drawn("drift", "Each figure as a multiple of its threshold", fill, len(shown))
    for name, mix in found.drifts.mixes.items():
        labels = _labels(name, mix)
        if labels:
            caption = f"{MEASURES[name].capitalize()}: share in the window and before"
            fill = partial(_bars, mix=mix, labels=labels)
            yield _drawn(f"mix-{name}", caption, fill, len(labels))
    if any(one.value is not None for one in precisions(found.audited).values()):
        caption = "Precision by blind checks with its interval; the line is what was promised"
        fill = partial(_intervals, audited=found.audited)
        yield _drawn("precision", caption, fill, len(found.audited.parts) + 1)


def _labels(name: FigureName, mix: Mix) -> list[str | None]:
    now, before = max(sum(mix.now.values()), 1), max(sum(mix.before.values()), 1)
    if name == "confidence":
        return sorted(mix.before.keys() | mix.now.keys(), key=lambda label: int(label or 0))
    change = {
        label: abs(mix.now.get(label, 0) / now - mix.before.get(label, 0) / before)
        for label in mix.before.keys() | mix.now.keys()
    }
    return sorted(change, key=lambda label: (-change[label], label or ""))[:MAX_BARS]


def _thresholds(axes: Axes, figures: list[HealthFigure]) -> None:
    ratios = [(one.value or 0.0) / (one.threshold or 1.0) for one in figures]
    colours = [WARNED if one.state is State.WARN else COLOURS[0] for one in figures]
    axes.barh(range(len(figures)), ratios, color=colours)
    axes.axvline(1, color=QUIET, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(figures)), [MEASURES[one.name] for one in figures])
    axes.invert_yaxis()
    axes.set_xlabel("value / threshold")


def _bars(axes: Axes, mix: Mix, labels: list[str | None]) -> None:
    places = np.arange(len(labels))
    drawn = ((mix.now, 0.0, COLOURS[0], "window"), (mix.before, BESIDE, QUIET, "before"))
    for counts, offset, colour, name in drawn:
        total = max(sum(counts.values()), 1)
        shares = [counts.get(label, 0) / total for label in labels]
        axes.barh(places + offset, shares, BESIDE, color=colour, label=name)
    axes.set_yticks(places + BESIDE / 2, [label or NONE for label in labels])
    axes.invert_yaxis()
    axes.set_xlabel("share")
    axes.legend(loc="lower right")


def _intervals(axes: Axes, audited: Audited) -> None:
    named = precisions(audited)
    for place, one in enumerate(named.values()):
        if one.value is None or one.low is None or one.high is None:
            continue
        colour = WARNED if one.state is State.WARN else COLOURS[0]
        error = [[max(one.value - one.low, 0)], [max(one.high - one.value, 0)]]
        axes.errorbar([one.value], [place], xerr=error, color=colour, marker="o", capsize=2)
    axes.axvline(audited.precision.threshold, color=QUIET, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(named)), list(named))
    axes.set(xlabel="precision", ylim=(len(named) - 0.5, -0.5))


def _drawn(name: str, caption: str, fill: Callable[[Axes], None], n_rows: int) -> Drawing:
    with mpl.rc_context(fname=STYLE):
        size = (2.4 * PANEL, 0.8 + 0.28 * n_rows)
        figure = Figure(figsize=size, layout="constrained")
        fill(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Drawing(name, caption, buffer.getvalue())
