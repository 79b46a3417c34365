"""How seconds and memory of `triage-train fit` grow with the appeals that it is given."""

import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil
import pytest
from resampled import write_appeals

from triage.config import STARTER_DATA

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "growth.json"
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
    load: str


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
        f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores",
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
    RESULTS.write_text(
        json.dumps(
            {
                "command": COMMAND,
                "measured": datetime.now(UTC).date().isoformat(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "python": platform.python_version(),
                "exponent_seconds": exponent(runs, "seconds"),
                "exponent_cpu_seconds": exponent(runs, "cpu_seconds"),
                "runs": [vars(run) for run in runs],
            },
            indent=1,
        )
        + "\n",
        "utf-8",
    )


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
