"""Copies of the whole store in one file, made while it is in use, for either database.

A backup is gzip-compressed JSON, a line each: the manifest, then every row of every table, then
the SHA-256 of all lines before. It holds residents' words, so its owner alone may read it. The
search index is not in it but made again; nor is what lies beside the database: the file of the
secret, and the model registry.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from triage.errors import InvalidBackupError, StoreNotEmptyError
from triage.progress import Reporter, Silent
from triage.store import copying
from triage.store.cities import Head
from triage.store.migrate import head_revision
from triage.store.sessions import Sessions
from triage.store.tables import UtcDateTime

FORMAT = "appeal-triage backup 1"
PART = ".part"
"""Ending of a backup that is being written."""

OWNER_ONLY = 0o600
LEVEL = 6

_SILENT = Silent()
_UNREADABLE = (EOFError, gzip.BadGzipFile, zlib.error, ValueError, KeyError, TypeError)
"""What a file raises that was cut short, changed, or never was a backup."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    revision
        Migration of the tables.
    rows
        How many rows each table has, in the order in which they follow.
    heads
        Of the ledgers, by city, when the backup was made.
    """

    format: str
    created_at: str
    revision: str | None
    rows: dict[str, int]
    heads: dict[str, Head]


def back_up(sessions: Sessions, path: Path, *, progress: Reporter = _SILENT) -> Manifest:
    """Write one state of the store into a file; others may go on writing to the store.

    Raises
    ------
    FileExistsError
        The file is there already.
    OSError
        It can't be written; nothing is left of it then.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    part = path.with_name(path.name + PART)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            manifest = _write(sessions, file, progress)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(sessions: Sessions, path: Path, *, progress: Reporter = _SILENT) -> Manifest:
    """Fill an empty, migrated store from a backup, in one transaction.

    Raises
    ------
    InvalidBackupError
        The file is no whole backup, or has the tables of another version.
    StoreNotEmptyError
        The store holds something already; it stays as it is.
    OSError
        The file can't be read.
    """
    try:
        # Before anything is written, so that what is cut short is told as such.
        manifest = _manifest(path)
        for _ in _checked_lines(path):
            pass
        with sessions.write.begin() as session:
            _fill(session, path, manifest, progress)
    except _UNREADABLE as error:
        raise InvalidBackupError(f"{path} is no whole backup: {error}") from error
    except IntegrityError as error:
        raise StoreNotEmptyError("somebody else wrote to the database meanwhile") from error
    return manifest


def _fill(session: Session, path: Path, manifest: Manifest, progress: Reporter) -> None:
    if not copying.is_empty(session):
        raise StoreNotEmptyError("restore into an empty database: this one holds rows")
    lines = islice(_checked_lines(path), 1, None)
    total = sum(manifest.rows.values())
    counted = dict.fromkeys(manifest.rows, 0)
    for table, batch in _batches(progress.track("restoring", map(json.loads, lines), total)):
        copying.fill(session, table, batch)
        counted[table.name] += len(batch)
    if counted != manifest.rows or copying.heads(session) != manifest.heads:
        raise InvalidBackupError(f"{path} does not hold what its manifest says")
    copying.index_texts(session)


def _write(sessions: Sessions, file: BinaryIO, progress: Reporter) -> Manifest:
    total = hashlib.sha256()
    with (
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=LEVEL, filename="") as packed,
        sessions.read.begin() as session,
    ):
        manifest = Manifest(
            format=FORMAT,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            revision=head_revision(),
            rows={table.name: copying.count(session, table) for table in copying.tables()},
            heads=copying.heads(session),
        )
        rows = (
            [table.name, dict(row._mapping)]
            for table in copying.tables()
            for row in copying.read(session, table)
        )
        tracked = progress.track("backing up", rows, sum(manifest.rows.values()))
        for content in _chained(asdict(manifest), tracked):
            line = json.dumps(content, ensure_ascii=False, default=datetime.isoformat).encode()
            total.update(line + b"\n")
            packed.write(line + b"\n")
        packed.write(json.dumps(total.hexdigest()).encode() + b"\n")
    return manifest


def _chained(manifest: dict[str, Any], rows: Iterable[Any]) -> Iterator[Any]:
    yield manifest
    yield from rows


def _checked_lines(path: Path) -> Iterator[bytes]:
    """Yield all lines but the last, which must be the SHA-256 of those."""
    total = hashlib.sha256()
    with gzip.open(path, "rb") as file:
        last = file.readline()
        for line in file:
            total.update(last)
            yield last
            last = line
    if json.loads(last) != total.hexdigest():
        raise ValueError("its checksum is another one")


def _manifest(path: Path) -> Manifest:
    with gzip.open(path, "rb") as file:
        content = json.loads(file.readline())
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InvalidBackupError(f"{path} is no backup of this service")
    heads = {city: Head(**head) for city, head in content.pop("heads").items()}
    manifest = Manifest(**content, heads=heads)
    if manifest.revision != head_revision():
        raise InvalidBackupError(
            f"{path} was made at migration {manifest.revision}, this version needs"
            f" {head_revision()}: restore it with the version that made it, then migrate"
        )
    return manifest


def _batches(
    rows: Iterable[tuple[str, dict[str, Any]]],
) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    tables = {table.name: table for table in copying.tables()}
    for name, group in groupby(rows, key=lambda row: row[0]):
        times = [column.name for column in tables[name].c if isinstance(column.type, UtcDateTime)]
        values = (_with_times(row, times) for _, row in group)
        while batch := list(islice(values, copying.BATCH)):
            yield tables[name], batch


def _with_times(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return dict(row) | {name: datetime.fromisoformat(row[name]) for name in names if row[name]}
