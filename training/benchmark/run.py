"""Runs suites one after another, and keeps every entry with where it comes from."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from models.folder import file_sha256
from training.benchmark.baselines import BaselineUnavailableError
from training.benchmark.entries import Entry, Measured, Results, skip_key
from training.benchmark.kursk import KAZAKH_TOO, RUSSIAN
from training.benchmark.sib200 import SIB200
from training.benchmark.starter import FOLDS, VOICES
from training.benchmark.suite import Suite
from training.benchmark.workbench import NamedEncoder, Workbench
from training.evaluate import command_line

SUITES = {suite.name: suite for suite in (RUSSIAN, KAZAKH_TOO, VOICES, FOLDS, SIB200)}
PACKAGES = (
    "appeal-triage",
    "numpy",
    "scipy",
    "scikit-learn",
    "sentence-transformers",
    "torch",
    "snowballstemmer",
    "fasttext-numpy2",
)


@dataclass(frozen=True)
class Trial:
    """One method to measure on one suite."""

    suite: Suite
    method: str
    is_baseline: bool
    files: tuple[Path, ...]
    measure: Callable[[Workbench], Measured]


def run(
    bench: Workbench,
    suites: Sequence[Suite],
    encoders: Sequence[NamedEncoder],
    results: Results,
    *,
    tell: Callable[[str], None],
) -> Iterator[Results]:
    """Measure every method on every suite; what is missing is noted, not an error.

    Yields
    ------
    results
        After each step, so that a run that is cut off loses one step at most.
    """
    for suite in suites:
        missing = [path.name for path in suite.files(bench.shared) if not path.exists()]
        if missing:
            reason = f"{', '.join(missing)}: not at hand"
            tell(f"{suite.name}: skipped, {reason}")
            results = results.with_skipped(suite.name, reason)
            yield results
            continue
        for trial in trials(suite, encoders, bench.shared):
            results = _add(results, trial, bench, tell)
            yield results


def trials(suite: Suite, encoders: Sequence[NamedEncoder], shared: Path) -> Iterator[Trial]:
    """List what is to be measured on a suite: the encoders, then the baselines."""
    files = suite.files(shared)
    for encoder in encoders:
        measure = partial(suite.run, encoder)
        yield Trial(suite, encoder.name, False, (*files, *encoder.files), measure)
    for name, baseline in suite.baselines.items():
        yield Trial(suite, name, True, files, baseline)


def _add(results: Results, trial: Trial, bench: Workbench, tell: Callable[[str], None]) -> Results:
    name = skip_key(trial.suite.name, trial.method)
    tell(name)
    start = time.monotonic()
    try:
        found = trial.measure(bench)
    except BaselineUnavailableError as error:
        tell(f"{name}: skipped, {error}")
        return results.with_skipped(name, str(error))
    return results.with_entry(
        Entry(
            suite=trial.suite.name,
            method=trial.method,
            is_baseline=trial.is_baseline,
            command=command_line(),
            date=datetime.now(UTC).date().isoformat(),
            data={f"{path.parent.name}/{path.name}": file_sha256(path) for path in trial.files},
            versions=installed_versions(),
            seconds=round(time.monotonic() - start, 1),
            limit=bench.limit,
            measured=found,
        )
    )


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of every package that a figure may depend on."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
