"""Result files of long tests, and the tables in the documentation that are made from them.

Every figure that the page or README quotes of performance and reliability comes from here.
``PYTHONPATH=. python tests/results_page.py`` brings both up to date with the files.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.benchmark.tables import table
from training.report import insert

ROOT = Path(__file__).parents[1]

FILE_ALONE = ("command", "python", "load", "details")
PAGE_ALONE = ("date", "machine")
"""README's tables are narrow, and have a line below for these."""

Section = Mapping[str, Mapping[str, Any]]
"""What was recorded, by the name of its row."""


@dataclass(frozen=True)
class ResultsPage:
    """A page of the documentation with the tables of one file of results.

    Attributes
    ----------
    name
        Of the file, without its ending, and of the marks in README.
    heads
        Of the first column, by section, in the order of the tables.
    page
        Name of the page, without its ending; None for that of the file.
    is_quoted
        Whether README has the tables too.
    root
        Folder of README and `docs`.
    """

    name: str
    heads: Mapping[str, str]
    page: str | None = None
    is_quoted: bool = True
    root: Path = ROOT

    def record(
        self,
        section: str,
        row: str,
        figures: Mapping[str, Any],
        *,
        command: str,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Put the figures of one test into the file, and the tables of the pages after it.

        Parameters
        ----------
        command
            What measures these figures again.
        details
            Kept in the file, and too long for a table.
        """
        known = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        known.setdefault(section, {})[row] = {
            **figures,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "command": command,
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 1),
            **({"details": details} if details else {}),
        }
        self._file.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", "utf-8")
        self.update()

    def update(self) -> None:
        """Bring the page, and README if it quotes it, up to date with the file."""
        for path, text in self.renewed().items():
            path.write_text(text, "utf-8")

    def renewed(self) -> dict[Path, str]:
        """Return the page and README with the tables of the file."""
        found = self.sections()
        page = self.root / "docs" / f"{self.page or self.name}.md"
        renewed = {page: insert(page.read_text("utf-8"), self._tables(found, FILE_ALONE))}
        if self.is_quoted:
            readme = self.root / "README.md"
            narrow = f"{self._tables(found, (*FILE_ALONE, *PAGE_ALONE))}\n\n{_measured(found)}"
            renewed[readme] = insert(readme.read_text("utf-8"), narrow, self.name)
        return renewed

    def sections(self) -> dict[str, Section]:
        """Return what the file has, in the order of the tables."""
        known = json.loads(self._file.read_text("utf-8"))
        return {section: known[section] for section in self.heads if section in known}

    def _tables(self, found: Mapping[str, Section], left_out: Collection[str]) -> str:
        tables = [_table(self.heads[name], rows, left_out) for name, rows in found.items()]
        return "\n".join(tables).rstrip("\n")

    @property
    def _file(self) -> Path:
        return self.root / "docs" / "results" / f"{self.name}.json"


def _table(head: str, rows: Section, left_out: Collection[str]) -> str:
    names = dict.fromkeys(name for of in rows.values() for name in of if name not in left_out)
    cells = [(row, *(_cell(of.get(name)) for name in names)) for row, of in rows.items()]
    return table((head, *names), cells)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _measured(found: Mapping[str, Section]) -> str:
    """Say on which machines all of it was measured, and when."""
    entries = [entry for rows in found.values() for entry in rows.values()]
    machines = dict.fromkeys(entry["machine"] for entry in entries)
    dates = sorted({entry["date"] for entry in entries})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return f"Measured on {' and '.join(machines)}, {when}."


PERFORMANCE = ResultsPage(
    "performance",
    {
        "http": "requests a second, stored",
        "mlflow": "same model, 32 connections",
        "offline": "100,000 appeals of 350 characters, one core",
        "start": "start",
        "spark": "Spark on this one machine",
    },
)
RELIABILITY = ResultsPage(
    "reliability",
    {
        "crashes": "killed on",
        "faults": "fault",
        "ledger": "ledger",
        "mutated": "mutated appeals",
        "schemathesis": "Schemathesis",
    },
)
GROWTH = ResultsPage(
    "growth",
    {"fits": "appeals", "exponents": "growth exponent"},
    page="training",
    is_quoted=False,
)
PAGES = (PERFORMANCE, RELIABILITY, GROWTH)


if __name__ == "__main__":
    for page in PAGES:
        page.update()
