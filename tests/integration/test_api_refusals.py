from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_checks import RU, UNKNOWN_ID, count_rows, problem_code
from fastapi.testclient import TestClient

from api.limits import MAX_BODY_BYTES

JSON = {"content-type": "application/json"}
SOON = (datetime.now(UTC) + timedelta(days=2)).isoformat()

APPEALS: list[tuple[dict[str, Any], str]] = [
    ({"text": ""}, "text_empty"),
    ({"text": " \t\r\n\u00a0"}, "text_blank"),
    ({"text": "\u200b\u200d\ufeff\u2060"}, "text_blank"),
    ({"text": "<br><p> </p>"}, "text_blank"),
    ({"text": "а" * 20_001}, "text_too_long"),
    ({"text": "нет\0воды"}, "text_has_nul"),
    ({"text": 5}, "wrong_type"),
    ({"text": None}, "wrong_type"),
    ({"text": ["нет воды"]}, "wrong_type"),
    ({}, "missing_field"),
    ({"text": RU, "tekst": RU}, "unknown_field"),
    ({"text": RU, "channel": "fax"}, "unknown_channel"),
    ({"text": RU, "channel": ""}, "unknown_channel"),
    ({"text": RU, "channel": 1}, "unknown_channel"),
    ({"text": RU, "language": "en"}, "unknown_language"),
    ({"text": RU, "district": "Медеу"}, "unknown_district"),
    ({"text": RU, "district": "район"}, "unknown_district"),
    ({"text": RU, "district": "ES\0IL"}, "has_nul"),
    ({"text": RU, "appeal_id": " "}, "blank"),
    ({"text": RU, "appeal_id": ""}, "blank"),
    ({"text": RU, "appeal_id": "1\0"}, "has_nul"),
    ({"text": RU, "appeal_id": "9" * 201}, "too_long"),
    ({"text": RU, "appeal_id": 109}, "wrong_type"),
    ({"text": RU, "address": "\0"}, "has_nul"),
    ({"text": RU, "address": "а" * 2001}, "too_long"),
    ({"text": RU, "coordinates": {"lat": 91, "lon": 71.4}}, "out_of_range"),
    ({"text": RU, "coordinates": {"lat": 51.1, "lon": -180.5}}, "out_of_range"),
    ({"text": RU, "coordinates": {"lat": "51.1", "lon": 71.4}}, "wrong_type"),
    ({"text": RU, "coordinates": [51.1, 71.4]}, "wrong_type"),
    ({"text": RU, "coordinates": {"lat": 51.1}}, "missing_field"),
    ({"text": RU, "coordinates": {"lat": 51.1, "lng": 71.4, "lon": 71.4}}, "unknown_field"),
    ({"text": RU, "received_at": "2026-01-19T08:15:00"}, "naive_datetime"),
    ({"text": RU, "received_at": "2026-01-19"}, "naive_datetime"),
    ({"text": RU, "received_at": "вчера"}, "invalid_datetime"),
    ({"text": RU, "received_at": "1768792500"}, "invalid_datetime"),
    ({"text": RU, "received_at": "2026-02-30T08:15:00Z"}, "invalid_datetime"),
    ({"text": RU, "received_at": "0001-01-01T00:00:00+05:00"}, "invalid_datetime"),
    ({"text": RU, "received_at": "9999-12-31T23:59:59-05:00"}, "invalid_datetime"),
    ({"text": RU, "received_at": 1768792500}, "wrong_type"),
    ({"text": RU, "received_at": SOON}, "received_at_in_future"),
    ({"text": "", "channel": "fax"}, "invalid_request"),
]

BODIES: list[tuple[bytes, int, str]] = [
    (b"", 422, "missing_field"),
    (b"null", 422, "wrong_type"),
    (b'"text"', 422, "wrong_type"),
    (b"[]", 422, "wrong_type"),
    (b'{"text": "\\ud800"}', 422, "invalid_unicode"),
    (b'{"text": "a\\udc00b"}', 422, "invalid_unicode"),
    (b'{"text": "a", "appeal_id": "\\ud800"}', 422, "invalid_unicode"),
    (b'{"\\ud800": "a", "text": "a"}', 422, "invalid_unicode"),
    (b'{"text": "\xd0"}', 400, "invalid_encoding"),
    (b'{"text": "\xed\xa0\x80"}', 400, "invalid_encoding"),
    (RU.encode("cp1251"), 400, "invalid_encoding"),
    (json.dumps({"text": RU}, ensure_ascii=False).encode("utf-16"), 400, "invalid_encoding"),
    (b'{"text": "a"', 400, "invalid_json"),
    (b"{'text': 'a'}", 400, "invalid_json"),
    (b'{"text": "a"} {}', 400, "invalid_json"),
    (b'{"text": "a\nb"}', 400, "invalid_json"),
    (b'{"text": NaN}', 400, "invalid_json"),
    (b'{"text": "a", "x": -Infinity}', 400, "invalid_json"),
    (b'{"text": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
    (b"[" * 200_000, 400, "invalid_json"),
    (b'{"text": ' + b"[" * 900 + b"]" * 900 + b"}", 422, "wrong_type"),
]

CONTENT_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=windows-1251",
    "json",
    "",
]

QUERIES: list[tuple[str, str]] = [
    ("limit=0", "out_of_range"),
    ("limit=201", "out_of_range"),
    ("limit=" + "9" * 30, "out_of_range"),
    ("limit=many", "wrong_type"),
    ("cursor=abc", "invalid_cursor"),
    ("cursor=%00", "has_nul"),
    ("chanel=phone", "unknown_field"),
    ("channel=fax", "unknown_channel"),
    ("action=maybe", "unknown_action"),
    ("language=xx", "unknown_language"),
    ("review_state=open", "unknown_review_state"),
    ("urgent=perhaps", "wrong_type"),
    ("district=Медеу", "unknown_district"),
    ("topic=%00", "has_nul"),
    ("since=2026-01-19T08:15:00", "naive_datetime"),
    ("since=0001-01-01T00:00:00%2B05:00", "invalid_datetime"),
]

