"""How much time is left for an answer, as lists show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

SOON = timedelta(hours=4)
"""From when on a deadline stands out: time enough to reach somebody on the same day."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an answer is due, and how far that is; `left` is negative once it is past."""

    due_at: datetime
    left: timedelta

    @property
    def state(self) -> Literal["overdue", "soon", ""]:
        """Whether it must stand out, and how."""
        if self.left < timedelta():
            return "overdue"
        return "soon" if self.left < SOON else ""


def deadline(due_at: datetime | None, now: datetime) -> Deadline | None:
    """Return what is left until a moment, None where there is no deadline."""
    return None if due_at is None else Deadline(due_at, due_at - now)
