"""Page cursors: where the last page ended, opaque to those who pass them back."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from triage.errors import InvalidCursorError

_QUEUE_KEY = re.compile("[01][0-9]{21}")


def encode(at: datetime, row_id: str) -> str:
    """Return the cursor of a row by its time."""
    return _pack(at.astimezone(UTC).isoformat(timespec="microseconds"), row_id)


def encode_key(queue_key: str, row_id: str) -> str:
    """Return the cursor of a row by its `queue_key`."""
    return _pack(queue_key, row_id)


def decode(cursor: str) -> tuple[datetime, str]:
    """Return the time and id in a cursor.

    Raises
    ------
    InvalidCursorError
        If `encode` can't have made it.
    """
    try:
        at, row_id = _unpack(cursor)
        position = datetime.fromisoformat(at).astimezone(UTC), str(UUID(row_id))
        genuine = encode(*position) == cursor
    except (ValueError, OverflowError):
        genuine = False
    if not genuine:
        raise _invalid()
    return position


def decode_key(cursor: str) -> tuple[str, str]:
    """Return the `queue_key` and id in a cursor.

    Raises
    ------
    InvalidCursorError
        If `encode_key` can't have made it.
    """
    try:
        queue_key, row_id = _unpack(cursor)
        genuine = bool(_QUEUE_KEY.fullmatch(queue_key)) and (
            encode_key(queue_key, str(UUID(row_id))) == cursor
        )
    except ValueError:
        genuine = False
    if not genuine:
        raise _invalid()
    return queue_key, row_id


def _pack(position: str, row_id: str) -> str:
    return urlsafe_b64encode(f"{position}|{row_id}".encode()).decode().rstrip("=")


def _unpack(cursor: str) -> tuple[str, str]:
    padded = cursor + "=" * (-len(cursor) % 4)
    position, _, row_id = urlsafe_b64decode(padded).decode().partition("|")
    return position, row_id


def _invalid() -> InvalidCursorError:
    return InvalidCursorError("this cursor was not given out by this service")
