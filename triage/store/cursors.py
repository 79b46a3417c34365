"""Page cursors: where the last page ended, opaque to those who pass them back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from triage.errors import InvalidCursorError


def encode(at: datetime, row_id: str) -> str:
    """Return the cursor of a row."""
    position = f"{at.astimezone(UTC).isoformat(timespec='microseconds')}|{row_id}"
    return urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str]:
    """Return the time and id in a cursor.

    Raises
    ------
    InvalidCursorError
        If `encode` can't have made it.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, _, row_id = urlsafe_b64decode(padded).decode().partition("|")
        position = datetime.fromisoformat(at).astimezone(UTC), str(UUID(row_id))
        genuine = encode(*position) == cursor
    except (ValueError, OverflowError):
        genuine = False
    if not genuine:
        raise InvalidCursorError("this cursor was not given out by this service")
    return position
