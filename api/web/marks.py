"""Marks in a text: what speaks for a label or against it, places, danger words; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

STEPS = (0.1, 0.34, 0.67)
"""Shares of the largest weight from which on a word is marked, more so, and most."""

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands from `start` to before `end`: a name for its look, and words that tell of it."""

    start: int
    end: int
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text that the same marks lie on."""

    text: str
    names: tuple[str, ...]
    note: str


def segments(text: str, marks: Iterable[Mark]) -> list[Segment]:
    """Cut a text where marks begin and end; the segments put together are the text.

    >>> [(one.text, one.names) for one in segments("нет воды", [Mark(4, 8, "place")])]
    [('нет ', ()), ('воды', ('place',))]
    """
    inside = [Mark(max(one.start, 0), min(one.end, len(text)), one.name, one.note) for one in marks]
    held = [one for one in inside if one.start < one.end]
    cuts = sorted({0, len(text), *(one.start for one in held), *(one.end for one in held)})
    return [_segment(text, start, end, held) for start, end in pairwise(cuts)]


def step(weight: float, largest: float) -> str:
    """Return the name of a weight's mark, empty where it is too small to be seen.

    >>> step(0.9, 1.0), step(-0.4, 1.0), step(0.01, 1.0)
    ('for-3', 'against-2', '')
    """
    share = abs(weight) / largest if largest else 0.0
    reached = sum(share >= limit for limit in STEPS)
    return f"{'for' if weight > 0 else 'against'}-{reached}" if reached else ""


def excerpt(text: str, limit: int) -> str:
    """Return the beginning of a text on one line, cut between words.

    >>> excerpt("нет горячей  воды", 12)
    'нет горячей…'
    """
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit + 1].rfind(" ")
    return line[: cut if cut > 0 else limit] + ELLIPSIS


def _segment(text: str, start: int, end: int, marks: Sequence[Mark]) -> Segment:
    on = [one for one in marks if one.start <= start and end <= one.end]
    notes = dict.fromkeys(one.note for one in on if one.note)
    return Segment(text[start:end], tuple(one.name for one in on), ", ".join(notes))
