"""Appeals that nobody has labelled: of a file, or decided and not yet reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from models.text import normalise
from training.errors import InvalidTrainingDataError
from triage.records import read_records
from triage.store import decisions
from triage.store.decisions import DecisionFilters
from triage.store.sessions import Sessions

PAGE = 500


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """An appeal without a label; `id` is its line in a file, or its decision's id."""

    id: str
    text: str


def of_file(source: str, column: str = "text") -> Iterator[Unlabelled]:
    """Yield the texts of a file; rows without one are passed over.

    Raises
    ------
    InvalidRecordsError
        The file can't be read.
    InvalidTrainingDataError
        There is no such column.
    """
    for number, record in enumerate(read_records(source)):
        if number == 0 and column not in record.values:
            found = ", ".join(record.values)
            raise InvalidTrainingDataError(f"{source}: no column {column!r}; there are {found}")
        text = normalise(str(record.values.get(column) or ""))
        if text:
            yield Unlabelled(str(record.line), text)


def of_store(sessions: Sessions, city: str, since: datetime) -> Iterator[Unlabelled]:
    """Yield what was decided since then and nobody has reviewed, newest first."""
    filters = DecisionFilters(review_state="none", since=since)
    cursor = None
    while True:
        with sessions.read.begin() as session:
            page = decisions.page(session, city=city, filters=filters, limit=PAGE, cursor=cursor)
        for stored in page.items:
            if stored.purged_at is None:
                yield Unlabelled(stored.decision.id, normalise(stored.decision.appeal.text))
        cursor = page.next_cursor
        if cursor is None:
            return
