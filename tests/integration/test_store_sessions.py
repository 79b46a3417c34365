from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, event, insert, text
from sqlalchemy.exc import DBAPIError

from triage.errors import StoreUnavailableError
from triage.store import cities
from triage.store.sessions import Sessions, check_store, make_engine
from triage.store.tables import CityTable


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:1/triage",
        "postgresql+psycopg://me:s3cret@127.0.0.1:1/triage",
        "postgresql://me@127.0.0.1:1/triage?password=s3cret",
        "postgresql://me:s3cret@127.0.0.1:1/triage?no_such_option=s3cret",
    ],
)
def test_check_store_unreachable_never_tells_the_password(url: str) -> None:
    with pytest.raises(StoreUnavailableError, match="can't be reached") as caught:
        check_store(make_engine(url))
    assert "127.0.0.1:1/triage" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_check_store_not_a_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "triage.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailableError, match="file is not a database"):
        check_store(make_engine(f"sqlite:///{path}"))


def test_check_store_newer_migration_says_so(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailableError, match="migration 9999"):
        check_store(engine)


@pytest.mark.parametrize("url", ["", "no url", "mysql://host/name"])
def test_make_engine_wrong_url_raises(url: str) -> None:
    with pytest.raises(StoreUnavailableError):
        make_engine(url)


def test_make_engine_sqlite_folder_that_cannot_be_made_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="can't be made"):
        make_engine(f"sqlite:///{tmp_path / 'file' / 'triage.db'}")


def test_make_engine_sqlite_makes_folder_and_sets_pragmas(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new' / 'folder' / 'triage.db'}")
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    full = 2
    assert found == ["wal", full, 1, 10_000]


def test_read_session_writing_raises(sessions: Sessions) -> None:
    with (
        sessions.read() as session,
        pytest.raises(DBAPIError, match=r"(?i)read-?only"),
    ):
        session.execute(insert(CityTable).values(code="astana"))


def test_write_session_after_read_session_writes(engine: Engine, sessions: Sessions) -> None:
    with sessions.read() as session:
        cities.head(session, city="astana")
    with sessions.write.begin() as session:
        cities.ensure(session, city="astana")
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # QueuePool's own


def test_read_session_beside_writer_sees_one_snapshot(sessions: Sessions) -> None:
    with sessions.read() as reader:
        before = cities.head(reader, city="astana")
        with sessions.write.begin() as writer:
            cities.lock(writer, city="astana")
            cities.move_head(writer, city="astana", head=cities.Head(1, "ff"))
            assert cities.head(reader, city="astana") == before
        assert cities.head(reader, city="astana") == before
    with sessions.read() as reader:
        assert cities.head(reader, city="astana") == cities.Head(1, "ff")


def test_write_session_sqlite_begins_immediate(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'triage.db'}")
    statements: list[str] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()
    assert statements == ["PRAGMA query_only = 0", "BEGIN IMMEDIATE", "SELECT 1"]
