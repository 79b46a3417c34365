"""Historical appeals from a city's own files, as one table with known columns."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Any

import pandas as pd

from models.language import identify
from models.prediction import LEVELS
from models.text import normalise
from training.errors import InvalidTrainingDataError
from triage.enterprises import EnterpriseRegistry
from triage.records import Record, read_records
from triage.taxonomy import Taxonomy

ORIGINS = ("weight", "district", "group", "label_source", "decision_id")
"""Columns of snapshots: how much a row counts, and where its labels come from."""

COLUMNS = (
    *("id", "text", *LEVELS, "received_at", "language", "channel", "urgent", "voice"),
    *ORIGINS,
)
"""Columns of the table; those that the files lack are None throughout."""

ALIASES = {"enterprise": ("enterprise_id",), "language": ("lang",)}
"""Names under which a column is found too, where `--map` does not name one."""

MAX_SHOWN = 10
"""Bad rows told of one by one; the rest are counted."""

_DAY_FIRST = re.compile(r"^(\d\d)\.(\d\d)\.(\d{4})")
_SHORT_HOUR = re.compile(r"^(\S{10}[ T])(\d:)")
TRUE, FALSE = ("true", "1", "yes", "да", "иә"), ("false", "0", "no", "нет", "жоқ")


@dataclass(frozen=True)
class Examples:
    """Labelled appeals.

    Attributes
    ----------
    table
        Columns `COLUMNS`; ``text`` is normalised and never empty; labels are strings or None.
    data_hash
        SHA-256 over what is fitted on (texts, labels, urgency, times, weights where there are
        any) in the order of the rows, hexadecimal.
    warnings
        What was left out and why, for the person who trains.
    """

    table: pd.DataFrame
    data_hash: str
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)


@dataclass
class _Problems:
    """Bad rows of one kind, told of all at once."""

    shown: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, source: str, line: int, message: str) -> None:
        self.count += 1
        if self.count <= MAX_SHOWN:
            self.shown.append(f"{source}:{line}: {message}")

    def __str__(self) -> str:
        more = self.count - len(self.shown)
        return "\n".join([*self.shown, *([f"and {more} more"] if more else [])])


def read_examples(
    sources: Sequence[str],
    *,
    mapping: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    taxonomy: Taxonomy | None = None,
    enterprises: EnterpriseRegistry | None = None,
    on_row: Callable[[int], None] = lambda n_rows: None,
) -> Examples:
    """Read labelled appeals and check them.

    Rows without a text are left out, with a warning. Every other bad row is an error, and all of
    them are told at once, each with its file, its line and the reason.

    Parameters
    ----------
    sources
        Files, ``-`` for standard input.
    mapping
        From our columns to the files'.
    taxonomy, enterprises
        What labels are checked against, where given; a topic's category is then the taxonomy's.
    on_row
        Told the number of rows read so far.

    Raises
    ------
    InvalidTrainingDataError, InvalidRecordsError
    """
    problems, empty = _Problems(), _Problems()
    rows: list[dict[str, Any]] = []
    for source in sources:
        # Lines of JSON may name different columns; what a file needs is asked of its first row.
        columns: dict[tuple[str, ...], dict[str, str]] = {}
        for record in read_records(source, delimiter=delimiter):
            names = tuple(record.values)
            if names not in columns:
                columns[names] = _find_columns(source, record, mapping or {}, needed=not columns)
            row = _row(source, record, columns[names], problems)
            if row["text"]:
                _check_labels(source, record.line, row, taxonomy, enterprises, problems)
                rows.append(row)
            else:
                empty.add(source, record.line, "no text, left out")
            on_row(len(rows))
    if problems.count:
        raise InvalidTrainingDataError(str(problems))
    if not rows:
        raise InvalidTrainingDataError(f"{', '.join(sources)}: no appeals")
    return _examples(rows, str(empty))


def _find_columns(
    source: str, record: Record, mapping: Mapping[str, str], *, needed: bool
) -> dict[str, str]:
    """Say under which name the file holds each of our columns."""
    found = {}
    for name in COLUMNS:
        wanted = [mapping[name]] if name in mapping else [name, *ALIASES.get(name, ())]
        present = [column for column in wanted if column in record.values]
        if present:
            found[name] = present[0]
        elif needed and (name in mapping or name == "text"):
            raise InvalidTrainingDataError(
                f"{source}: no column {wanted[0]!r} for {name}; it has {', '.join(record.values)}"
            )
    return found


def _row(
    source: str, record: Record, columns: Mapping[str, str], problems: _Problems
) -> dict[str, Any]:
    raw = dict.fromkeys(COLUMNS) | {
        name: record.values.get(column) for name, column in columns.items()
    }
    row: dict[str, Any] = {name: _string(value) for name, value in raw.items()}
    row["text"] = normalise(row["text"] or "")
    for name, parse in (("received_at", _time), ("urgent", _truth), ("weight", _weight)):
        try:
            row[name] = parse(raw[name])
        except ValueError:
            problems.add(source, record.line, f"{name}: can't read {str(raw[name])!r}")
            row[name] = None
    return row


def _check_labels(
    source: str,
    line: int,
    row: dict[str, Any],
    taxonomy: Taxonomy | None,
    enterprises: EnterpriseRegistry | None,
    problems: _Problems,
) -> None:
    """Check labels against what is known, and take the category from the topic."""
    topic, category, enterprise = row["topic"], row["category"], row["enterprise"]
    if taxonomy and topic and topic not in taxonomy.topics:
        problems.add(source, line, f"unknown topic {topic!r}")
    elif taxonomy and topic:
        row["category"] = taxonomy.parent(topic)
        if category and category != row["category"]:
            problems.add(source, line, f"topic {topic!r} is not in category {category!r}")
    elif taxonomy and category and category not in taxonomy.categories:
        problems.add(source, line, f"unknown category {category!r}")
    if enterprises and enterprise and enterprises.get(enterprise) is None:
        problems.add(source, line, f"unknown enterprise {enterprise!r}")


def _examples(rows: list[dict[str, Any]], empty: str) -> Examples:
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(object)
    table = table.where(table.notna(), None)
    warnings = [empty] if empty else []
    if table["topic"].notna().any() and table["category"].notna().any():
        warnings += _settle_categories(table)
    digest = hashlib.sha256()
    fitted_on = ["text", *LEVELS, "urgent", "received_at"]
    fitted_on += ["weight"] if table["weight"].notna().any() else []
    for values in table[fitted_on].itertuples(index=False):
        digest.update(repr(tuple(map(str, values))).encode())
    return Examples(table, digest.hexdigest(), tuple(warnings))


def _settle_categories(table: pd.DataFrame) -> list[str]:
    """Give each topic the one category it comes with most often, in place."""
    pairs = Counter(
        (topic, category)
        for topic, category in zip(table["topic"], table["category"], strict=True)
        if topic is not None and category is not None
    )
    parents: dict[str, str] = {}
    for topic, category in sorted(pairs, key=lambda pair: (-pairs[pair], pair)):
        parents.setdefault(topic, category)
    contradicted = [pair for pair in pairs if parents[pair[0]] != pair[1]]
    known = table["topic"].isin(parents)
    table.loc[known, "category"] = table.loc[known, "topic"].map(parents)
    return [
        f"topic {topic!r} comes with category {category!r} in {pairs[topic, category]} rows,"
        f" but mostly with {parents[topic]!r}, which was taken"
        for topic, category in contradicted
    ]


def label_counts(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how often each label comes, by level, and each language, told from the text."""
    columns = {level: table[level].dropna() for level in LEVELS}
    counts = {"language": Counter(map(identify, table["text"]))}
    counts |= {level: Counter(labels) for level, labels in columns.items() if len(labels)}
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def complete_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a topic in each category and a category for each topic.

    A topic that never comes with a category becomes its own category; a category that never comes
    with a topic becomes its own only topic (or is the topic of that name, where there is one).
    Tables that lack either level stay as they are.
    """
    if table["topic"].isna().all() or table["category"].isna().all():
        return table
    topic, named = table["topic"], table["category"]
    both = topic.notna() & named.notna()
    known: dict[str, str] = dict(zip(topic[both], named[both], strict=True))
    category = named.fillna(topic.map(lambda name: known.get(name, name)))
    parents: dict[str, str] = dict(zip(topic[topic.notna()], category[topic.notna()], strict=True))
    lonely = topic.isna() & category.notna() & ~category.isin(parents.values())
    complete = table.assign(
        topic=topic.mask(lonely, category),
        category=category.mask(lonely, category.map(lambda name: parents.get(name, name))),
    )
    return complete.where(complete.notna(), None)


def _string(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _time(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        time = value
    else:
        text = _DAY_FIRST.sub(r"\3-\2-\1", str(value).strip())
        time = datetime.fromisoformat(_SHORT_HOUR.sub(r"\g<1>0\2", text))
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


def _weight(value: Any) -> float | None:
    text = "" if value is None else str(value).strip()
    weight = float(text) if text else None
    if weight is not None and not 0 < weight < inf:
        raise ValueError(text)
    return weight


def _truth(value: Any) -> bool | None:
    text = "" if value is None else str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    if text:
        raise ValueError(text)
    return None
