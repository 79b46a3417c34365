"""Field types of requests: each refuses what can't be stored and says why under a stable code."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from models.text import normalise
from triage.appeal import MAX_TEXT_CHARS

MAX_NAME_CHARS = 200
MAX_REMARK_CHARS = 2_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _check_text(text: str) -> str:
    """Refuse what no person could have meant as an appeal."""
    if not text:
        raise PydanticCustomError("text_empty", "the text is empty")
    if len(text) > MAX_TEXT_CHARS:
        raise PydanticCustomError(
            "text_too_long",
            "the text has {length} characters, at most {limit} are taken",
            {"length": len(text), "limit": MAX_TEXT_CHARS},
        )
    if "\0" in text:
        raise PydanticCustomError(
            "text_has_nul",
            "the text has a NUL character at position {at}",
            {"at": text.index("\0")},
        )
    _check_unicode(text)
    if not normalise(text):
        raise PydanticCustomError(
            "text_blank", "the text has only spaces, invisible characters or markup"
        )
    return text


def _check_storable(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError(
            "has_nul", "there is a NUL character at position {at}", {"at": value.index("\0")}
        )
    _check_unicode(value)
    return value


def _check_unicode(value: str) -> None:
    """Refuse halves of characters, which JSON can escape but nothing can store."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "invalid_unicode", "there is half of a character at position {at}", {"at": error.start}
        ) from error


def _check_name(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "the value is blank: leave it out or fill it")
    return _check_storable(value)


def _require_iso(value: Any) -> Any:
    """Refuse numbers, which Pydantic would take for seconds since 1970."""
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("wrong_type", "a time is a string: ISO 8601 with a time zone")
    if isinstance(value, str) and not _ISO_DATE.match(value):
        raise PydanticCustomError("invalid_datetime", "not an ISO 8601 time with a time zone")
    return value


def _to_utc(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise PydanticCustomError("invalid_datetime", "the year must lie between 1970 and 2199")
    return value.astimezone(UTC)


Text = Annotated[
    str,
    AfterValidator(_check_text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARS}),
]
"""The text of an appeal, kept as it came."""

Name = Annotated[
    str,
    StringConstraints(max_length=MAX_NAME_CHARS),
    AfterValidator(_check_name),
    WithJsonSchema({"type": "string", "maxLength": MAX_NAME_CHARS, "pattern": r"\S"}),
]
"""An id, code or person's name: not blank."""

Remark = Annotated[
    str, StringConstraints(max_length=MAX_REMARK_CHARS), AfterValidator(_check_storable)
]
"""A short free text."""

Moment = Annotated[AwareDatetime, BeforeValidator(_require_iso), AfterValidator(_to_utc)]
"""A time with its zone, turned into UTC."""
