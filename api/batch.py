"""Classifies a file of appeals: one line of JSON for each row, in the order of the rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from models.bundle import BATCH, TriageModel
from models.output import as_lines, encode_json
from triage.errors import InvalidRecordsError
from triage.records import Record
from triage.rows import COLUMNS, EMPTY, hint_of, text_of


class _Row(NamedTuple):
    """What is taken of a record; the text is normalised, and empty where there is none."""

    id: Any
    text: str
    language: str | None


def classify_records(
    model: TriageModel, records: Iterable[Record], mapping: Mapping[str, str]
) -> Iterator[str]:
    """Yield an answer for each row as JSON, with its id or, without one, its number from 1.

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
        yield from _answers(model, [_row(number, record, columns) for number, record in batch])


def write_lines(lines: Iterable[str], output: str) -> int:
    """Write lines and return how many; ``-`` is standard output.

    The file appears whole or not at all.
    """
    count = 0
    with _writer(output) as file:
        for line in lines:
            file.write(line + "\n")
            count += 1
    return count


def _answers(model: TriageModel, rows: Sequence[_Row]) -> Iterator[str]:
    with_text = [row for row in rows if row.text]
    scores = model.score([row.text for row in with_text], [row.language for row in with_text])
    answers = as_lines(model, scores, [row.id for row in with_text])
    for row in rows:
        yield next(answers) if row.text else encode_json({"id": row.id, **EMPTY})


def _row(number: int, record: Record, columns: Mapping[str, str]) -> _Row:
    values = record.values
    own_id = values.get(columns["id"])
    return _Row(
        id=number if own_id is None else own_id,
        text=text_of(values.get(columns["text"])),
        language=hint_of(values.get(columns["language"])),
    )


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
