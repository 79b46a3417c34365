"""Draws what a check found, the same file for the same figures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.prediction import Level
from training.benchmark.panels import COLOURS, QUIET
from training.benchmark.plots import PANEL, STYLE
from training.benchmark.tables import words
from training.checking.findings import Counts
from training.checking.label_errors import LabelErrors
from training.page import Drawing

MAX_BARS = 20
"""Labels drawn one by one; the rest are one bar."""

REST = "others"
N_BINS = 40
BESIDE = 0.4
"""Height of one of two bars beside each other."""


def draw_counts(counts: Counts, before: Counts) -> Iterator[Drawing]:
    """Draw the share of each label and language, beside that of the champion's data if known."""
    for name, found in counts.items():
        beside = before.get(name, {})
        labels = _largest(found)
        height = 0.8 + 0.28 * len(labels)

        fill = partial(_bars, labels=labels, found=found, beside=beside)
        caption = f"Share of appeals by {words(name)}"
        caption += ", beside the data of the champion" if beside else ""
        yield _drawn(f"balance-{name}", caption, fill, (2.4 * PANEL, height))


def draw_lengths(lengths: Sequence[int]) -> Drawing:
    """Draw how long the texts are, in characters."""
    fill = partial(_histogram, lengths=lengths)
    return _drawn("lengths", "Length of the texts", fill, (2 * PANEL, PANEL))


def draw_errors(errors: Mapping[Level, LabelErrors]) -> Iterator[Drawing]:
    """Draw the probability of the given labels, and where likely errors end."""
    for level, found in errors.items():
        yield _drawn(
            f"label-errors-{level}",
            f"Probability of the given {words(level)} by heads that did not see the row; left of"
            " the line the labels are likely to be wrong",
            partial(_curve, found=found),
            (2 * PANEL, PANEL),
        )


def _largest(counts: Mapping[str, int]) -> list[str]:
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    return [*ordered[:MAX_BARS], *([REST] if len(ordered) > MAX_BARS else [])]


def _bars(
    axes: Axes, labels: list[str], found: Mapping[str, int], beside: Mapping[str, int]
) -> None:
    places = np.arange(len(labels))
    axes.barh(places, _shares(labels, found), BESIDE, color=COLOURS[0], label="this file")
    if beside:
        axes.barh(places + BESIDE, _shares(labels, beside), BESIDE, color=QUIET, label="champion")
        axes.legend(loc="lower right")
    shown = [label if len(label) <= 40 else f"{label[:39]}…" for label in labels]
    axes.set_yticks(places + (BESIDE / 2 if beside else 0), shown)
    axes.invert_yaxis()
    axes.set_xlabel("share")


def _histogram(axes: Axes, lengths: Sequence[int]) -> None:
    bins = np.geomspace(1, max(2, *lengths), N_BINS).tolist()
    axes.hist(lengths, bins=bins, color=COLOURS[0])
    axes.set(xscale="log", xlabel="characters", ylabel="appeals")


def _curve(axes: Axes, found: LabelErrors) -> None:
    ranks = np.arange(1, len(found.rows) + 1)
    axes.plot(ranks, found.probability, color=COLOURS[0])
    axes.axvline(found.n_likely, color=QUIET, linestyle="--", linewidth=1)
    axes.set(xlabel="rows, the most suspect first", ylabel="probability", ylim=(0, 1))


def _shares(labels: list[str], counts: Mapping[str, int]) -> list[float]:
    total = sum(counts.values())
    named = {label: counts.get(label, 0) for label in labels if label != REST}
    if REST in labels:
        named[REST] = total - sum(named.values())
    return [named[label] / total for label in labels]


def _drawn(
    name: str, caption: str, fill: Callable[[Axes], None], size: tuple[float, float]
) -> Drawing:
    with mpl.rc_context(fname=STYLE):
        figure = Figure(figsize=size, layout="constrained")
        fill(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Drawing(name, caption, buffer.getvalue())
