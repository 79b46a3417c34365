"""Checks a city's tables and appeals, all problems in one go."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from triage.appeal import MAX_TEXT_CHARS, Channel
from triage.citydata.files import Columns, csv_rows, json_rows
from triage.citydata.problems import (
    Problem,
    Report,
    Row,
    TooManyProblemsError,
    UnusableFileError,
)
from triage.citydata.tables import City, Codes, read_tables

LANGUAGES = ("ru", "kk", "mixed", "other")
APPEALS = ("appeals.jsonl", "appeals.csv", "appeals_more.jsonl")
APPEAL_COLUMNS = Columns(
    required=("id", "text", "topic", "enterprise_id"),
    optional=("lang", "channel", "voice", "secondary_topic", "district", "received_at"),
    flags=("urgent",),
)


def check_city(folder: Path) -> list[Problem]:
    """Return the problems of a city's tables and of its appeals, where it has some.

    After the first 100 one more problem says that others were left out.
    """
    report = Report()
    with suppress(TooManyProblemsError):
        _, codes = read_tables(folder, report)
        for name in APPEALS:
            if os.path.exists(folder / name):  # Path.exists raises in a closed folder
                _read_appeals(folder / name, codes, report)
    return report.problems


def check_appeals(path: Path, city: City) -> list[Problem]:
    """Return the problems of a file of appeals; `.jsonl` is JSON Lines, all else CSV."""
    report = Report()
    codes = Codes(city.districts.by_code, city.taxonomy.topics, city.enterprises.enterprises)
    with suppress(TooManyProblemsError):
        _read_appeals(path, codes, report)
    return report.problems


def _read_appeals(path: Path, codes: Codes, report: Report) -> None:
    read = json_rows if path.suffix.lower() == ".jsonl" else csv_rows
    lines: dict[str, int] = {}
    with suppress(UnusableFileError):
        for row in read(path, APPEAL_COLUMNS, report):
            _check_appeal(row, lines, codes)


def _check_appeal(row: Row, lines: dict[str, int], codes: Codes) -> None:
    row.unique("id", lines)
    length = len(row.needed("text"))
    if length > MAX_TEXT_CHARS:
        row.reject(f"text has {length} characters, more than {MAX_TEXT_CHARS}")
    row.needed("topic")
    row.known("topic", codes.topics)
    row.known("secondary_topic", codes.topics)
    row.needed("enterprise_id")
    row.known("enterprise_id", codes.enterprises)
    row.known("district", codes.districts)
    row.known("lang", LANGUAGES)
    row.known("channel", tuple(Channel))
    row.flag("urgent", default=False)
    _check_time(row, "received_at")


def _check_time(row: Row, column: str) -> None:
    value = row.get(column)
    try:
        datetime.fromisoformat(value or "2000-01-01")
    except ValueError:
        row.reject(f"{column} must be an ISO 8601 date or time")
