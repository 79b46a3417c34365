"""What a suite is: data, and what to measure on it for an encoder or a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.benchmark.entries import Measured
from training.benchmark.workbench import NamedEncoder, Workbench


@dataclass(frozen=True)
class Suite:
    """One suite of the benchmark.

    Attributes
    ----------
    title, about
        For the page, in Markdown.
    files
        What is read, given the folder of data that is not shipped.
    run
        Measures an encoder.
    baselines
        Other methods beside the encoders, by name.
    """

    name: str
    title: str
    about: str
    files: Callable[[Path], tuple[Path, ...]]
    run: Callable[[NamedEncoder, Workbench], Measured]
    baselines: Mapping[str, Callable[[Workbench], Measured]] = field(default_factory=dict)
