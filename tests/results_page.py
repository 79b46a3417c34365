"""Result files of long tests, and the tables in the documentation that are made from them.

``PYTHONPATH=. python tests/results_page.py`` brings the pages up to date with the files.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.benchmark.tables import table
from training.report import insert

DOCS = Path(__file__).parents[1] / "docs"

MACHINE = ("python", "load")
"""Told in the file alone."""


@dataclass(frozen=True)
class ResultsPage:
    """A page of the documentation with the tables of one file of results.

    Attributes
    ----------
    name
        Of the page and of the file, without their endings.
    command
        What measures it all again.
    heads
        Of the first column, by section.
    """

    name: str
    command: str
    heads: Mapping[str, str]

    def record(self, section: str, name: str, figures: Mapping[str, Any]) -> None:
        """Put the figures of one test into the file, and those of the page after it."""
        known = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        known["command"] = self.command
        known.setdefault(section, {})[name] = {
            **figures,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 1),
        }
        self._file.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
        self.update()

    def update(self) -> None:
        """Bring the page up to date with the file."""
        self._page.write_text(self.renewed(), "utf-8")

    def renewed(self) -> str:
        """Return the page with the tables of the file."""
        known = json.loads(self._file.read_text("utf-8"))
        tables = [
            _table(head, known[section]) for section, head in self.heads.items() if section in known
        ]
        return insert(self.text, "\n".join(tables).rstrip("\n"))

    @property
    def text(self) -> str:
        """The page as it is."""
        return self._page.read_text("utf-8")

    @property
    def _file(self) -> Path:
        return DOCS / "results" / f"{self.name}.json"

    @property
    def _page(self) -> Path:
        return DOCS / f"{self.name}.md"


def _table(head: str, tests: Mapping[str, Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for of in tests.values() for name in of if name not in MACHINE)
    rows = [(test, *(_cell(of.get(name)) for name in names)) for test, of in tests.items()]
    return table((head, *names), rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


PERFORMANCE = ResultsPage(
    "performance",
    "make bench",
    {
        "http": "requests a second, stored",
        "mlflow": "same model, 32 connections",
        "offline": "100,000 appeals of 350 characters, one core",
        "start": "start",
    },
)
RELIABILITY = ResultsPage(
    "reliability",
    "pytest -m soak tests/reliability",
    {"crashes": "killed on", "ledger": "ledger"},
)
PAGES = (PERFORMANCE, RELIABILITY)


if __name__ == "__main__":
    for page in PAGES:
        page.update()
