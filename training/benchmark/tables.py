"""Markdown tables, the numbers in them, and the order of what they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from models.prediction import LEVELS
from training.benchmark.measuring import BUCKETS
from training.buckets import ALL

NONE = "–"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table, each row on a line."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def number(value: float | None) -> str:
    """Write a share to three places."""
    return NONE if value is None else f"{value:.3f}"


def interval(figures: Mapping[str, float], name: str = "accuracy") -> str:
    """Write a figure with its interval, where it has one."""
    if f"{name}_low" not in figures:
        return number(figures.get(name))
    return f"{number(figures[name])} ({figures[f'{name}_low']:.3f}–{figures[f'{name}_high']:.3f})"


def words(name: str) -> str:
    """Write the name of a level or a figure for people."""
    return {"ece": "ECE", "macro_f1": "macro-F1"}.get(name, name.replace("_", " "))


def level_order(levels: Iterable[str]) -> list[str]:
    """Put levels from the broad to the fine, then whatever else was measured by name."""
    return _known_first(levels, LEVELS)


def part_order(parts: Iterable[str]) -> list[str]:
    """Put all together first, then languages, spellings, and groups by name."""
    return _known_first(parts, (ALL, *BUCKETS))


def _known_first(found: Iterable[str], known: Sequence[str]) -> list[str]:
    there = set(found)
    return [*(name for name in known if name in there), *sorted(there.difference(known))]
