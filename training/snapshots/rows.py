"""The rows of a snapshot, and what was left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from models.language import identify
from models.text import normalise
from training.data import Examples
from training.snapshots.mapping import LabelMap, Unmapped
from training.snapshots.resolving import WEIGHTS, LabelSource, resolve
from triage.masking import mask
from triage.store.labels import Codes, LabelledDecision

Row = dict[str, Any]

PURGED, NO_TEXT, TWICE = "purged", "no text", "in the store as well"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An appeal that is not in the snapshot, by its decision's id or the file's own, and why."""

    id: str
    source: str
    reason: str


@dataclass
class Rows:
    """Rows gathered so far.

    Attributes
    ----------
    unmapped
        The place of a row and what of its labels could not be mapped.
    """

    label_map: LabelMap
    rows: list[Row] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unmapped: list[tuple[int, Unmapped]] = field(default_factory=list)

    def add_store(self, decisions: Iterable[LabelledDecision]) -> None:
        """Add what people said of decisions."""
        for found in decisions:
            label = resolve(found)
            reason = PURGED if found.is_purged else None if normalise(found.text) else NO_TEXT
            if reason:
                self.left_out.append(LeftOut(found.decision_id, "store", reason))
            elif label is not None:
                self._add(_of_decision(found, label[0]), label[1])

    def add_history(self, examples: Examples) -> None:
        """Add the rows of files, but for the appeals that the store tells of."""
        stored = {row["decision_id"] for row in self.rows}
        appeals = {row["id"] for row in self.rows} - {None}
        for row in cast("list[Row]", examples.table.to_dict("records")):
            if row["decision_id"] in stored or row["id"] in appeals:
                known = row["decision_id"] or row["id"]
                self.left_out.append(LeftOut(known, LabelSource.HISTORY, TWICE))
            else:
                codes = Codes(row["category"], row["topic"], row["enterprise"])
                self._add(_of_history(row), codes)

    def _add(self, row: Row, codes: Codes) -> None:
        mapped, unmapped = self.label_map.apply(codes)
        self.unmapped += [(len(self.rows), one) for one in unmapped]
        text = mask(normalise(row["text"])).text
        self.rows.append(row | asdict(mapped) | {"text": text})


def _of_decision(found: LabelledDecision, source: LabelSource) -> Row:
    """Return all but the labels; urgency is the model's own word there, and no label."""
    return {
        "id": found.appeal_id,
        "text": found.text,
        "urgent": None,
        "received_at": found.received_at,
        "language": found.language,
        "channel": found.channel,
        "district": found.district,
        "decision_id": found.decision_id,
        "label_source": source.value,
        "weight": WEIGHTS[source],
    }


def _of_history(row: Mapping[str, Any]) -> Row:
    """Return all but the labels; a row of an older snapshot keeps its source and weight."""
    source = row["label_source"] or LabelSource.HISTORY.value
    own = ("id", "text", "urgent", "received_at", "channel", "district", "decision_id")
    return {
        **{name: row[name] for name in own},
        "language": row["language"] or identify(row["text"]),
        "label_source": source,
        "weight": row["weight"] or WEIGHTS[LabelSource.HISTORY],
    }


def unmapped_rows(rows: Rows) -> Iterator[Row]:
    """Yield what could not be mapped, each with the line of its row in the snapshot."""
    for at, unmapped in rows.unmapped:
        row = rows.rows[at]
        yield {
            "line": at + 1,
            "decision_id": row["decision_id"],
            "id": row["id"],
            "label_source": row["label_source"],
            **asdict(unmapped),
        }
