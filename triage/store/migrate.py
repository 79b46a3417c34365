"""Brings a database to the newest tables, from code: no `alembic.ini` is needed."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select

_LOCK = 0x74726961676500
"""Key of PostgreSQL's advisory lock, shared by all versions of this service."""


def migrate(engine: Engine) -> None:
    """Upgrade to the newest migration, in one transaction.

    A second process that starts at the same time waits and then finds nothing to do: on
    PostgreSQL by an advisory lock, on SQLite by the write lock that the transaction begins with.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, for commands to run on a connection."""
    config = Config()
    config.set_main_option("script_location", "triage.store:migrations")
    config.attributes["connection"] = connection
    return config


def current_revision(connection: Connection) -> str | None:
    """Return the migration that a database is at, None where it has no tables."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str | None:
    """Return the newest migration of this version."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()
