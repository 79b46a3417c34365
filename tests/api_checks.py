"""What tests of the API look for in answers and in the store behind them."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import func, select

from triage.audit import Kind
from triage.roles import Role
from triage.store.tables import AppealTable, DecisionTable, LedgerEventTable, ReviewTable

RU = "Во дворе третий день не убирают снег, коляску не провезти"
KK = "Пәтерде екі күннен бері жылу жоқ, батареялар мұздай"
MIXED = "Добрый день, біздің подъезде лифт жұмыс істемейді, третий день уже, когда исправите?"

BUS = {
    "ru": "автобус не приходит, ждали час на остановке",
    "kk": "Автобус кешіктіріп келеді, аялдамада бір сағат күттік",
    "mixed": "Автобус мүлдем келмейді, ждали час на остановке, расписание вообще не соблюдают",
}
"""Appeals on buses that don't say which: the route is asked for."""


UNKNOWN_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
"""No decision has it; the same in every process, since tests are named after it."""


def give_key(client: TestClient, role: Role = Role.ADMIN, name: str = "tests") -> None:
    """Have a client send a fresh API key with each request; its actor is `key:` and the name."""
    keys = client.app.state.backend.keys  # type: ignore[attr-defined]  # typed as a bare ASGI app
    _, secret = keys.add(name, role, actor="tests", per_minute=None)
    client.headers["Authorization"] = f"Bearer {secret}"


def problem_code(response: Any, status: int) -> str:
    """Return the code of a problem, once it is whole and of the right status."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() - {"errors"} == {
        *("type", "title", "status", "detail", "code", "instance", "request_id")
    }
    assert problem["status"] == response.status_code == status
    assert problem["type"] == f"urn:appeal-triage:problem:{problem['code']}"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["instance"] == response.request.url.path
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    return str(problem["code"])


def count_rows(client: TestClient) -> int:
    """Count everything that an appeal or a review leaves in the store."""
    tables = (AppealTable, DecisionTable, ReviewTable)
    with client.app.state.backend.engine.begin() as connection:  # type: ignore[attr-defined]  # typed as a bare ASGI app
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in tables]
        events = select(func.count()).where(
            LedgerEventTable.kind.in_((Kind.DECISION_MADE, Kind.REVIEW_MADE))
        )
        return sum([*counts, connection.scalar(events)])


def submit(client: TestClient, text: str = RU, **fields: Any) -> dict[str, Any]:
    """Submit an appeal and return the answer."""
    response = client.post("/classify", json={"text": text, **fields})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer
