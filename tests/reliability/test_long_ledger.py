"""A ledger of any length is verified in bounded memory, and its first bad entry is named."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import long_ledger
import pytest
from results_page import RELIABILITY
from server_process import server_environment
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from triage.appeal import Decision
from triage.config import Settings
from triage.ledger import Ledger
from triage.store.sessions import Sessions, make_engine

CITY = "astana"
SHORT, LONGER, FULL = 1_500, 5_000, 1_000_000
GROWTH_MB = 10
"""What the longer ledger may take beyond the short one: its rows are some 20 MB."""

SHIFTED = 10**8
EVENTS = "ledger_events"
SOAK_COMMAND = "pytest -m soak tests/reliability/test_long_ledger.py"


# `getrusage` would tell the memory of the process that this one was forked from, if that is more.
COMMAND = """
from pathlib import Path
from api.cli import app
try:
    app(["audit", "verify"])
finally:
    print(Path("/proc/self/status").read_text())
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `triage audit verify` said, and what it took."""

    status: int
    told: str
    seconds: float
    peak_mb: float


@pytest.fixture(scope="module")
def templates(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Decision]:
    settings = Settings(home=tmp_path_factory.mktemp("templates"), model=str(model_folder))
    engine = make_engine(settings.store_url)
    found = long_ledger.real_decisions(settings, engine)
    engine.dispose()
    return found


def fill(url: str, templates: Sequence[Decision], count: int) -> None:
    engine = make_engine(url)
    long_ledger.fill(engine, CITY, templates, count)
    engine.dispose()


def verify(url: str, home: Path) -> Verified:
    """Run the command in a process of its own, which tells its peak memory at its end."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        env=server_environment(home, database_url=url),
        check=False,
        capture_output=True,
        text=True,
    )
    told = done.stdout + done.stderr
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", told)
    return Verified(done.returncode, told, time.monotonic() - start, round(int(peak) / 1024, 1))


def tampering(count: int) -> dict[str, tuple[int, Sequence[str], Sequence[str]]]:
    """Return by name the entry that must be named, and statements that change and mend a ledger."""
    at = count - 10
    moved = f"sequence - {SHIFTED}"

    def swap(first: int, second: int) -> list[str]:
        return [
            f"UPDATE {EVENTS} SET sequence = -1 WHERE sequence = {first}",
            f"UPDATE {EVENTS} SET sequence = {first} WHERE sequence = {second}",
            f"UPDATE {EVENTS} SET sequence = {second} WHERE sequence = -1",
        ]

    return {
        "changed": (
            at,
            [f"UPDATE {EVENTS} SET actor = actor || 'x' WHERE sequence = {at}"],
            [f"UPDATE {EVENTS} SET actor = replace(actor, 'x', '') WHERE sequence = {at}"],
        ),
        "removed": (
            at,
            [f"UPDATE {EVENTS} SET city = 'almaty' WHERE sequence = {at}"],
            [f"UPDATE {EVENTS} SET city = '{CITY}' WHERE sequence = {at}"],
        ),
        "reordered": (at, swap(at, at + 1), swap(at, at + 1)),
        "inserted": (
            at,
            [
                f"UPDATE {EVENTS} SET sequence = sequence + {SHIFTED} WHERE sequence >= {at}",
                f"UPDATE {EVENTS} SET sequence = {moved} + 1 WHERE sequence > {SHIFTED}",
                f"INSERT INTO {EVENTS} SELECT city, {at}, kind, 'other', actor, at, payload,"
                f" previous_hash, hash FROM {EVENTS} WHERE sequence = {at - 1}",
            ],
            [
                f"DELETE FROM {EVENTS} WHERE sequence = {at}",
                f"UPDATE {EVENTS} SET sequence = sequence + {SHIFTED} WHERE sequence > {at}",
                f"UPDATE {EVENTS} SET sequence = {moved} - 1 WHERE sequence > {SHIFTED}",
            ],
        ),
    }


@contextmanager
def tampered(url: str, count: int, name: str) -> Iterator[int]:
    """Change the ledger behind the service's back until the block ends; give the bad entry."""
    bad, change, mend = tampering(count)[name]
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg") if "postgresql" in url else url,
        poolclass=NullPool,
    )
    for statements in (change, mend):
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                assert connection.execute(text(statement)).rowcount > 0, statement
        if statements is change:
            yield bad


def test_verify_long_ledger_takes_no_more_memory_than_a_short_one(
    store_url: str, templates: list[Decision], tmp_path: Path
) -> None:
    fill(store_url, templates, SHORT)
    short = verify(store_url, tmp_path)
    fill(store_url, templates, LONGER - SHORT)
    long = verify(store_url, tmp_path)

    assert short.status == long.status == 0, long.told
    assert f"the ledger is intact: {LONGER} entries" in long.told
    assert long.peak_mb < short.peak_mb + GROWTH_MB


def test_verify_entry_near_the_end_is_named(
    store_url: str, sessions: Sessions, templates: list[Decision]
) -> None:
    fill(store_url, templates, SHORT)
    ledger = Ledger(sessions, CITY)

    for name in tampering(SHORT):
        with tampered(store_url, SHORT, name) as bad:
            assert ledger.verify().sequence == bad, name
    assert ledger.verify().count == SHORT


@pytest.fixture(scope="module")
def million(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, templates: list[Decision]
) -> Iterator[tuple[str, Path]]:
    """A SQLite ledger of a million entries: 6 GB."""
    home = tmp_path_factory.mktemp("million")
    path = home / "triage.db"
    path.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{path}"
    fill(url, templates, FULL)
    yield url, home
    for file in home.glob("triage.db*"):
        file.unlink()


@pytest.mark.soak
def test_verify_million_entries_in_bounded_memory(million: tuple[str, Path]) -> None:
    url, home = million
    found = verify(url, home)
    assert found.status == 0, found.told
    assert f"the ledger is intact: {FULL} entries" in found.told
    RELIABILITY.record(
        "ledger",
        "intact",
        {
            "entries": FULL,
            "seconds": round(found.seconds),
            "entries a second": round(FULL / found.seconds),
            "peak MB": found.peak_mb,
            "database MB": round((home / "triage.db").stat().st_size / 2**20),
        },
        command=SOAK_COMMAND,
    )


@pytest.mark.soak
@pytest.mark.parametrize("name", tampering(FULL))
def test_verify_million_entries_names_the_bad_one(name: str, million: tuple[str, Path]) -> None:
    url, home = million
    with tampered(url, FULL, name) as bad:
        found = verify(url, home)
    assert found.status == 1
    assert f"error: event {bad} " in found.told
    RELIABILITY.record(
        "ledger",
        name,
        {"entries": FULL, "seconds": round(found.seconds), "named": bad},
        command=SOAK_COMMAND,
    )
