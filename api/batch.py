"""Classifies a file of appeals: one line of JSON for each row, in the order of the rows."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from models.bundle import BATCH, TriageModel
from models.output import as_json
from triage.errors import InvalidRecordsError
from triage.records import Record
from triage.rows import COLUMNS, EMPTY, hint_of, text_of


def classify_records(
    model: TriageModel, records: Iterable[Record], mapping: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield an answer for each row, with the row's id or, without one, its number from 1.

    Raises
    ------
    InvalidRecordsError
        There is no column of texts, or none of a name that `mapping` gives.
    """
    columns = {name: mapping.get(name, name) for name in COLUMNS}
    numbered = enumerate(records, start=1)
    while batch := list(islice(numbered, BATCH)):
        if batch[0][0] == 1:  # later lines of JSON may leave out what is empty
            _check_columns(batch[0][1], columns, needed={"text", *mapping})
        rows = [_row(number, record, columns) for number, record in batch]
        with_text = [row for row in rows if row["text"]]
        predictions = iter(
            model.predict(
                [row["text"] for row in with_text], [row["language"] for row in with_text]
            )
        )
        for row in rows:
            answer = as_json(next(predictions)) if row["text"] else EMPTY
            yield {"id": row["id"], **answer}


def write_lines(answers: Iterable[dict[str, Any]], output: str) -> int:
    """Write answers as JSONL and return how many; ``-`` is standard output.

    The file appears whole or not at all.
    """
    count = 0
    with _writer(output) as file:
        for answer in answers:
            # Spreadsheets and Parquet may have ids that JSON has no word for: dates, decimals.
            file.write(json.dumps(answer, ensure_ascii=False, default=str) + "\n")
            count += 1
    return count


def _row(number: int, record: Record, columns: Mapping[str, str]) -> dict[str, Any]:
    values = {name: record.values.get(column) for name, column in columns.items()}
    return {
        "id": number if values["id"] is None else values["id"],
        "text": text_of(values["text"]),
        "language": hint_of(values["language"]),
    }


def _check_columns(record: Record, columns: Mapping[str, str], *, needed: set[str]) -> None:
    for name in COLUMNS:
        if name in needed and columns[name] not in record.values:
            raise InvalidRecordsError(
                f"no column {columns[name]!r} for {name}; there are {', '.join(record.values)}:"
                f" name it with --map {name}=COLUMN"
            )


@contextmanager
def _writer(output: str) -> Iterator[TextIO]:
    if output == "-":
        yield sys.stdout
        return
    part = Path(f"{output}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(part, output)
    except OSError as error:
        raise InvalidRecordsError(f"{output}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink()
