from __future__ import annotations

from typing import Any

import pytest
from api_checks import BUS, KK, MIXED, RU, count_rows, problem_code, submit
from fastapi.testclient import TestClient

from api.schemas.answers import StoredDecisionAnswer

OTHER_ENTERPRISE = "UTIL-VET"


def _review(client: TestClient, decision_id: str, **fields: Any) -> Any:
    body = {"verdict": "accept", **fields}
    return client.post(f"/decisions/{decision_id}/review", json=body)


def _list(client: TestClient, **query: Any) -> list[str]:
    response = client.get("/decisions", params=query)
    assert response.status_code == 200, response.text
    return [item["decision_id"] for item in response.json()["items"]]


def test_decision_read_back_is_the_answer_that_was_given(client: TestClient) -> None:
    answer = submit(client, MIXED, appeal_id="109-1")

    stored = client.get(f"/decisions/{answer['decision_id']}").json()

    assert StoredDecisionAnswer.model_validate(stored)
    assert stored.items() >= answer.items()
    assert (stored["version"], stored["review_state"], stored["reviews"]) == (1, "none", [])


def test_decision_id_in_upper_case_is_found(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]

    assert client.get(f"/decisions/{decision_id.upper()}").status_code == 200


def test_review_accept_keeps_what_was_decided(client: TestClient) -> None:
    answer = submit(client)

    reviewed = _review(client, answer["decision_id"], expected_version=1).json()

    review = reviewed["reviews"][0]
    assert reviewed["version"] == 2
    assert reviewed["review_state"] == "accepted"
    assert (review["verdict"], review["reviewer"]) == ("accept", "key:tests")
    assert review["enterprise"]["code"] == answer["enterprise"]["code"]


def test_review_override_is_told_beside_the_decision(client: TestClient) -> None:
    answer = submit(client)

    reviewed = _review(
        client,
        answer["decision_id"],
        verdict="override",
        topic="animals.stray",
        enterprise=OTHER_ENTERPRISE,
        reason="Речь о собаках, ит туралы",
    ).json()

    review = reviewed["reviews"][0]
    assert reviewed["review_state"] == "overridden"
    assert reviewed["enterprise"] == answer["enterprise"]
    assert review["category"]["code"] == "animals"
    assert review["topic"]["name_kk"] == "Қаңғыбас иттер"
    assert review["enterprise"]["code"] == OTHER_ENTERPRISE
    assert review["reason"] == "Речь о собаках, ит туралы"


def test_review_of_an_older_version_is_a_conflict(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]
    _review(client, decision_id, expected_version=1)
    before = count_rows(client)

    response = _review(client, decision_id, expected_version=1)

    assert problem_code(response, 409) == "review_conflict"
    assert count_rows(client) == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"verdict": "override"}, "verdict"),
        ({"verdict": "override", "enterprise": OTHER_ENTERPRISE}, "reason"),
        ({"verdict": "override", "enterprise": OTHER_ENTERPRISE, "reason": " "}, "reason"),
        ({"verdict": "override", "enterprise": "UTIL-X", "reason": "x"}, "enterprise"),
        ({"verdict": "override", "topic": "snow.x", "reason": "x"}, "topic"),
        ({"verdict": "override", "category": "x", "reason": "x"}, "category"),
        (
            {"verdict": "override", "category": "snow", "topic": "animals.stray", "reason": "x"},
            "topic",
        ),
        ({"enterprise": OTHER_ENTERPRISE}, "verdict"),
    ],
)
def test_review_that_makes_no_sense_is_refused(
    client: TestClient, fields: dict[str, Any], field: str
) -> None:
    decision_id = submit(client)["decision_id"]
    before = count_rows(client)

    response = _review(client, decision_id, **fields)

    assert problem_code(response, 422) == "invalid_review"
    assert response.json()["errors"][0]["field"] == field
    assert count_rows(client) == before


def test_decisions_filters_narrow_the_list(client: TestClient) -> None:
    ru = submit(client, RU, channel="phone", district="NURA")
    kk = submit(client, KK, channel="web")
    gas = submit(client, "В подъезде сильный запах газа")
    ids = [answer["decision_id"] for answer in (ru, kk, gas)]
    _review(client, ids[1])

    assert _list(client) == ids[::-1]
    assert _list(client, channel="phone") == _list(client, district="Нұра ауданы") == ids[:1]
    assert _list(client, language="kk") == _list(client, review_state="accepted") == [ids[1]]
    assert _list(client, category=ru["category"]["code"]) == [ids[0]]
    assert _list(client, topic=kk["topic"]["code"]) == [ids[1]]
    assert ids[0] in _list(client, enterprise=ru["enterprise"]["code"])
    assert ids[2] in _list(client, urgent=True)
    assert ids[2] not in _list(client, urgent=False)
    assert _list(client, action="auto") + _list(client, action="review") != []
    assert _list(client, model_version="none such") == []
    assert _list(client, since=kk["decided_at"]) == ids[:0:-1]
    assert _list(client, until=kk["decided_at"]) == ids[:1]
    assert _list(client, channel="phone", language="kk") == []


def test_decisions_that_ask_are_found_and_read_back_as_answered(client: TestClient) -> None:
    asked = submit(client, BUS["kk"])
    submit(client, KK)

    [found] = client.get("/decisions", params={"action": "ask"}).json()["items"]

    assert found.items() >= asked.items()


def test_decisions_pages_hold_each_decision_once(client: TestClient) -> None:
    ids = [submit(client)["decision_id"] for _ in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get(
            "/decisions", params={"limit": 3} | ({"cursor": cursor} if cursor else {})
        )
        seen += [item["decision_id"] for item in page.json()["items"]]
        submit(client, KK)
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break

    assert seen == ids[::-1]


def test_decisions_cursor_that_was_changed_is_refused(client: TestClient) -> None:
    for _ in range(2):
        submit(client)
    cursor = client.get("/decisions", params={"limit": 1}).json()["next_cursor"]

    response = client.get("/decisions", params={"limit": 1, "cursor": cursor[:-1]})

    assert problem_code(response, 422) == "invalid_cursor"
