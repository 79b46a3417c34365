"""Names of people and keys: what the ledger will call them."""

from __future__ import annotations

from triage.errors import InvalidPersonError
from triage.roles import ANONYMOUS

MAX_CHARS = 100
RESERVED = frozenset({ANONYMOUS, "system"})
"""Names that the ledger gives to whatever no person did."""


def check_name(name: str) -> None:
    """Refuse a name that could be taken for another one.

    Raises
    ------
    InvalidPersonError
    """
    clean = name.isprintable() and name == name.strip() and ":" not in name
    if not clean or not 0 < len(name) <= MAX_CHARS or name.casefold() in RESERVED:
        raise InvalidPersonError(
            f"a name has 1 to {MAX_CHARS} characters without a colon, and is none of"
            f" {', '.join(sorted(RESERVED))}",
            field="name",
            code="invalid_name",
        )
