"""Roles, and whoever has one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What somebody may do; an admin may do all that the others may."""

    INTAKE = "intake"
    SUPERVISOR = "supervisor"
    DATA_SCIENTIST = "data_scientist"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or machine that asks; `name` is the actor in the ledger."""

    name: str
    role: Role
    kind: Literal["person", "key", "anonymous"]


ANONYMOUS = "anonymous"
"""The name of whoever asks without credentials, where that is allowed."""

KEY_PREFIX = "key:"
"""Before the names of API keys, so that none can pass for a person."""
