"""Texts that break things, through the real application: refused with a code, or kept as sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_checks import problem_code
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from mutated_appeals import HOSTILE

from triage.appeal import MAX_TEXT_CHARS

JSON = {"content-type": "application/json"}
REFUSED = {"text_empty", "text_blank", "text_has_nul", "text_too_long", "invalid_unicode"}
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)

WORDS = ("снег", "қар", "не убирают", "автобус 32", "Абая 5", "жылу жоқ", "лифт", "3-й день")

EMOJI = st.sampled_from(["🚒", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇰🇿", "🧑🏽‍🚒", "1️⃣", "☃"])
MARKS = st.sampled_from(
    [*"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"]
)
COMBINING = st.text(st.characters(categories=["Mn", "Me", "Mc"]), min_size=1, max_size=30)
INVISIBLE = st.sampled_from([*"\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f\u115f\u3164"])
HALVES = st.characters(categories=["Cs"])
CONTROLS = st.characters(categories=["Cc"])
ANY = st.text(max_size=50)

PIECES = st.one_of(
    st.sampled_from(WORDS), EMOJI, MARKS, COMBINING, INVISIBLE, ANY, st.sampled_from(HOSTILE)
)
TEXTS = st.lists(PIECES, max_size=20).map(" ".join)
BROKEN_TEXTS = st.lists(st.one_of(PIECES, HALVES, CONTROLS), max_size=10).map("".join)

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=40,
)
FIELDS = ("text", "appeal_id", "channel", "address", "district", "coordinates", "received_at", "x")


def check(client: TestClient, text: str, *, escaped: bool) -> None:
    """Send a text: it is refused for what is wrong with it, or read back as it was sent."""
    body = json.dumps({"text": text}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    answer = client.post("/classify", content=body, headers=JSON)
    if answer.status_code == 200:
        stored = client.get(f"/decisions/{answer.json()['decision_id']}").json()
        # Two halves in their order, each of them escaped, are one character in JSON.
        assert stored["text"] == json.loads(json.dumps(text))
    elif answer.status_code == 400:
        assert not escaped
        assert problem_code(answer, 400) == "invalid_encoding"
    else:
        assert problem_code(answer, 422) in REFUSED


@given(text=TEXTS, escaped=st.booleans())
@SETTINGS
def test_classify_hostile_text_is_kept_as_sent_or_refused(
    shared_client: TestClient, text: str, escaped: bool
) -> None:
    check(shared_client, text, escaped=escaped)


@given(text=BROKEN_TEXTS, escaped=st.booleans())
@SETTINGS
def test_classify_broken_text_is_kept_as_sent_or_refused(
    shared_client: TestClient, text: str, escaped: bool
) -> None:
    check(shared_client, text, escaped=escaped)


@given(field=st.sampled_from(FIELDS), value=NESTED)
@SETTINGS
def test_classify_any_json_in_any_field_is_refused_or_decided(
    shared_client: TestClient, field: str, value: Any
) -> None:
    body = {"text": "Во дворе не убирают снег", field: value}

    answer = shared_client.post("/classify", json=body)

    assert answer.status_code == 200 or problem_code(answer, 422)


@pytest.mark.parametrize(
    "piece", ["снег ", "қ", "🚒", "е\u0301", "\u202e", "Абая 5, ", "1", "<b>", "a\u200b", "&#1234;"]
)
def test_classify_longest_text_is_decided_and_one_more_character_refused(
    shared_client: TestClient, piece: str
) -> None:
    text = ("снег" + piece * MAX_TEXT_CHARS)[:MAX_TEXT_CHARS]

    check(shared_client, text, escaped=True)
    longer = shared_client.post("/classify", json={"text": text + "а"})
    assert problem_code(longer, 422) == "text_too_long"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"text": ' + b"[" * 500_000 + b"}", "invalid_json"),
        (b'{"text": ' + b'{"a":' * 200_000, "invalid_json"),
        (
            b'{"text": "a", "coordinates": {"lat": ' + b"9" * 900_000 + b', "lon": 1}}',
            "invalid_json",
        ),
        (b'{"text": "a", "coordinates": {"lat": 1e999, "lon": 1}}', "finite_number"),
        (b'{"text": "a", "coordinates": {"lat": -1' + b"0" * 400 + b', "lon": 1}}', "wrong_type"),
        (b'{"text": "\\u0000"}', "text_has_nul"),
        (b'{"text": "\\ud800"}', "invalid_unicode"),
        (b'{"text": "' + b"\\ud83d" * 10_000 + b'"}', "invalid_unicode"),
    ],
)
def test_classify_json_bomb_is_refused_soon(
    shared_client: TestClient, body: bytes, code: str
) -> None:
    answer = shared_client.post("/classify", content=body, headers=JSON)

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] == code
    assert len(answer.content) < 5_000


def test_classify_repeated_fields_are_taken_once(shared_client: TestClient) -> None:
    body = b"{" + b'"text": "a",' * 50_000 + '"text": "Во дворе не убирают снег"}'.encode()

    answer = shared_client.post("/classify", content=body, headers=JSON)

    stored = shared_client.get(f"/decisions/{answer.json()['decision_id']}").json()
    assert stored["text"] == "Во дворе не убирают снег"


@given(text=TEXTS)
@SETTINGS
def test_search_hostile_text_is_answered(shared_client: TestClient, text: str) -> None:
    answer = shared_client.get("/queue", params={"search": text, "state": "all"})

    assert answer.status_code == 200 or problem_code(answer, 422)
