"""How seconds and memory of `triage-train fit` grow with the appeals that it is given."""

import json
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil
import pytest
from resampled import write_appeals
from results_page import GROWTH

from triage.config import STARTER_DATA

COMMAND = "pytest -m soak tests/benchmarks/test_training_growth.py"
FIT = (str(Path(sys.executable).with_name("triage-train")), "fit", "--city", str(STARTER_DATA))

SHORT = (500, 1_000)
FULL = (10_000, 45_000, 200_000)
MAX_SECONDS, MAX_MB = 15 * 60, 8_000
MAX_EXPONENT = 1.6
WATCH_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """What one fit took: processes that it started are counted in."""

    appeals: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    stages: dict
    metrics: dict
    data_hash: str


def fit(folder, count):
    """Fit a model by the command, and watch it."""
    data, out = folder / "appeals.jsonl", folder / f"model-{count}"
    write_appeals(data, count)
    start, spent = time.perf_counter(), _cpu_seconds()
    with (
        subprocess.Popen(
            [*FIT, "--data", str(data), "--out", str(out)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TRIAGE_HOME": str(folder / "home")},
        ) as process,
        PeakMemory(process.pid) as memory,
    ):
        stages = _stages(process.stderr, start)
        process.wait()
    seconds = time.perf_counter() - start
    assert process.returncode == 0, stages
    info = json.loads((out / "model.json").read_text("utf-8"))["info"]
    return Run(
        count,
        round(seconds, 1),
        round(_cpu_seconds() - spent, 1),
        round(memory.peak / 1e6),
        stages,
        {name: round(value, 4) for name, value in info["metrics"].items() if "accuracy" in name},
        info["data_hash"],
    )


def _stages(lines, start):
    """Return after how many seconds each stage was done."""
    done = {}
    for line in lines:
        stage = re.match(r"(.+): \d+ done|(fitted) on", line)
        if stage:
            done[stage[1] or stage[2]] = round(time.perf_counter() - start, 1)
    return done


def _cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class PeakMemory:
    """The most memory that a process and all it started held at once; what they share, once."""

    def __init__(self, pid):
        self.peak = 0
        self._root = psutil.Process(pid)
        self._over = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def _watch(self):
        while not self._over.wait(WATCH_SECONDS):
            held = 0
            try:
                for process in (self._root, *self._root.children(recursive=True)):
                    held += process.memory_full_info().pss
            except psutil.Error:  # one of them has just ended
                continue
            self.peak = max(self.peak, held)


def exponent(runs, attribute):
    """Return the slope of the logarithm of what fits took against that of their size."""
    sizes = np.log([run.appeals for run in runs])
    taken = np.log([getattr(run, attribute) for run in runs])
    return round(float(np.polyfit(sizes, taken, 1)[0]), 3)


def report(runs):
    for run in runs:
        figures = {
            "seconds": run.seconds,
            "processor seconds": run.cpu_seconds,
            "peak MB": run.peak_mb,
            "topic accuracy, held out": run.metrics["cv_topic_accuracy"],
        }
        details = {"stages": run.stages, "metrics": run.metrics, "data_hash": run.data_hash}
        GROWTH.record("fits", f"{run.appeals:,}", figures, command=COMMAND, details=details)
    # Small data are fitted in another way, so that the exponent of all tells little.
    for some in (runs, runs[1:]):
        figures = {
            "of seconds": exponent(some, "seconds"),
            "of processor seconds": exponent(some, "cpu_seconds"),
        }
        row = f"{some[0].appeals:,} to {some[-1].appeals:,}"
        GROWTH.record("exponents", row, figures, command=COMMAND)


@pytest.mark.benchmark
def test_training_of_twice_as_many_takes_little_more_than_twice_as_long(tmp_path, capsys):
    runs = [fit(tmp_path, count) for count in SHORT]
    with capsys.disabled():
        print(f"\nfits: {[(run.appeals, run.cpu_seconds, run.peak_mb) for run in runs]}")  # noqa: T201  # the figure is what a benchmark is for
    assert exponent(runs, "cpu_seconds") < MAX_EXPONENT
    assert runs[-1].peak_mb < MAX_MB / 4


@pytest.mark.benchmark
@pytest.mark.soak
def test_training_of_two_hundred_thousand_takes_a_quarter_of_an_hour(tmp_path, capsys):
    runs = [fit(tmp_path, count) for count in FULL]
    report(runs)
    with capsys.disabled():
        print(f"\nfits: {[(run.appeals, run.seconds, run.peak_mb) for run in runs]}")  # noqa: T201  # the figure is what a benchmark is for
    assert runs[-1].seconds < MAX_SECONDS
    assert runs[-1].peak_mb < MAX_MB
    assert exponent(runs, "cpu_seconds") < MAX_EXPONENT
