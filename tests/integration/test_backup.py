"""A backup is the store as it was at one moment, whoever wrote to it, and on either database."""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from stored import submit, verify
from typer.testing import CliRunner, Result

from api.cli import app
from triage import audit, backup
from triage.access import Access
from triage.appeal import Decision, Review
from triage.errors import InvalidBackupError, StoreNotEmptyError
from triage.keys import ApiKeys
from triage.purge import Purge
from triage.queue import Queue, QueueFilters
from triage.roles import Role
from triage.store import cities, copying, reviews
from triage.store.migrate import migrate
from triage.store.sessions import Sessions, make_engine, make_sessions

MakeDecision = Callable[..., Decision]
MakeReview = Callable[..., Review]

CITIES = ("astana", "almaty")


def contents(sessions: Sessions) -> dict[str, list[dict[str, Any]]]:
    """Return every row that a backup holds; a row's place in the search index may be another."""
    with sessions.read.begin() as session:
        return {
            table.name: [
                {name: value for name, value in row._mapping.items() if name != "search_row"}
                for row in copying.read(session, table)
            ]
            for table in copying.tables()
        }


def head(sessions: Sessions, city: str = "astana") -> cities.Head:
    with sessions.read.begin() as session:
        return cities.head(session, city=city)


@pytest.fixture
def filled(
    sessions: Sessions, make_decision: MakeDecision, make_review: MakeReview
) -> list[Decision]:
    """Two cities, reviews, a purged appeal, a person and a key."""
    made = [make_decision() for _ in range(5)]
    for decision in made:
        submit(sessions, decision)
    submit(sessions, make_decision(), "almaty")
    review = make_review(made[0].id)
    with sessions.write.begin() as session:
        version = reviews.add(session, city="astana", review=review, expected_version=None)
        audit.append_review(session, city="astana", review=review, version=version)
    old = make_decision(decided_at=made[0].decided_at - timedelta(days=400))
    submit(sessions, old)
    purge = Purge(sessions, "astana", clock=lambda: made[0].decided_at)
    assert purge.run(timedelta(days=365), actor="admin") == 1
    access = Access(sessions, "astana")
    access.add_person("aigerim", Role.SUPERVISOR, actor="admin")
    ApiKeys(sessions, "astana").add("ikomek", Role.INTAKE, actor="admin", per_minute=60)
    return made


@pytest.fixture
def empty(empty_store_url: str) -> Iterator[Sessions]:
    """Sessions of a migrated store without rows, of either database whatever the first one is."""
    engine = make_engine(empty_store_url)
    migrate(engine)
    yield make_sessions(engine)
    engine.dispose()


@pytest.fixture
def copy(tmp_path: Path, sessions: Sessions, filled: list[Decision]) -> Path:
    path = tmp_path / "copy.backup"
    backup.back_up(sessions, path)
    return path


def test_restore_gives_every_row_again_on_either_database(
    sessions: Sessions, empty: Sessions, copy: Path, filled: list[Decision]
) -> None:
    made = backup.restore(empty, copy)

    assert contents(empty) == contents(sessions)
    for city in CITIES:
        assert head(empty, city) == head(sessions, city) == made.heads[city]
        assert verify(empty, city) == verify(sessions, city) > 0
    assert made.rows["decisions"] == len(filled) + 2
    # Who restores goes on where the copy ends.
    assert filled[0].appeal.text.startswith("Подъезде жылу")


def test_restored_store_finds_by_words_and_goes_on(
    sessions: Sessions, empty: Sessions, copy: Path, make_decision: MakeDecision
) -> None:
    backup.restore(empty, copy)
    submit(empty, make_decision())

    words = QueueFilters(search="батареи", waiting=None)
    found = Queue(empty, "astana").page(words, limit=50).items
    before = Queue(sessions, "astana").page(words, limit=50).items
    assert len(found) == len(before) + 1 == 6
    assert verify(empty) == verify(sessions) + 1


def test_backup_under_writes_is_one_state(
    sessions: Sessions, empty: Sessions, tmp_path: Path, make_decision: MakeDecision
) -> None:
    for _ in range(200):
        submit(sessions, make_decision())
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            submit(sessions, make_decision())

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        made = backup.back_up(sessions, tmp_path / "copy")
    finally:
        done.set()
        for writer in writers:
            writer.join()

    backup.restore(empty, tmp_path / "copy")
    assert verify(empty) == made.heads["astana"].sequence == made.rows["decisions"] >= 200
    assert head(empty) == made.heads["astana"]
    assert verify(sessions) > made.heads["astana"].sequence
    kept = contents(empty)["ledger_events"]
    assert contents(sessions)["ledger_events"][: len(kept)] == kept


