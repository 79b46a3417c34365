"""What a row of a file of appeals is scored by: the same for one machine and for many."""

from __future__ import annotations

from typing import Any, get_args

from models.language import Language
from models.prediction import LEVELS
from models.text import normalise

COLUMNS = ("id", "text", "language")
"""What is taken from a row; the rest is passed over."""

LANGUAGES = get_args(Language)
"""Hints that are taken; with any other the model tells the language itself."""

TEXT_EMPTY = "text_empty"

EMPTY: dict[str, Any] = {"language": "other", **dict.fromkeys(LEVELS, None), "error": TEXT_EMPTY}
"""Answer to a row without a text: it is in the output, so that no row is lost."""


def text_of(value: Any) -> str:
    """Return the text of a cell, normalised; empty where there is none."""
    return "" if value is None else normalise(str(value))


def hint_of(value: Any) -> str | None:
    """Return the language that a cell gives, None where that is none we know."""
    return value if value in LANGUAGES else None
