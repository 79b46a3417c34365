"""Writes what a check found into a folder: the page, its plots and the lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.checking.check import Check, errors_file
from training.checking.lists import write_conflicts, write_errors
from training.checking.sections import CONFLICTS, sections
from training.page import write_page
from triage.citydata import City


def write_check(check: Check, folder: Path, city: City, *, facts: Sequence[str]) -> None:
    """Write the page and the lists.

    Parameters
    ----------
    facts
        Lines that say where the figures come from.
    """
    from training.checking.plots import draw_counts, draw_errors, draw_lengths  # slow to load

    table = check.examples.table
    drawings = [
        *draw_counts(check.findings.counts, check.champion_counts),
        draw_lengths([len(text) for text in table["text"]]),
        *draw_errors(check.errors),
    ]
    write_page(folder, "Check of the training data", facts, list(sections(check)), drawings)
    write_conflicts(folder / CONFLICTS, table, check.findings.conflicts)
    for level, errors in check.errors.items():
        write_errors(folder / errors_file(level), table, level, errors, city)
