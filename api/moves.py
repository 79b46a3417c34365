"""How `triage routes diff` tells moves: a row of a table, a line of JSON, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from triage.whatif import Move, Outcome

NOBODY = "nobody"
HEADER = f"{'decision':38}{'topic':28}from (rule) -> to (rule)"


def table_row(move: Move) -> str:
    """Return a move as a row under `HEADER`."""
    row = f"{move.decision_id:38}{move.topic or '-':28}{_told(move.now)} -> {_told(move.then)}"
    return f"{row}, {move.now.action} -> {move.then.action}" if move.changes_action else row


def as_json(move: Move) -> dict[str, Any]:
    """Return a move as a line of JSON has it."""
    return {
        "decision_id": move.decision_id,
        "topic": move.topic,
        "from": asdict(move.now),
        "to": asdict(move.then),
        "changes_enterprise": move.changes_enterprise,
        "changes_action": move.changes_action,
    }


class Totals:
    """Counts moves by where from and where to, while they pass by."""

    def __init__(self) -> None:
        self._by_pair: Counter[tuple[str, str]] = Counter()

    def count(self, moves: Iterable[Move]) -> Iterator[Move]:
        """Pass moves through and count them."""
        for move in moves:
            self._by_pair[move.now.enterprise or NOBODY, move.then.enterprise or NOBODY] += 1
            yield move

    def rows(self) -> Iterator[str]:
        """Yield a row for each pair, the most frequent first, and one for all."""
        for (old, new), count in sorted(self._by_pair.items(), key=lambda item: (-item[1], item)):
            note = " (another action)" if old == new else ""
            yield f"{count:8}  {old} -> {new}{note}"
        yield f"{self._by_pair.total():8}  in all"


def _told(outcome: Outcome) -> str:
    return f"{outcome.enterprise or NOBODY} ({outcome.rule})"
