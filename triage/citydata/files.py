"""CSV and JSON Lines, read row by row with the physical line of each."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from triage.citydata.problems import Report, Row, UnusableFileError, hint, shown


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns or JSON fields that a file must have, and those that it may have.

    `flags` are optional as well, and hold true or false.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.required, *self.optional, *self.flags)


_JSON_TYPES = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a string",
    type(None): "null",
}


def _lines(path: Path, report: Report) -> Iterator[str]:
    offset = 0
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                yield _decoded(path.name, number, raw, offset, report)
                offset += len(raw)
    except FileNotFoundError:
        report.stop(path.name, None, "the file is missing")
    except OSError as error:
        report.stop(path.name, None, f"the file can't be read: {error.strerror}")
    if offset == 0:
        report.stop(path.name, None, "the file is empty")


def _decoded(file: str, number: int, raw: bytes, offset: int, report: Report) -> str:
    mark = len(codecs.BOM_UTF8) if number == 1 and raw.startswith(codecs.BOM_UTF8) else 0
    try:
        line = raw[mark:].decode()
    except UnicodeDecodeError as error:
        place = offset + mark + error.start
        report.stop(file, number, f"not UTF-8 at byte offset {place}: save the file as UTF-8")
    if "\0" in line:
        report.add(file, number, f"NUL character at character {line.index(chr(0)) + 1}")
    return line.replace("\0", "")


def _records(path: Path, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a CSV file, each with the physical line that it starts in."""
    reader = csv.reader(_lines(path, report), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            unterminated = "unexpected end" in str(error)
            why = "a quote is opened here and never closed" if unterminated else str(error)
            report.add(path.name, line, f"broken CSV: {why}")
            continue
        if fields is None:
            return
        if fields:
            yield line, fields


def csv_rows(path: Path, columns: Columns, report: Report) -> Iterator[Row]:
    """Yield the rows of a CSV file that have as many fields as its header.

    Raises
    ------
    UnusableFileError
        Where nothing can be read; what is wrong was reported, here as with single rows.
    """
    records = _records(path, report)
    line, names = next(records, (1, []))
    _check_header(Row(report, path.name, line, {}), names, columns)
    for number, fields in records:
        if len(fields) == len(names):
            cells = dict(zip(names, fields, strict=True))
            yield Row(report, path.name, number, cells)
        else:
            report.add(path.name, number, f"{len(fields)} fields, expected {len(names)}")


def _check_header(row: Row, names: Sequence[str], columns: Columns) -> None:
    if not names:
        row.report.stop(row.file, row.line, "no header row")
    for mark, told in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            row.report.stop(row.file, row.line, f"columns are divided by {told}, not commas")
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        row.reject(f"duplicate column {shown(name)}")
    if not _check_names(row, names, columns, "column") or twice:
        raise UnusableFileError


def _check_names(row: Row, names: Collection[str], columns: Columns, what: str) -> bool:
    """Report unknown and missing names; True where none is missing."""
    for name in names:
        if name not in columns.names:
            row.reject(f"unknown {what} {shown(name)}{hint(name, columns.names)}")
    missing = [name for name in columns.required if name not in names]
    for name in missing:
        row.reject(f"missing {what} {name!r}")
    return not missing


def json_rows(path: Path, columns: Columns, report: Report) -> Iterator[Row]:
    """Yield the sound lines of a JSON Lines file as rows, true and false as words, null as ""."""
    for number, line in enumerate(_lines(path, report), 1):
        row = Row(report, path.name, number, {})
        found = _json_object(row, line) if line.strip() else None
        if found is not None and _check_names(row, found, columns, "field"):
            before = len(report.problems)
            cells = {
                name: _json_cell(row, name, found[name], columns)
                for name in columns.names
                if name in found
            }
            if len(report.problems) == before:
                yield replace(row, cells=cells)


def _json_object(row: Row, line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        row.reject(f"broken JSON at character {error.pos + 1}: {error.msg}")
        return None
    except (ValueError, RecursionError):
        row.reject("broken JSON: a number is too long or brackets are too deep")
        return None
    if isinstance(value, dict):
        return value
    row.reject(f"{_JSON_TYPES[type(value)]} instead of a JSON object")
    return None


def _json_cell(row: Row, name: str, value: object, columns: Columns) -> str:
    wanted = bool if name in columns.flags else str
    if value is None and name not in columns.required:
        return ""
    if not isinstance(value, wanted):
        row.reject(f"{name} must be {_JSON_TYPES[wanted]}, not {_JSON_TYPES[type(value)]}")
    elif isinstance(value, str):
        _check_storable(row, name, value)
    return value if isinstance(value, str) else str(value).lower()


def _check_storable(row: Row, name: str, value: str) -> None:
    """Report what JSON can escape but no database can keep."""
    if "\0" in value:
        row.reject(f"{name} holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        row.reject(f"{name} holds half of a character")
