from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from models.prediction import Candidate
from triage import audit
from triage.appeal import (
    Action,
    Appeal,
    Bilingual,
    Channel,
    Coordinates,
    Decision,
    Review,
    RuleFailure,
    Urgency,
    Verdict,
)
from triage.store.events import Event

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
EVENT = Event(
    city="astana",
    sequence=1,
    kind="model.loaded",
    subject_id="3",
    actor="сервис",
    at=AT,
    payload={"b": [1, 0.5], "a": "қ"},
    previous_hash="0" * 64,
    hash="",
)


def test_canonical_json_sorts_keys_and_keeps_letters() -> None:
    value = {"б": [1, 2.50, None, True], "a": {"z": 'Ә\n"', "y": ()}}
    assert audit.canonical_json(value) == ('{"a":{"y":[],"z":"Ә\\n\\""},"б":[1,2.5,null,true]}')


@pytest.mark.parametrize("hours", [-11, 0, 5])
def test_canonical_json_time_is_written_in_utc(hours: int) -> None:
    at = AT.astimezone(timezone(timedelta(hours=hours)))
    assert audit.canonical_json(at) == '"2026-03-02T09:30:00.000000+00:00"'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), AT.replace(tzinfo=None)])
def test_canonical_json_value_without_one_text_raises(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|time zone"):
        audit.canonical_json([value])


def test_canonical_json_unknown_type_raises() -> None:
    with pytest.raises(TypeError, match="object"):
        audit.canonical_json(object())


def test_event_hash_is_sha256_of_the_event_without_its_hash() -> None:
    text = (
        '{"actor":"сервис","at":"2026-03-02T09:30:00.000000+00:00","city":"astana",'
        '"kind":"model.loaded","payload":{"a":"қ","b":[1,0.5]},"previous_hash":"'
        + "0" * 64
        + '","sequence":1,"subject_id":"3"}'
    )
    assert audit.event_hash(EVENT) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"city": "almaty"},
        {"sequence": 2},
        {"kind": "decision.made"},
        {"subject_id": "4"},
        {"actor": "somebody"},
        {"at": AT + timedelta(microseconds=1)},
        {"payload": {}},
        {"previous_hash": "f" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_event_hash_any_field_changed_differs(change: dict[str, Any]) -> None:
    assert audit.event_hash(replace(EVENT, **change)) != audit.event_hash(EVENT)
    assert {field.name for field in fields(Event)} - {"hash"} >= set(change)


def test_event_hash_of_the_hash_field_does_not_depend() -> None:
    assert audit.event_hash(replace(EVENT, hash="ab")) == audit.event_hash(EVENT)


DECISION_CHANGES: dict[str, Any] = {
    "id": "another",
    "language": "kk",
    "levels": {"category": (Candidate("housing", 0.9700000000000001),)},
    "action": Action.REVIEW,
    "reason_code": "contract_not_met",
    "reason": Bilingual("Договор точности соблюдён", ""),
    "urgency": Urgency(urgent=True, probability=None, danger_words=()),
    "due_at": None,
    "input_hash": "00" * 32,
    "decided_at": AT,
    "secondary": None,
    "shortlists": {"category": ("housing",), "topic": ("leak", "heating")},
}
APPEAL_CHANGES: dict[str, Any] = {
    "text": "",
    "received_at": AT,
    "appeal_id": None,
    "channel": Channel.PHONE,
    "language": None,
    "address": None,
    "district": None,
    "coordinates": Coordinates(51.1, 71.4),
    "sender": "somebody",
}


def test_decision_digest_any_field_changed_differs(
    make_decision: Callable[..., Decision],
) -> None:
    decision = make_decision()
    changed = [replace(decision, **{name: value}) for name, value in DECISION_CHANGES.items()]
    changed.append(replace(decision, route=replace(decision.route, rule="another")))
    changed.append(replace(decision, route=replace(decision.route, places=())))
    changed.append(replace(decision, route=replace(decision.route, question=None)))
    failures = (RuleFailure("heating", "KeyError"),)
    changed.append(replace(decision, route=replace(decision.route, failures=failures)))
    changed.append(replace(decision, route=replace(decision.route, note=Bilingual("а", "б"))))
    changed.append(replace(decision, versions=replace(decision.versions, policy="2")))
    changed += [
        replace(decision, appeal=replace(decision.appeal, **{name: value}))
        for name, value in APPEAL_CHANGES.items()
    ]
    digests = {audit.decision_digest(each) for each in [decision, *changed]}
    assert len(digests) == 1 + len(changed)
    assert DECISION_CHANGES.keys() | {"appeal", "route", "versions"} == {
        field.name for field in fields(Decision)
    }
    assert APPEAL_CHANGES.keys() == {field.name for field in fields(Appeal)}


def test_decision_digest_without_what_later_versions_added_is_what_it_was_before(
    make_decision: Callable[..., Decision], make_appeal: Callable[..., Appeal]
) -> None:
    decision = make_decision(shortlists={}, appeal=make_appeal(coordinates=None))
    decision = replace(decision, route=replace(decision.route, failures=(), note=None))
    content = asdict(decision)
    del content["shortlists"]
    del content["appeal"]["coordinates"]
    del content["appeal"]["sender"]
    del content["route"]["failures"]
    del content["route"]["note"]
    assert audit.decision_digest(decision) == audit.digest(content)


def test_decision_digest_other_time_zone_is_the_same(
    make_decision: Callable[..., Decision],
) -> None:
    decision = make_decision()
    moved = replace(decision, decided_at=decision.decided_at.astimezone(timezone.max))
    assert audit.decision_digest(moved) == audit.decision_digest(decision)


def test_review_digest_any_field_changed_differs(make_review: Callable[..., Review]) -> None:
    review = make_review("a decision")
    changes: dict[str, Any] = {
        "id": "another",
        "decision_id": "another",
        "verdict": Verdict.ACCEPT,
        "reviewer": "another",
        "reviewed_at": AT,
        "category": None,
        "topic": None,
        "enterprise": None,
        "reason": None,
    }
    digests = {audit.review_digest(replace(review, **{name: changes[name]})) for name in changes}
    assert len(digests | {audit.review_digest(review)}) == 1 + len(changes)
    assert changes.keys() == {field.name for field in fields(Review)}
