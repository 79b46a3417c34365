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
from math import isnan
from pathlib import Path
from typing import Any, BinaryIO

from triage.errors import InvalidRecordsError

STDIN = "-"
DELIMITERS = "\t,;|"
"""Tried on the header of a CSV file, where none is given. The first one holds for a header of one
column, whose texts may then have commas without quotes."""

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
        By column; empty cells are None, whole numbers are int.
    """

    line: int
    values: Mapping[str, Any]


def read_records(source: str, *, delimiter: str | None = None) -> Iterator[Record]:
    """Yield the rows of a file, by the ending of its name; ``-`` is standard input.

    Raises
    ------
    InvalidRecordsError
        The file is not there, not of its kind, not UTF-8, or a row does not fit its header.
        The delimiter is not one character.
    """
    suffix = Path(source).suffix.lower()
    if source == STDIN:
        yield from _named("standard input", _text_records(_lines(sys.stdin.buffer), delimiter))
    elif suffix in (".csv", ".tsv", ".txt"):
        with _opened(source) as file:
            yield from _named(source, _csv_records(_lines(file), delimiter))
    elif suffix in (".jsonl", ".ndjson"):
        with _opened(source) as file:
            yield from _named(source, _json_records(_lines(file)))
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
def _opened(source: str) -> Iterator[BinaryIO]:
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidRecordsError(f"{source}: {error.strerror}") from error


def _named(source: str, records: Iterator[Record]) -> Iterator[Record]:
    """Say the file's name in every error."""
    try:
        yield from records
    except InvalidRecordsError as error:
        raise InvalidRecordsError(f"{source}:{error}") from error


def _lines(file: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise InvalidRecordsError(
                f"{number}: not UTF-8 (byte {byte:#04x}): save it as UTF-8"
            ) from error
        yield text


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
    reader = csv.reader(
        chain([first], lines), delimiter=_choose_delimiter(delimiter, first), strict=True
    )
    start = 1
    try:
        header = [name.strip() for name in next(reader)]
        _check_header(header)
        start = reader.line_num + 1
        for row in reader:
            if row:
                yield Record(start, _cells(header, row, start))
            start = reader.line_num + 1
    except csv.Error as error:
        # Not the line where it was noticed: for a quote left open that is the last of the file.
        raise InvalidRecordsError(f"{start}: {error}") from error


def _choose_delimiter(given: str | None, header: str) -> str:
    delimiter = given.replace("\\t", "\t") if given else max(DELIMITERS, key=header.count)
    if len(delimiter) != 1:
        raise InvalidRecordsError(f" delimiter {given!r}: one character is expected")
    return delimiter


def _json_records(lines: Iterator[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidRecordsError(f"{number}: not JSON: {error}") from error
        if not isinstance(value, dict):
            raise InvalidRecordsError(f"{number}: a JSON object is expected on each line")
        yield Record(number, {name: clean_cell(value) for name, value in value.items()})


def _parquet_records(source: str) -> Iterator[Record]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(source) as file:
            batches = (batch.to_pylist() for batch in file.iter_batches(PARQUET_BATCH))
            for number, row in enumerate(chain.from_iterable(batches), start=1):
                yield Record(number, {name: clean_cell(value) for name, value in row.items()})
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise InvalidRecordsError(f" can't be read as Parquet: {error}") from error


def _xlsx_records(source: str) -> Iterator[Record]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(source) as workbook:
            rows = workbook.get_sheet_by_index(0).iter_rows()
            header = [str(cell).strip() for cell in next(rows, [])]
            _check_header(header)
            for number, row in enumerate(rows, start=2):
                if any(cell != "" for cell in row):
                    yield Record(number, _cells(header, row, number))
    except (CalamineError, OSError) as error:
        raise InvalidRecordsError(f" can't be read as XLSX: {error}") from error


def _check_header(header: Sequence[str]) -> None:
    if not any(header):
        raise InvalidRecordsError("1: no header")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise InvalidRecordsError(f"1: column {twice[0]!r} stands twice in the header")


def _cells(header: Sequence[str], row: Sequence[Any], line: int) -> dict[str, Any]:
    if len(row) != len(header):
        raise InvalidRecordsError(f"{line}: {len(row)} fields, the header has {len(header)}")
    return {name: clean_cell(value) for name, value in zip(header, row, strict=True) if name}


def clean_cell(value: Any) -> Any:
    """Undo what file formats do to a cell: nothing is NaN or blank there, the code 3 is 3.0."""
    if isinstance(value, float):
        return None if isnan(value) else int(value) if value.is_integer() else value
    if isinstance(value, bytes):  # text columns of some Parquet writers
        value = value.decode()
    if isinstance(value, str):
        # JSON can hold halves of characters, which no file or database takes.
        return value.encode(errors="replace").decode() if value.strip() else None
    return value
