"""Which of the decisions routed without a person are drawn to be checked; pure.

Each stratum, a category in a language, has its own share, so that rare ones are measured as well.
Whether a decision is drawn depends on a hash of its random id: the same whenever it is asked, and
independent of what the appeal says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

BASE_SHARE = 0.05
"""Share of a stratum that is drawn, as long as that is enough."""

LATELY = timedelta(days=30)
WANTED = 10
"""Draws that a stratum shall have in `LATELY`, where its decisions suffice."""

MAX_SHARE = 0.5
"""Rarer strata don't get more: checks are people's time."""

UNKNOWN = "-"
"""Stands for the category of a decision that has none."""

_HASHES = 2.0**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A decision that was drawn.

    Attributes
    ----------
    stratum
        As of `stratum_of`.
    share
        The probability with which it was drawn.
    """

    decision_id: str
    stratum: str
    share: float
    drawn_at: datetime


def stratum_of(category: str | None, language: str) -> str:
    """Return the name of a stratum.

    Examples
    --------
    >>> stratum_of("housing", "kk")
    'housing/kk'
    """
    return f"{category or UNKNOWN}/{language}"


def parts_of(stratum: str) -> tuple[str | None, str]:
    """Return the category and language that a stratum is named after."""
    category, _, language = stratum.rpartition("/")
    return None if category == UNKNOWN else category, language


def share_of(n_routed: int, base_share: float) -> float:
    """Return the share that is drawn of a stratum which had `n_routed` decisions lately.

    Examples
    --------
    >>> [share_of(n, 0.05) for n in (1, 40, 1000)]
    [0.5, 0.25, 0.05]
    """
    return max(base_share, min(MAX_SHARE, WANTED / n_routed))


def enough(base_share: float) -> int:
    """Return how many decisions a stratum must have had lately to get the base share."""
    return ceil(WANTED / base_share)


def is_drawn(decision_id: str, city: str, share: float) -> bool:
    """Tell whether a decision is drawn, which it is with probability `share`."""
    digest = hashlib.sha256(f"{city}/{decision_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / _HASHES < share


def preference(decision_id: str, checker: str) -> bytes:
    """Return what a checker's turn goes by: of several decisions the one with the least value.

    So two checkers seldom have the same one before them, and each keeps theirs on reloading
    (rendezvous hashing, Thaler and Ravishankar, 1998).
    """
    return hashlib.sha256(f"{checker}/{decision_id}".encode()).digest()
