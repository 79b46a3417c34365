"""The tables of the benchmark's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from training.benchmark.entries import Entry
from training.benchmark.tables import (
    NONE,
    interval,
    level_order,
    number,
    part_order,
    table,
    words,
)
from training.buckets import ALL

MIN_SHOWN = 10
"""Texts of a part from which on it has a row; the result file holds the others."""

MIN_PARTS = 2
"""One language alone is no other than all together."""

CONTRACT = (
    "The contract: the precision that it asks for, the coverage that its own sample promised, what"
    " happened on these texts, and what the best threshold in hindsight would have covered.\n"
)
HALVES = (
    "Contracts concluded on random halves of the contract sample and judged on the other halves:"
    " the share that gave a threshold, that kept their precision, and that an exact test refutes;"
    " the coverage on average, at least and at most; the precision of all that was routed.\n"
)
PARTS = "{} by language, spelling and group: accuracy / macro-F1 / ECE.\n"
COLUMNS = {"top3_accuracy": "top-3", "macro_f1": "macro-F1", "ece": "ECE"}


def write_levels(entries: Sequence[Entry]) -> str:
    """Write every level over all texts; where there is no whole, over each part."""
    is_whole = any(ALL in entry.measured.figures for entry in entries)
    rows = [
        (
            *(() if is_whole else (part,)),
            words(level),
            entry.method,
            f"{found['n']:.0f}",
            interval(found),
            *(number(found.get(name)) for name in COLUMNS),
        )
        for part, level in _headlines(entries, is_whole)
        for entry in entries
        if (found := entry.measured.figures.get(part, {}).get(level))
    ]
    texts = () if is_whole else ("texts",)
    return table((*texts, "level", "method", "n", "accuracy", *COLUMNS.values()), rows)


def _headlines(entries: Sequence[Entry], is_whole: bool) -> list[tuple[str, str]]:
    """List parts and levels, each once."""
    figures = [entry.measured.figures for entry in entries]
    found = {(part, level) for parts in figures for part in parts for level in parts[part]}
    parts = [ALL] if is_whole else part_order(part for part, _ in found)
    levels = level_order(level for _, level in found)
    return [(part, level) for part in parts for level in levels if (part, level) in found]


def write_contract(entries: Sequence[Entry]) -> str:
    """Write what each contract promised and what it kept."""
    rows = [
        (
            words(level),
            entry.method,
            number(found["contract_target"]),
            number(found["contract_promised_coverage"]),
            number(found["contract_coverage"]),
            interval(found, "contract_precision"),
            number(found["hindsight_coverage"]),
        )
        for level, entry, found in _having(entries, "contract_target")
    ]
    names = (
        "level",
        "method",
        "precision asked",
        "coverage promised",
        "coverage",
        "precision",
        "coverage in hindsight",
    )
    return f"{CONTRACT}\n{table(names, rows)}" if rows else ""


def write_halves(entries: Sequence[Entry]) -> str:
    """Write how contracts did that were concluded on random halves of a sample."""
    rows = [
        (
            words(level),
            entry.method,
            f"{found['halves_n_splits']:.0f}",
            number(found["halves_concluded"]),
            number(found["halves_held"]),
            number(found["halves_refuted"]),
            *(number(found[f"halves_coverage{which}"]) for which in ("", "_least", "_largest")),
            number(found["halves_precision"]) if found["halves_concluded"] else NONE,
        )
        for level, entry, found in _having(entries, "halves_held")
    ]
    names = (
        "level",
        "method",
        "halves",
        "concluded",
        "held",
        "refuted",
        "coverage",
        "least",
        "most",
        "precision",
    )
    return f"{HALVES}\n{table(names, rows)}" if rows else ""


def _having(
    entries: Sequence[Entry], figure: str
) -> Iterator[tuple[str, Entry, Mapping[str, float]]]:
    """List the levels over all texts that have a figure, with each entry that has it."""
    wholes = [(entry, entry.measured.figures.get(ALL, {})) for entry in entries]
    for level in level_order(level for _, whole in wholes for level in whole):
        for entry, whole in wholes:
            if figure in whole.get(level, {}):
                yield level, entry, whole[level]


def write_parts(entry: Entry) -> str:
    """Write what one method reached on each part, levels side by side."""
    figures = entry.measured.figures
    levels = level_order(figures.get(ALL, ()))
    found = {part: figures[part] for part in part_order(figures) if part != ALL}
    rows = [
        (part, f"{n:.0f}", *(_three(there.get(level, {})) for level in levels))
        for part, there in found.items()
        if (n := max((one["n"] for one in there.values()), default=0)) >= MIN_SHOWN
    ]
    if not levels or len(rows) < MIN_PARTS:
        return ""
    return f"{PARTS.format(entry.method)}\n{table(('texts', 'n', *map(words, levels)), rows)}"


def _three(found: Mapping[str, float]) -> str:
    if not found:
        return NONE
    return f"{interval(found)} / {number(found['macro_f1'])} / {number(found.get('ece'))}"
