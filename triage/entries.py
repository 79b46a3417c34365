"""What the ledger's events hold: their kinds, and digests of the rows that they record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from triage.appeal import Decision, Review
from triage.sampling import Draw
from triage.store.events import Event


class Kind(StrEnum):
    """What an event records."""

    DECISION_MADE = "decision.made"
    REVIEW_MADE = "review.made"
    AUDIT_CHECKED = "audit.checked"
    APPEAL_PURGED = "appeal.purged"
    MODEL_LOADED = "model.loaded"
    MODEL_PROMOTED = "model.promoted"
    MODEL_ROLLED_BACK = "model.rolled_back"
    CHALLENGER_SET = "model.challenger_set"
    POLICY_SET = "policy.set"
    PERSON_ADDED = "person.added"
    PERSON_ROLE_CHANGED = "person.role_changed"
    PERSON_ACTIVATED = "person.activated"
    PERSON_DEACTIVATED = "person.deactivated"
    PERSON_LINK_MADE = "person.link_made"
    PASSWORD_SET = "person.password_set"  # noqa: S105  # the event's name, no secret
    KEY_ADDED = "key.added"
    KEY_REVOKED = "key.revoked"


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, times in UTC.

    Dataclasses are written as objects of their fields.

    Raises
    ------
    ValueError
        On NaN, infinity, or a datetime without a time zone.
    """
    return _ENCODER.encode(value)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def decision_digest(decision: Decision) -> str:
    """Return the digest of a decision and its appeal."""
    appeal, route = _content(decision.appeal), _content(decision.route)
    content = _content(decision) | {"appeal": appeal, "route": route}
    # What later versions added is left out where there is none: decisions that were made before
    # keep the digest that they were given.
    added = (
        (content, "shortlists"),
        (appeal, "coordinates"),
        (appeal, "sender"),
        (route, "failures"),
        (route, "note"),
    )
    for part, name in added:
        if not part[name]:
            del part[name]
    return digest(content)


def review_digest(review: Review) -> str:
    """Return the digest of a review."""
    return digest(review)


def event_hash(event: Event) -> str:
    """Return the hash that an event must have: of its other fields."""
    content = _content(event)
    del content["hash"]
    return digest(content)


def decision_payload(decision: Decision) -> dict[str, Any]:
    """Return what the event of a decision must hold at least."""
    return {"digest": decision_digest(decision)}


def draw_payload(draw: Draw | None) -> dict[str, Any]:
    """Return what the event of a decision must hold besides: whether and how it was drawn."""
    return {"draw": draw and digest(draw)}


def check_payload(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the event of a check must hold at least; `content` as of `draws.content`."""
    return {"digest": digest(content)}


def review_payload(review: Review, version: int) -> dict[str, Any]:
    """Return what the event of a review must hold at least."""
    return {
        "digest": review_digest(review),
        "decision_id": review.decision_id,
        "version": version,
    }


def _content(value: Any) -> dict[str, Any]:
    """Return a dataclass's fields by name, as they are: `asdict` would copy all that is in them."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _plain(value: Any) -> str | dict[str, Any]:
    """Return what JSON knows in place of what it does not."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"datetime without a time zone: {value!r}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if is_dataclass(value):
        return _content(value)
    raise TypeError(f"no canonical JSON for {type(value).__name__}")


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
)
