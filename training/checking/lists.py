"""Lists for a supervisor to go through, as CSV: likely label errors and contradictions."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from models.prediction import Level
from training.checking.findings import Conflict
from training.checking.label_errors import LabelErrors
from triage.appeal import Bilingual
from triage.citydata import City
from triage.enterprises import Enterprise
from triage.masking import mask
from triage.taxonomy import Category, Topic

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets, and a resident wrote it."""

MAX_LISTED = 500
"""Rows of a list: more than anybody reads, and further down most labels are right."""

ERROR_COLUMNS = (
    *("row", "id", "decision_id", "text", "label", "label_ru", "label_kk", "probability"),
    *("likely", "likely_ru", "likely_kk", "likely_probability"),
)
CONFLICT_COLUMNS = ("level", "group", "row", "id", "decision_id", "label", "text")


def write_errors(
    path: Path, table: pd.DataFrame, level: Level, errors: LabelErrors, city: City
) -> None:
    """Write the rows whose label is likely to be wrong, `MAX_LISTED` at most, the worst first."""
    _write(path, ERROR_COLUMNS, _errors(table, level, errors, city))


def write_conflicts(path: Path, table: pd.DataFrame, conflicts: Iterable[Conflict]) -> None:
    """Write the rows of texts that are alike and have different labels."""
    _write(path, CONFLICT_COLUMNS, _conflicts(table, conflicts))


def name_of(city: City, level: Level, code: str) -> Bilingual:
    """Return what a code is called, itself where the city does not know it."""
    taxonomy, enterprises = city.taxonomy, city.enterprises.enterprises
    tables: dict[Level, Mapping[str, Category | Topic | Enterprise]] = {
        "category": taxonomy.categories,
        "topic": taxonomy.topics,
        "enterprise": enterprises,
    }
    known = tables[level].get(code)
    return Bilingual(code, code) if known is None else known.name


def _errors(
    table: pd.DataFrame, level: Level, errors: LabelErrors, city: City
) -> Iterator[tuple[Any, ...]]:
    for at in range(min(errors.n_likely, MAX_LISTED)):
        row = int(errors.rows[at])
        appeal, likely = table.iloc[row], str(errors.likely[at])
        names, likely_names = name_of(city, level, appeal[level]), name_of(city, level, likely)
        yield (
            *(row + 1, appeal["id"], appeal["decision_id"], mask(appeal["text"]).text),
            *(appeal[level], names.ru, names.kk, f"{errors.probability[at]:.4f}"),
            *(likely, likely_names.ru, likely_names.kk, f"{errors.likely_probability[at]:.4f}"),
        )


def _conflicts(table: pd.DataFrame, conflicts: Iterable[Conflict]) -> Iterator[tuple[Any, ...]]:
    for group, conflict in enumerate(conflicts, start=1):
        for row in conflict.rows:
            appeal = table.iloc[row]
            label, text = appeal[conflict.level], mask(appeal["text"]).text
            ids = (appeal["id"], appeal["decision_id"])
            yield (conflict.level, group, row + 1, *ids, label, text)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    # The mark at the start is how spreadsheets tell UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_safe(cell) for cell in row] for row in rows)


def _safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
