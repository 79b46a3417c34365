"""Finds personal data in texts: numbers by their form, names by what they follow."""

from __future__ import annotations

from triage.personal.span import HIDDEN, Kind, Span

__all__ = ["HIDDEN", "Kind", "Span"]
