"""What clients were told outlives every kill, on both databases."""

from __future__ import annotations

from pathlib import Path

import crash_harness
import pytest
from results_page import RELIABILITY
from sqlalchemy import make_url

SHORT, FULL = 3, 100
COMMAND = "pytest -m soak tests/reliability/test_crashes.py"


def _run(store_url: str, model_folder: Path, home: Path, kills: int) -> crash_harness.Counts:
    counts = crash_harness.run(home, model_folder, store_url, kills=kills)
    assert counts.answers > kills
    assert counts.retries > 0
    assert (counts.lost, counts.doubled) == (0, 0)
    return counts


def test_server_killed_under_load_loses_and_doubles_nothing(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    counts = _run(store_url, model_folder, tmp_path, SHORT)
    assert counts.broken > 0


@pytest.mark.soak
def test_server_killed_a_hundred_times_loses_and_doubles_nothing(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    counts = _run(store_url, model_folder, tmp_path, FULL)
    database = make_url(store_url).get_backend_name()
    RELIABILITY.record("crashes", database, counts.as_json(), command=COMMAND)
