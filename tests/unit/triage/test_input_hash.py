"""The hash by which a retry is told from another appeal under the same id."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from triage.appeal import Appeal, Channel, Coordinates
from triage.decide import input_hash

RECEIVED = datetime(2026, 3, 1, 23, 0, tzinfo=timezone(timedelta(hours=5)))
FULL = Appeal(
    text="Су жоқ",
    received_at=RECEIVED,
    appeal_id="109-1",
    channel=Channel.WEB,
    language="kk",
    address="Қабанбай батыр, 11",
    district="ESIL",
    coordinates=Coordinates(51.1, 71.5),
    sender="a",
)
OTHER: dict[str, Any] = {
    "text": "Су жоқ ",
    "received_at": RECEIVED + timedelta(microseconds=1),
    "appeal_id": "109-2",
    "channel": Channel.PHONE,
    "language": "ru",
    "address": "Қабанбай батыр, 12",
    "district": "NURA",
    "coordinates": Coordinates(51.1, 71.4),
    "sender": "b",
}


def test_input_hash_each_field_changes_it() -> None:
    assert OTHER.keys() == {field.name for field in fields(Appeal)}
    changed = [replace(FULL, **{name: value}) for name, value in OTHER.items()]
    nothing: Any = None
    missing = [replace(FULL, **{name: nothing}) for name in OTHER if name != "text"]
    hashes = [input_hash(appeal) for appeal in (FULL, *changed, *missing)]
    assert len(set(hashes)) == 1 + 9 + 8


def test_input_hash_value_in_another_field_is_another_appeal() -> None:
    one = Appeal(text="a", address="ESIL")
    assert input_hash(one) != input_hash(Appeal(text="a", district="ESIL"))


def test_input_hash_is_the_same_for_the_same_moment_in_another_zone() -> None:
    assert input_hash(replace(FULL, received_at=RECEIVED.astimezone(UTC))) == input_hash(FULL)


def test_input_hash_never_changes_between_versions() -> None:
    # Retries are told from conflicts by it, over any upgrade of the service.
    content = (
        '{"address":null,"appeal_id":null,"channel":null,"district":null,"language":null,'
        '"received_at":"2026-03-01T18:00:00+00:00","text":"Су жоқ 🥶"}'
    )
    appeal = Appeal(text="Су жоқ 🥶", received_at=RECEIVED)
    assert input_hash(appeal) == hashlib.sha256(content.encode()).hexdigest()
