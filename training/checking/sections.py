"""What the page of a check says, section by section."""

from __future__ import annotations

from collections.abc import Iterator

from models.prediction import LEVELS
from training.benchmark.tables import words
from training.checking.check import Check, errors_file
from training.checking.findings import FEW, few
from training.checking.label_errors import MIN_EXAMPLES
from training.checking.lists import MAX_LISTED
from training.page import Section

MAX_NAMED = 8
"""Labels named in a cell; the rest are counted."""

CONFLICTS = "conflicts.csv"


def sections(check: Check) -> Iterator[Section]:
    """Return the page's sections: what there is, what contradicts itself, what has changed."""
    yield _columns(check)
    yield _balance(check)
    yield _lengths(check)
    if check.findings.unknown:
        yield _unknown(check)
    yield _conflicts(check)
    yield _errors(check)
    yield _drift(check)


def _columns(check: Check) -> Section:
    found = check.findings
    rows = [
        (name, str(count), f"{count / found.n_rows:.1%}") for name, count in found.filled.items()
    ]
    text = f"{found.n_rows} appeals; {found.unlabelled} have no label at any level."
    return Section("Columns", text, ("column", "filled", "share"), tuple(rows))


def _balance(check: Check) -> Section:
    rows = []
    for name, counts in check.findings.counts.items():
        largest = max(counts, key=lambda label: counts[label])
        rare = few(counts)
        share = counts[largest] / sum(counts.values())
        cells = (str(len(counts)), f"{largest} ({share:.1%})", str(len(rare)), _named(rare))
        rows.append((words(name), *cells))
    return Section(
        "Balance",
        f"How the labels and languages are spread. Rare ones have fewer than {FEW} examples.",
        ("level", "labels", "largest", "rare", "rarest"),
        tuple(rows),
        tuple(f"balance-{name}" for name in check.findings.counts),
    )


def _lengths(check: Check) -> Section:
    rows = tuple((f"{at:.0%}", f"{value:.0f}") for at, value in check.findings.lengths.items())
    return Section("Lengths", "", ("share of texts up to", "characters"), rows, ("lengths",))


def _unknown(check: Check) -> Section:
    rows = [
        (words(level), str(len(labels)), str(sum(labels.values())), _named(sorted(labels)))
        for level, labels in check.findings.unknown.items()
    ]
    return Section(
        "Unknown labels",
        "Labels that the city's files do not know. Take a snapshot to map them, or mend the files.",
        ("level", "labels", "rows", "which"),
        tuple(rows),
    )


def _conflicts(check: Check) -> Section:
    found = check.findings
    groups = {level: [one for one in found.conflicts if one.level == level] for level in LEVELS}
    rows = [
        (words(level), str(len(conflicts)), str(sum(len(one.rows) for one in conflicts)))
        for level, conflicts in groups.items()
        if level in found.counts
    ]
    text = (
        f"{found.repeated} appeals are like another one. Where such have different labels, one of"
        f" them is wrong or the text does not tell: `{CONFLICTS}` lists them."
    )
    return Section("Contradictions", text, ("level", "groups", "rows"), tuple(rows))


def _errors(check: Check) -> Section:
    rows = [
        (
            words(level),
            str(len(found.rows)),
            str(found.n_likely),
            f"{found.n_likely / len(found.rows):.1%}",
            errors_file(level),
        )
        for level, found in check.errors.items()
    ]
    return Section(
        "Likely label errors",
        "Judged by heads that did not see the row. What the text does not tell counts as well, so"
        " these are more than are wrong: read from the top and stop where the labels are mostly"
        f" right. A list holds {MAX_LISTED} rows at most; labels with fewer than {MIN_EXAMPLES}"
        " examples are not judged.",
        ("level", "judged", "likely wrong", "share", "list"),
        tuple(rows),
        tuple(f"label-errors-{level}" for level in check.errors),
    )


def _drift(check: Check) -> Section:
    if not check.drift:
        text = (
            f"{check.champion} does not say what it was fitted on."
            if check.champion
            else "There is no champion to compare with."
        )
        return Section("Drift", text)
    rows = [
        (
            words(name),
            f"{found.psi:.3f}",
            f"{found.noise:.3f}",
            f"{found.jensen_shannon:.3f}",
            "yes" if found.has_drifted else "no",
        )
        for name, found in check.drift.items()
    ]
    return Section(
        "Drift",
        f"This file against the data of {check.champion}. Chance alone keeps the population"
        " stability index (PSI) below the bound 99 times in 100.",
        ("level", "PSI", "bound", "Jensen-Shannon, bits", "drifted"),
        tuple(rows),
    )


def _named(labels: list[str]) -> str:
    more = len(labels) - MAX_NAMED
    return ", ".join(labels[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
