"""Engines and sessions over SQLite or PostgreSQL."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from threading import Lock

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    FromClause,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from triage.errors import StoreUnavailableError
from triage.store.migrate import current_revision, head_revision, migrate

BUSY_TIMEOUT_MS = 10_000
"""How long a SQLite writer waits for another one."""

CONNECT_TIMEOUT_S = 5
"""How long PostgreSQL may take to answer a new connection."""

PROBE_PAUSE_S = 1.0
"""How long the check for writes rests after one went through."""

_to_json = partial(json.dumps, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makers of sessions.

    Attributes
    ----------
    write
        Transactions that may write; SQLite takes its only write lock at their begin.
    read
        Transactions that can't write, wait for no writer, and see one snapshot throughout.
    """

    write: sessionmaker[Session]
    read: sessionmaker[Session]


def make_engine(url: str) -> Engine:
    """Make an engine; nothing is connected yet.

    Parameters
    ----------
    url
        ``sqlite:///path`` (its folder is made) or ``postgresql://user:password@host/name``.

    Raises
    ------
    StoreUnavailableError
        If the URL is malformed or names another database, or the folder can't be made.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUnavailableError("the database URL is malformed") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite_engine(parsed)
        case "postgresql":
            return _postgresql_engine(parsed)
        case other:
            raise StoreUnavailableError(f"no support for {other}: use sqlite or postgresql")


def make_sessions(engine: Engine) -> Sessions:
    """Make the sessions of an engine; both share its pool of connections."""
    reading = engine.execution_options(
        read_only=True,
        **(
            {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            if engine.dialect.name == "postgresql"
            else {}
        ),
    )
    return Sessions(
        write=sessionmaker(engine, expire_on_commit=False),
        read=sessionmaker(reading, expire_on_commit=False),
    )


def prepare_store(engine: Engine) -> None:
    """Bring the database to this version's tables.

    Raises
    ------
    StoreUnavailableError
        If the database can't be reached, or takes no writes.
    """
    try:
        migrate(engine)
    except (OperationalError, InternalError):
        check_store(engine)  # says where and why, without a password
        check_writable(engine)
        raise
    check_writable(engine)


def check_store(engine: Engine) -> None:
    """Check that the database answers and has this version's tables.

    Raises
    ------
    StoreUnavailableError
        If not; the message says where and what, never a password.
    """
    place = _place(engine.url)
    try:
        with engine.execution_options(read_only=True).connect() as connection:
            found = current_revision(connection)
    except SQLAlchemyError as error:
        raise StoreUnavailableError(f"{place} can't be reached: {_cause(error)}") from error
    if found != head_revision():
        raise StoreUnavailableError(
            f"{place} is at migration {found or 'none'}, this version needs {head_revision()}"
        )


def check_writable(engine: Engine) -> None:
    """Check that the database takes writes: its disk is neither full nor read-only.

    Nothing but a real write tells that.

    Raises
    ------
    StoreUnavailableError
        If it does not; the message says where and what, never a password.
    """
    try:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    except SQLAlchemyError as error:
        place = _place(engine.url)
        raise StoreUnavailableError(f"{place} takes no writes: {_cause(error)}") from error


class WriteProbe:
    """Checks that the database takes writes, once in a while: everybody may ask for it.

    Parameters
    ----------
    pause
        Seconds for which a write that went through is good.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        pause: float = PROBE_PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._pause = pause
        self._clock = clock
        self._good_until = -math.inf
        self._asking = Lock()

    def check(self) -> None:
        """Check it; see `check_writable`."""
        with self._asking:
            if self._clock() >= self._good_until:
                check_writable(self._engine)
                self._good_until = self._clock() + self._pause


def _place(url: URL) -> str:
    # A password may stand in the query as well, so that is left out as a whole.
    return url.set(query={}).render_as_string(hide_password=True)


def _cause(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).partition("\n")[0]


def _postgresql_engine(url: URL) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        hide_parameters=True,  # they hold residents' texts, which no log may
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        json_serializer=_to_json,
    )


def _sqlite_engine(url: URL) -> Engine:
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailableError(f"the folder of {url.database} can't be made") from error
    engine = create_engine(url, hide_parameters=True, json_serializer=_to_json)
    engine.dialect.statement_compiler = _SqliteCompiler
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


class _SqliteCompiler(SQLiteCompiler):
    """Writes hints such as INDEXED BY behind their table, which SQLAlchemy leaves out."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


def _set_up_sqlite(connection: SqliteConnection, _record: ConnectionPoolEntry) -> None:
    # The driver would begin too late, at the first write; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    # A decision must outlive a power cut once its answer has left.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    # A connection of the pool may be as the transaction before wanted it.
    if connection.info.get("read_only") is not read_only:
        connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
        connection.info["read_only"] = read_only
    # A transaction that reads first and writes later could not get the lock any more.
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
