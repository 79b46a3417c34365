"""Writes a snapshot: the rows as Parquet, and beside it what it is and what is not in it."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from models.folder import file_sha256
from training.errors import InvalidTrainingDataError

_TEXT = pa.string()
SCHEMA = pa.schema(
    {
        "id": _TEXT,
        "text": _TEXT,
        "category": _TEXT,
        "topic": _TEXT,
        "enterprise": _TEXT,
        "urgent": pa.bool_(),
        "received_at": pa.timestamp("us", tz="UTC"),
        "language": _TEXT,
        "channel": _TEXT,
        "district": _TEXT,
        "decision_id": _TEXT,
        "label_source": _TEXT,
        "weight": pa.float64(),
        "group": _TEXT,
    }
)
"""Columns of a snapshot; nothing in the file says when it was written."""

MANIFEST, UNMAPPED, LEFT_OUT = ".manifest.json", ".unmapped.csv", ".left_out.csv"
"""What the names of the files beside a snapshot add to its own."""


def check_new(out: Path) -> None:
    """Check that a snapshot may be written here, before one is taken.

    Raises
    ------
    InvalidTrainingDataError
        It is no Parquet file by its name, or there is something already.
    """
    if out.suffix != ".parquet":
        raise InvalidTrainingDataError(f"{out}: a snapshot's name must end in .parquet")
    for path in (out, *(beside(out, ending) for ending in (MANIFEST, UNMAPPED, LEFT_OUT))):
        if path.exists():
            raise InvalidTrainingDataError(f"{path}: exists, and a snapshot is never overwritten")


def beside(out: Path, ending: str) -> Path:
    """Return the path of a file beside a snapshot."""
    return out.with_name(out.name + ending)


def write_rows(out: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows, all or none, and return the file's SHA-256, hexadecimal."""
    out.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
    os.close(handle)
    scratch = Path(name)
    try:
        parquet.write_table(table, scratch, compression="zstd")
        scratch.rename(out)
    finally:
        scratch.unlink(missing_ok=True)
    return file_sha256(out)


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Write rows under their names; without any there is no file."""
    listed = list(rows)
    if listed:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, listed[0].keys())
            writer.writeheader()
            writer.writerows(listed)
    return bool(listed)


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write what a snapshot is, as JSON."""
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
