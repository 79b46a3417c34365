from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from triage.errors import StoreUnavailableError
from triage.store.migrate import alembic_config, current_revision, head_revision, migrate
from triage.store.sessions import check_store, make_engine
from triage.store.tables import Table

MIGRATE = """
import sys
from triage.store.migrate import migrate
from triage.store.sessions import make_engine
engine = make_engine(sys.argv[1])
sys.stdin.readline()
migrate(engine)
"""


@pytest.fixture
def empty_engine(empty_store_url: str) -> Iterator[Engine]:
    engine = make_engine(empty_store_url)
    yield engine
    engine.dispose()


def test_migrate_empty_database_agrees_with_tables(empty_engine: Engine) -> None:
    migrate(empty_engine)
    with empty_engine.connect() as connection:
        # The search's tables are not of one form: FTS5 on SQLite, a tsvector on PostgreSQL.
        mapped = {"include_name": lambda name, kind, _: not (name or "").startswith("appeal_stems")}
        context = MigrationContext.configure(connection, opts=mapped)
        assert compare_metadata(context, Table.metadata) == []
        assert current_revision(connection) == head_revision()


def test_migrate_twice_changes_nothing(empty_engine: Engine) -> None:
    migrate(empty_engine)
    migrate(empty_engine)
    check_store(empty_engine)


def test_downgrade_to_base_leaves_no_tables(empty_engine: Engine) -> None:
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        command.downgrade(alembic_config(connection), "base")
    assert inspect(empty_engine).get_table_names() == ["alembic_version"]


def test_migrate_failing_midway_leaves_no_tables(empty_engine: Engine) -> None:
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ledger_events (mine INTEGER)")
    with pytest.raises(Exception, match="ledger_events"):
        migrate(empty_engine)
    assert inspect(empty_engine).get_table_names() == ["ledger_events"]


def test_migrate_processes_at_once_all_succeed(empty_store_url: str, empty_engine: Engine) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_store_url],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in processes:
        process.communicate(b"go\n")
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    check_store(empty_engine)


def test_check_store_not_migrated_says_so(empty_engine: Engine) -> None:
    with pytest.raises(StoreUnavailableError, match="migration none, this version needs 0006"):
        check_store(empty_engine)