def test_backup_leaves_out_who_is_signed_in(copy: Path) -> None:
    assert not {"logins", "login_links", "login_failures"} & _manifest(copy)["rows"].keys()


def test_backup_is_read_by_its_owner_alone(copy: Path) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600
    assert os.listdir(copy.parent).count(copy.name) == 1


def test_backup_over_a_file_is_refused(sessions: Sessions, copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(FileExistsError, match="is there already"):
        backup.back_up(sessions, copy)
    assert copy.read_bytes() == before


def test_backup_that_fails_leaves_no_file(
    tmp_path: Path, sessions: Sessions, engine: Engine, filled: list[Decision]
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE policies")
    with pytest.raises(Exception, match="policies"):
        backup.back_up(sessions, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


def _manifest(path: Path) -> dict[str, Any]:
    with gzip.open(path) as file:
        found: dict[str, Any] = json.loads(file.readline())
    return found


def _lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _change_a_row(path: Path) -> None:
    changed = b"".join(_lines(path)).replace(b'"ikomek"', b'"others"', 1)
    path.write_bytes(gzip.compress(changed))


def _leave_out_a_row(path: Path) -> None:
    lines = _lines(path)
    path.write_bytes(gzip.compress(b"".join(lines[:5] + lines[6:])))


def _drop_the_end(path: Path) -> None:
    path.write_bytes(gzip.compress(b"".join(_lines(path)[:-1])))


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("empty_store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damage", [_cut, _flip, _change_a_row, _leave_out_a_row, _drop_the_end])
def test_restore_damaged_backup_changes_nothing(
    copy: Path, empty: Sessions, damage: Callable[[Path], None]
) -> None:
    damage(copy)
    with pytest.raises(InvalidBackupError, match="is no whole backup"):
        backup.restore(empty, copy)
    assert not any(contents(empty).values())


@pytest.mark.parametrize("empty_store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "content",
    [b"", b"PK\3\4", gzip.compress(b""), gzip.compress(b"{}\n")],
    # Named: gzip writes the time into its bytes, and an identifier made of them would change.
    ids=["empty", "zip", "gzip-of-nothing", "gzip-of-no-manifest"],
)
def test_restore_what_is_no_backup_is_refused(
    tmp_path: Path, empty: Sessions, content: bytes
) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(InvalidBackupError, match="is no "):
        backup.restore(empty, tmp_path / "other")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("empty_store_url", ["sqlite"], indirect=True)
def test_restore_backup_of_other_tables_names_both_migrations(copy: Path, empty: Sessions) -> None:
    first, *others = _lines(copy)
    manifest = json.loads(first) | {"revision": "0001"}
    copy.write_bytes(gzip.compress(json.dumps(manifest).encode() + b"\n" + b"".join(others)))
    with pytest.raises(InvalidBackupError, match="made at migration 0001, this version needs"):
        backup.restore(empty, copy)


def test_restore_over_rows_is_refused(sessions: Sessions, copy: Path) -> None:
    before = contents(sessions)
    with pytest.raises(StoreNotEmptyError, match="empty database"):
        backup.restore(sessions, copy)
    assert contents(sessions) == before


@pytest.fixture
def triage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))

    def run(url: str, *arguments: str) -> Result:
        monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.mark.usefixtures("filled")
def test_commands_back_up_and_restore_and_tell_the_head(
    triage: Callable[..., Result], store_url: str, sessions: Sessions, tmp_path: Path
) -> None:
    file, target = str(tmp_path / "copy"), f"sqlite:///{tmp_path / 'restored.db'}"

    made = triage(store_url, "backup", file)
    again = triage(store_url, "backup", file)
    restored = triage(target, "restore", file)
    twice = triage(target, "restore", file)
    missing = triage(target, "restore", file + "x")

    assert made.exit_code == 0, made.output
    assert f"{verify(sessions)} entries, the last {head(sessions).hash}" in made.stdout
    assert (again.exit_code, again.stderr) == (1, f"error: {file} is there already\n")
    assert restored.exit_code == 0, restored.output
    assert f"the ledger of astana is intact: {verify(sessions)} entries" in restored.stdout
    assert twice.exit_code == 1
    assert "this one holds rows" in twice.stderr
    assert missing.exit_code == 1
    assert "No such file" in missing.stderr
