"""Rows of a file of appeals, one at a time: CSV, JSONL, Parquet, XLSX or standard input.

Nothing is held in memory but the row (the batch, in Parquet), and every error says which line.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from triage.errors import InvalidRecordsError

STDIN = "-"
DELIMITERS = ",;\t|"
"""Tried on the header of a CSV file, where none is given."""

MAX_FIELD_CHARS = 10_000_000
"""Longer CSV fields are a missing closing quote."""

PARQUET_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Record:
    """One row.

    Attributes
    ----------
    line
        Physical line in CSV and JSONL, row number in Parquet and XLSX, both from 1; the header
        counts as a line.
    values
        By column; empty cells are None.
    """

    line: int
    values: Mapping[str, Any]


def read_records(source: str, *, delimiter: str | None = None) -> Iterator[Record]:
    """Yield the rows of a file, by the ending of its name; ``-`` is standard input.

    Raises
    ------
    InvalidRecordsError
        The file is not there, not of its kind, not UTF-8, or a row does not fit its header.
    """
    suffix = Path(source).suffix.lower()
    if source == STDIN:
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")  # type: ignore[union-attr]  # a text stream at run time
        yield from _named("standard input", _text_records(sys.stdin, delimiter))
    elif suffix in (".csv", ".tsv", ".txt"):
        with _opened(source) as file:
            yield from _named(source, _csv_records(file, delimiter))
    elif suffix in (".jsonl", ".ndjson"):
        with _opened(source) as file:
            yield from _named(source, _json_records(file))
    elif suffix == ".parquet":
        yield from _named(source, _parquet_records(source))
    elif suffix == ".xlsx":
        yield from _named(source, _xlsx_records(source))
    else:
        raise InvalidRecordsError(f"{source}: not a .csv, .tsv, .jsonl, .parquet or .xlsx file")


def parse_mapping(text: str | None, names: Sequence[str]) -> dict[str, str]:
    """Read ``text=COL,topic=COL`` into a mapping from our names to a file's columns.

    Raises
    ------
    InvalidRecordsError
        A pair without ``=``, or a name that is none of ours.
    """
    mapping = {}
    for pair in (text or "").split(","):
        if not pair.strip():
            continue
        name, _, column = (part.strip() for part in pair.partition("="))
        if not column or name not in names:
            raise InvalidRecordsError(
                f"--map {pair.strip()}: write NAME=COLUMN, with NAME one of {', '.join(names)}"
            )
        mapping[name] = column
    return mapping


@contextmanager
def _opened(source: str) -> Iterator[TextIO]:
    try:
        with Path(source).open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise InvalidRecordsError(f"{source}: {error.strerror}") from error


def _named(source: str, records: Iterator[Record]) -> Iterator[Record]:
    """Say the file's name in every error."""
    try:
        yield from records
    except UnicodeDecodeError as error:
        raise InvalidRecordsError(
            f"{source}: not UTF-8 (byte {error.object[error.start]:#04x}): save it as UTF-8"
        ) from error
    except InvalidRecordsError as error:
        raise InvalidRecordsError(f"{source}:{error}") from error


def _text_records(lines: Iterator[str], delimiter: str | None) -> Iterator[Record]:
    first = next(lines, "")
    lines = chain([first], lines)
    is_json = first.lstrip().startswith("{")
    return _json_records(lines) if is_json else _csv_records(lines, delimiter)


def _csv_records(lines: Iterator[str], delimiter: str | None) -> Iterator[Record]:
    first = next(lines, "")
    if not first.strip():
        raise InvalidRecordsError("1: no header")
    csv.field_size_limit(MAX_FIELD_CHARS)
    chosen = delimiter or max(DELIMITERS, key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=chosen, strict=True)
    try:
        header = next(reader)
        _check_header(header)
        start = reader.line_num + 1
        for row in reader:
            if row:
                yield Record(start, _cells(header, row, start))
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvalidRecordsError(f"{reader.line_num}: {error}") from error


def _json_records(lines: Iterator[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise InvalidRecordsError(f"{number}: not JSON: {error}") from error
        if not isinstance(value, dict):
            raise InvalidRecordsError(f"{number}: a JSON object is expected on each line")
        yield Record(number, {name: _or_none(cell) for name, cell in value.items()})


def _parquet_records(source: str) -> Iterator[Record]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise InvalidRecordsError(f" not a Parquet file: {error}") from error
    with file:
        number = 0
        for batch in file.iter_batches(PARQUET_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield Record(number, {name: _or_none(cell) for name, cell in row.items()})


def _xlsx_records(source: str) -> Iterator[Record]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(source) as workbook:
            rows = workbook.get_sheet_by_index(0).iter_rows()
            header = [str(cell).strip() for cell in next(rows, [])]
            _check_header(header)
            for number, row in enumerate(rows, start=2):
                if any(cell != "" for cell in row):
                    yield Record(number, _cells(header, [_whole(cell) for cell in row], number))
    except (CalamineError, OSError) as error:
        raise InvalidRecordsError(f" not an XLSX file: {error}") from error


def _check_header(header: Sequence[str]) -> None:
    if not any(header):
        raise InvalidRecordsError("1: no header")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InvalidRecordsError(f"1: column {twice[0]!r} stands twice in the header")


def _cells(header: Sequence[str], row: Sequence[Any], line: int) -> dict[str, Any]:
    if len(row) != len(header):
        raise InvalidRecordsError(f"{line}: {len(row)} fields, the header has {len(header)}")
    return {name: _or_none(cell) for name, cell in zip(header, row, strict=True)}


def _or_none(cell: Any) -> Any:
    return None if isinstance(cell, str) and not cell.strip() else cell


def _whole(cell: Any) -> Any:
    """Undo what spreadsheets do to codes: 3 is kept as 3.0 there."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
