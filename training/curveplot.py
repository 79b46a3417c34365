"""Draws a learning curve."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from training.benchmark.panels import COLOURS, QUIET
from training.benchmark.plots import STYLE
from training.curve import Curve

BEYOND = 4.0
"""How far beyond the examples at hand the law is drawn, as their multiple."""

WIDTH, HEIGHT = 6.4, 4.0
"""Inches."""


def save_curve(curve: Curve, path: Path) -> None:
    """Write the points, the spread of the folds and the law as SVG."""
    with mpl.rc_context(fname=STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        n = [point.n for point in curve.points]
        accuracy = [point.accuracy for point in curve.points]
        axes.fill_between(
            n,
            [point.low for point in curve.points],
            [point.high for point in curve.points],
            color=COLOURS[0],
            alpha=0.2,
            linewidth=0,
        )
        axes.plot(n, accuracy, color=COLOURS[0], marker="o", label="measured, folds between")
        if curve.law is not None:
            beyond = np.geomspace(n[0], BEYOND * n[-1], 100)
            axes.plot(
                beyond, curve.accuracy_at(beyond), color=QUIET, linestyle="--", label="power law"
            )
        axes.set(xscale="log", xlabel="examples", ylabel=f"accuracy, {curve.level}", ylim=(0, 1))
        axes.legend(loc="lower right")
        figure.savefig(path, metadata={"Date": None, "Creator": None})
