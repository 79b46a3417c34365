"""Entries of the benchmark for tests."""

from __future__ import annotations

from typing import Any

from training.benchmark.entries import Entry, Measured


def make_entry(**changes: Any) -> Entry:
    """Return an entry of Kursk with one figure, or with what is changed."""
    fields: dict[str, Any] = {
        "suite": "kursk",
        "method": "static",
        "is_baseline": False,
        "command": "triage-train benchmark",
        "date": "2026-11-23",
        "data": {"kursk/train.csv": "ab" * 32},
        "versions": {"python": "3.11.2"},
        "seconds": 12.5,
        "limit": None,
        "measured": with_accuracy(0.75),
    }
    return Entry(**fields | changes)


def with_accuracy(accuracy: float) -> Measured:
    """Return an accuracy of topics over all texts."""
    figures = {"n": 100.0, "accuracy": accuracy, "accuracy_low": 0.5, "accuracy_high": 0.9}
    return Measured(figures={"all": {"topic": figures | {"macro_f1": 0.4, "top3_accuracy": 0.95}}})