REVIEWS: list[tuple[dict[str, Any], str]] = [
    ({"reviewer": "aigerim"}, "missing_field"),
    ({"verdict": "maybe", "reviewer": "aigerim"}, "unknown_verdict"),
    ({"verdict": "accept", "reviewer": " "}, "blank"),
    ({"verdict": "accept", "reviewer": "a\0"}, "has_nul"),
    ({"verdict": "accept", "reviewer": "aigerim", "expected_version": "1"}, "wrong_type"),
    ({"verdict": "accept", "reviewer": "aigerim", "expected_version": True}, "wrong_type"),
    ({"verdict": "accept", "reviewer": "aigerim", "expected_version": 0}, "out_of_range"),
    ({"verdict": "accept", "reviewer": "aigerim", "expected_version": 2**70}, "out_of_range"),
    ({"verdict": "accept", "reviewer": "aigerim", "decision": "x"}, "unknown_field"),
    ({"verdict": "accept", "reviewer": "aigerim", "reason": "а" * 2001}, "too_long"),
]


@pytest.fixture
def clean_client(shared_client: TestClient) -> Iterator[TestClient]:
    """The shared client; nothing may have been stored when the test is over."""
    yield shared_client
    assert count_rows(shared_client) == 0


@pytest.mark.parametrize(("body", "code"), APPEALS, ids=[code for _, code in APPEALS])
def test_classify_invalid_appeal_is_refused(
    clean_client: TestClient, body: dict[str, Any], code: str
) -> None:
    response = clean_client.post("/classify", json=body)

    assert problem_code(response, 422) == code
    assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize(("body", "status", "code"), BODIES)
def test_classify_broken_body_is_refused(
    clean_client: TestClient, body: bytes, status: int, code: str
) -> None:
    response = clean_client.post("/classify", content=body, headers=JSON)

    assert problem_code(response, status) == code


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_classify_other_content_type_is_refused(
    clean_client: TestClient, content_type: str
) -> None:
    body = json.dumps({"text": RU})

    response = clean_client.post("/classify", content=body, headers={"content-type": content_type})

    assert problem_code(response, 415) == "unsupported_media_type"


def test_classify_several_errors_are_all_told(clean_client: TestClient) -> None:
    response = clean_client.post("/classify", json={"text": " ", "channel": "fax", "x": 1})

    assert problem_code(response, 422) == "invalid_request"
    told = {(error["field"], error["code"]) for error in response.json()["errors"]}
    assert told == {("text", "text_blank"), ("channel", "unknown_channel"), ("x", "unknown_field")}


def test_classify_body_over_limit_is_refused(clean_client: TestClient) -> None:
    body = b'{"text": "' + b"a" * MAX_BODY_BYTES + b'"}'

    response = clean_client.post("/classify", content=body, headers=JSON)

    assert problem_code(response, 413) == "body_too_large"


def test_classify_body_over_limit_without_length_is_refused(clean_client: TestClient) -> None:
    chunks = (b" " * 65_536 for _ in range(MAX_BODY_BYTES // 65_536 + 1))

    response = clean_client.post("/classify", content=chunks, headers=JSON)

    assert problem_code(response, 413) == "body_too_large"


def test_classify_thousands_of_errors_get_a_short_answer(clean_client: TestClient) -> None:
    body = {"x" * 1000 + str(number): 1 for number in range(900)}

    response = clean_client.post("/classify", json=body)

    assert problem_code(response, 422) == "invalid_request"
    assert len(response.content) < 20_000


@pytest.mark.parametrize(("query", "code"), QUERIES, ids=[query[:30] for query, _ in QUERIES])
def test_decisions_invalid_query_is_refused(
    clean_client: TestClient, query: str, code: str
) -> None:
    assert problem_code(clean_client.get(f"/decisions?{query}"), 422) == code


@pytest.mark.parametrize(("body", "code"), REVIEWS)
def test_review_invalid_body_is_refused(
    clean_client: TestClient, body: dict[str, Any], code: str
) -> None:
    response = clean_client.post(f"/decisions/{UNKNOWN_ID}/review", json=body)

    assert problem_code(response, 422) == code


@pytest.mark.parametrize("decision_id", [UNKNOWN_ID, "1", "%00", "a" * 150, "..%2f..", "Қ"])
def test_decision_unknown_id_is_not_found(clean_client: TestClient, decision_id: str) -> None:
    body = {"verdict": "accept"}

    read = clean_client.get(f"/decisions/{decision_id}")
    reviewed = clean_client.post(f"/decisions/{decision_id}/review", json=body)

    assert read.status_code == reviewed.status_code == 404
    assert read.json()["code"] in ("decision_not_found", "not_found")


def test_unknown_path_is_not_found(clean_client: TestClient) -> None:
    assert problem_code(clean_client.get("/classify/all"), 404) == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/classify", "POST"),
        ("DELETE", f"/decisions/{UNKNOWN_ID}", "GET"),
        ("POST", "/taxonomy", "GET"),
    ],
)
def test_wrong_method_is_refused_and_told_what_is_allowed(
    clean_client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = clean_client.request(method, path)

    assert problem_code(response, 405) == "method_not_allowed"
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("query", ["query=", "query=%20", "query=a&limit=0", "query=a&q=b"])
def test_enterprises_invalid_query_is_refused(clean_client: TestClient, query: str) -> None:
    assert problem_code(clean_client.get(f"/enterprises?{query}"), 422)
