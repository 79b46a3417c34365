"""The result file of the benchmark: an entry for each method on each suite."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from training.benchmark.curves import Confusion, Point
from training.errors import TrainingError
from training.evaluate import Figures


@dataclass(frozen=True)
class Measured:
    """What one method reached on one suite.

    Attributes
    ----------
    figures
        By part of the texts, level and name.
    reliability
        By part and level, the points of `curves.reliability`.
    coverage
        By level, the points of `curves.coverage_curve`.
    confusion
        Of categories, None where the suite has too few to show.
    """

    figures: Figures
    reliability: Mapping[str, Mapping[str, list[Point]]] = field(default_factory=dict)
    coverage: Mapping[str, list[Point]] = field(default_factory=dict)
    confusion: Confusion | None = None


@dataclass(frozen=True)
class Entry:
    """What was measured, and what to run to get it again.

    Attributes
    ----------
    method
        Name of an encoder, or of a baseline.
    data
        Names of the files read, with the SHA-256 of each.
    versions
        Of Python and of the packages that the figures depend on.
    seconds
        How long it took.
    limit
        Rows of each file that were read at most; None for all.
    """

    suite: str
    method: str
    is_baseline: bool
    command: str
    date: str
    data: Mapping[str, str]
    versions: Mapping[str, str]
    seconds: float
    limit: int | None
    measured: Measured

    @property
    def key(self) -> tuple[str, str]:
        """What an entry replaces: the suite and the method."""
        return self.suite, self.method

    def figure(self, part: str, level: str, name: str) -> float | None:
        """Return one figure, None where it was not measured."""
        return self.measured.figures.get(part, {}).get(level, {}).get(name)


@dataclass(frozen=True)
class Results:
    """All entries, and why what was asked for is not among them.

    Attributes
    ----------
    skipped
        By suite and, where only one method is missing, the method: the reason.
    """

    entries: tuple[Entry, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    def with_entry(self, entry: Entry) -> Results:
        """Put an entry in the place of the older one of its suite and method."""
        kept = [one for one in self.entries if one.key != entry.key]
        gone = {entry.suite, skip_key(*entry.key)}
        skipped = {key: reason for key, reason in self.skipped.items() if key not in gone}
        return Results((*kept, entry), skipped)

    def with_skipped(self, key: str, reason: str) -> Results:
        """Note why something was not measured; what was measured of it before stays."""
        return replace(self, skipped={**self.skipped, key: reason})

    def of(self, suite: str) -> list[Entry]:
        """Return a suite's entries: encoders, then baselines, each by name."""
        found = [entry for entry in self.entries if entry.suite == suite]
        return sorted(found, key=lambda entry: (entry.is_baseline, entry.method))

    def save(self, path: Path) -> None:
        """Write the file, entries in a fixed order."""
        path.parent.mkdir(parents=True, exist_ok=True)
        ordered = replace(self, entries=tuple(sorted(self.entries, key=lambda one: one.key)))
        text = json.dumps(asdict(ordered), ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(_short_lists(text) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` wrote; a file that is not there has no entries.

        Raises
        ------
        TrainingError
            The file is something else.
        """
        if not path.exists():
            return cls()
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            return cls(tuple(_entries(read["entries"])), read["skipped"])
        except (ValueError, TypeError, LookupError) as error:
            raise TrainingError(f"{path}: no benchmark result: {error!r}") from error


def skip_key(suite: str, method: str) -> str:
    """Return the key of a method that is missing from a suite."""
    return f"{suite}: {method}"


def _short_lists(text: str) -> str:
    """Put each list of numbers on one line: a file of curves must stay readable."""
    # JSON strings hold no line breaks, so none of them can match.
    return re.sub(r"\[\n([-+.,\de\s]+)\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def _entries(rows: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    for row in rows:
        measured, found = row.pop("measured"), None
        if table := measured["confusion"]:
            found = Confusion(tuple(table["classes"]), tuple(map(tuple, table["counts"])))
        yield Entry(
            **row,
            measured=Measured(
                figures=measured["figures"],
                reliability={
                    part: _points(levels) for part, levels in measured["reliability"].items()
                },
                coverage=_points(measured["coverage"]),
                confusion=found,
            ),
        )


def _points(levels: Mapping[str, list[list[float]]]) -> dict[str, list[Point]]:
    return {
        level: [(first, second, third) for first, second, third in points]
        for level, points in levels.items()
    }
