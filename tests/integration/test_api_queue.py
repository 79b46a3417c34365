from __future__ import annotations

from typing import Any

import pytest
from api_checks import BUS, RU, give_key, problem_code
from fastapi.testclient import TestClient

from triage.roles import Role


def send(client: TestClient, text: str, **fields: Any) -> str:
    answer = client.post("/classify", json={"text": text, **fields})
    assert answer.status_code == 200, answer.text
    decision_id: str = answer.json()["decision_id"]
    return decision_id


def queue(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/queue", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [item["decision_id"] for item in found["items"]]


def test_queue_review_takes_the_decision_out(client: TestClient) -> None:
    asked = send(client, BUS["ru"])
    assert ids(queue(client)) == [asked]
    reviewed = client.post(f"/decisions/{asked}/review", json={"verdict": "accept"})
    assert reviewed.status_code == 200, reviewed.text
    assert queue(client) == {
        "items": [],
        "counts": {"total": 0, "urgent": 0, "overdue": 0, "is_capped": False},
        "next_cursor": None,
    }
    assert ids(queue(client, state="done")) == ids(queue(client, state="all")) == [asked]


def test_queue_cursor_leads_to_the_next_page(client: TestClient) -> None:
    sent = {send(client, BUS[language]) for language in ("ru", "kk", "mixed")}
    first = queue(client, limit=2)
    second = queue(client, limit=2, cursor=first["next_cursor"])
    assert {*ids(first), *ids(second)} == sent
    assert (len(ids(first)), len(ids(second)), second["next_cursor"]) == (2, 1, None)
    assert first["counts"]["total"] == 3


def test_queue_search_and_filters_narrow_it(client: TestClient) -> None:
    bus, snow = send(client, BUS["ru"], channel="web"), send(client, RU, district="Есиль")
    assert ids(queue(client, state="all", search="автобусов")) == [bus]
    assert ids(queue(client, state="all", channel="web")) == [bus]
    assert ids(queue(client, state="all", district="esil", search="снега")) == [snow]
    assert ids(queue(client, state="all", district="esil", channel="web")) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"state": "gone"}, "unknown_state"),
        ({"cursor": "?"}, "invalid_cursor"),
        ({"district": "Марс"}, "unknown_district"),
        ({"limit": 0}, "out_of_range"),
        ({"sort": "urgent"}, "unknown_field"),
    ],
)
def test_queue_wrong_query_is_refused(
    query: dict[str, Any], code: str, shared_client: TestClient
) -> None:
    assert problem_code(shared_client.get("/queue", params=query), 422) == code


def test_queue_intake_may_not_read_it(client: TestClient) -> None:
    give_key(client, Role.INTAKE, "intake")
    assert client.get("/queue").status_code == 403
