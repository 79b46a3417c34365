"""The appeals whose answer changes, worst first."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from training.comparison.answers import Answers
from training.comparison.bootstrap import changed
from triage.masking import mask

Outcome = Literal["lost", "both_wrong", "unlabelled", "won"]
WORST_FIRST: tuple[Outcome, ...] = ("lost", "both_wrong", "unlabelled", "won")


@dataclass(frozen=True, slots=True)
class Change:
    """An appeal that gets another answer at a level.

    Attributes
    ----------
    row
        Of the file, 1 for the first appeal.
    outcome
        ``lost`` if only the champion was right, ``won`` if only the challenger is.
    champion_unseen, challenger_unseen
        Whether it would go without a person looking.
    text
        With personal data masked.
    """

    row: int
    id: str
    level: str
    outcome: Outcome
    true: str
    champion: str
    champion_probability: float
    champion_unseen: bool
    challenger: str
    challenger_probability: float
    challenger_unseen: bool
    language: str
    channel: str
    text: str


def changes_of(
    champion: Mapping[str, Answers], challenger: Mapping[str, Answers], table: pd.DataFrame
) -> list[Change]:
    """Return the appeals whose answer changes at any level that both models have.

    What the champion had right comes first: what nobody would look at before the rest, and what
    the challenger is surest of at the top.
    """
    found = [
        change
        for level, before in champion.items()
        if level in challenger
        for change in _changes(level, before, challenger[level], table)
    ]
    return sorted(found, key=_badness)


def write_changes(changes: Sequence[Change], path: Path) -> None:
    """Write changes as CSV, a spreadsheet's own way of reading UTF-8 included."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Change)])
        writer.writeheader()
        writer.writerows(map(asdict, changes))


def _changes(level: str, before: Answers, after: Answers, table: pd.DataFrame) -> Iterator[Change]:
    old, new = before.choices, after.choices
    for row in np.flatnonzero(changed(before, after)).tolist():
        appeal = table.iloc[row]
        yield Change(
            row=row + 1,
            id=_word(appeal["id"] or appeal["decision_id"]),
            level=level,
            outcome=_outcome(old.true[row], old.best[row, 0], new.best[row, 0]),
            true=_word(old.true[row]),
            champion=_word(old.best[row, 0]),
            champion_probability=round(float(old.probability[row]), 4),
            champion_unseen=bool(before.unseen[row]),
            challenger=_word(new.best[row, 0]),
            challenger_probability=round(float(new.probability[row]), 4),
            challenger_unseen=bool(after.unseen[row]),
            language=_word(appeal["language"]),
            channel=_word(appeal["channel"]),
            text=mask(appeal["text"]).text,
        )


def _outcome(true: str | None, before: str | None, after: str | None) -> Outcome:
    if true is None:
        return "unlabelled"
    if before == true:
        return "lost"
    return "won" if after == true else "both_wrong"


def _badness(change: Change) -> tuple[int, bool, float, int]:
    return (
        WORST_FIRST.index(change.outcome),
        not change.challenger_unseen,
        -change.challenger_probability,
        change.row,
    )


def _word(value: str | None) -> str:
    return value or ""
