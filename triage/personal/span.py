"""What is found, and where."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

HIDDEN = "\ue000"
"""Stands for what is found already, letter for letter: nothing is read across it or beside it."""


class Kind(StrEnum):
    """What sort of personal data."""

    IIN = "iin"
    PHONE = "phone"
    EMAIL = "email"
    CARD = "card"
    ACCOUNT = "account"
    NAME = "name"


class Span(NamedTuple):
    """Personal data from `start` up to `end` in a text, in characters."""

    start: int
    end: int
    kind: Kind
