"""The file of what the long tests of reliability came to, and its tables in the documentation.

``python tests/reliability_results.py`` brings the page up to date with the file.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.benchmark.tables import table
from training.report import insert

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = DOCS / "results" / "reliability.json"
PAGE = DOCS / "reliability.md"
COMMAND = "pytest -m soak tests/reliability"

_HEADS = {"crashes": "killed on", "ledger": "ledger"}
_MACHINE = ("python", "load")
"""Told in the file alone."""


def record(section: str, name: str, figures: Mapping[str, Any]) -> None:
    """Put the figures of one test into the file of results, and those of the page after it."""
    known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    known["command"] = COMMAND
    known.setdefault(section, {})[name] = {
        **figures,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
    RESULTS.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    update()


def render(known: Mapping[str, Any]) -> str:
    """Write the figures, a table a section and a row a test."""
    return "\n".join(_section(head, known[name]) for name, head in _HEADS.items() if name in known)


def update() -> None:
    """Bring the page up to date."""
    known = json.loads(RESULTS.read_text("utf-8"))
    page = PAGE.read_text("utf-8")
    PAGE.write_text(insert(page, render(known).rstrip("\n")), "utf-8")


def _section(head: str, tests: Mapping[str, Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for of in tests.values() for name in of if name not in _MACHINE)
    rows = [(test, *(_cell(of.get(name)) for name in names)) for test, of in tests.items()]
    return table((head, *names), rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


if __name__ == "__main__":
    update()
