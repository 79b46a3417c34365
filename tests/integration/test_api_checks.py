from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from api_checks import KK, give_key, problem_code, submit
from fastapi.testclient import TestClient
from uuid_utils import uuid7

from api.schemas.overview import OverviewAnswer
from triage.roles import Role

SUGGESTION = {"category", "topic", "enterprise", "action", "reason", "route", "shortlist", "levels"}
FIGURES = OverviewAnswer.model_fields.keys() - {"since", "until"}


@pytest.fixture
def drawn(client: TestClient) -> dict[str, Any]:
    """An answer of `/classify` whose decision was routed and drawn; others may be, too."""
    give_key(client, Role.SUPERVISOR, "aigerim")
    for _ in range(200):
        answer = submit(client, KK)
        assert answer["action"] == "auto"
        if client.get("/checks/next").json()["appeal"] is not None:
            return answer
    raise AssertionError("nothing was drawn")


def _check(client: TestClient, answer: dict[str, Any], **overrides: Any) -> Any:
    codes = {name: answer[name]["code"] for name in ("category", "topic", "enterprise")}
    return client.post(f"/checks/{answer['decision_id']}", json=codes | overrides)


def test_next_is_the_appeal_without_its_suggestion(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    appeal = client.get("/checks/next").json()["appeal"]

    assert appeal["decision_id"] == drawn["decision_id"]
    assert not appeal.keys() & SUGGESTION
    assert drawn["enterprise"]["code"] not in client.get("/checks/next").text


def test_check_tells_what_was_decided_and_is_taken_once(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    outcome = _check(client, drawn, enterprise="UTIL-VET")

    assert outcome.status_code == 200, outcome.text
    assert outcome.json() == {
        "decision_id": drawn["decision_id"],
        "right": False,
        "right_category": True,
        "right_topic": True,
        "category": drawn["category"]["code"],
        "topic": drawn["topic"]["code"],
        "enterprise": drawn["enterprise"]["code"],
    }
    assert client.get("/checks/next").json() == {"appeal": None}
    assert problem_code(_check(client, drawn), 409) == "check_conflict"
    assert client.app.state.backend.service.verify_ledger() > 2  # type: ignore[attr-defined]  # typed as a bare ASGI app


def test_check_unknown_code_is_refused(client: TestClient, drawn: dict[str, Any]) -> None:
    response = _check(client, drawn, enterprise="UTIL-X")

    assert problem_code(response, 422) == "invalid_review"
    assert response.json()["errors"][0]["field"] == "enterprise"


def test_check_what_is_not_in_the_sample_is_not_found(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    response = _check(client, drawn | {"decision_id": str(uuid7())})

    assert problem_code(response, 404) == "draw_not_found"


def test_estimate_of_one_check_is_too_little_to_say(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    _check(client, drawn)

    found = client.get("/checks/estimate").json()

    assert (found["precision"], found["low"], found["high"]) == (None, None, None)
    assert (found["n_drawn"], found["n_checked"], found["confidence"]) == (1, 1, 0.9)
    assert [one["n_checked"] for one in found["strata"]] == [1]


def test_overview_has_every_figure_and_links(client: TestClient, drawn: dict[str, Any]) -> None:
    found = client.get("/overview").json()

    [category] = found["categories"]["rows"]
    assert category["code"] == drawn["category"]["code"]
    listed = client.get("/decisions", params=category["filters"]).json()["items"]
    assert len(listed) == category["n_appeals"]
    assert found["actions"]["rows"][0]["coverage"] == 1
    assert 0 < found["actions"]["promised"] < 1
    assert found["precision"]["rows"][0]["n_drawn"] == 1


@pytest.mark.parametrize("figure", sorted(FIGURES))
def test_figure_downloads_as_csv(figure: str, shared_client: TestClient) -> None:
    response = shared_client.get(f"/overview/{figure}.csv")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{figure}.csv"' in response.headers["content-disposition"]


def test_figure_has_the_rows_of_the_overview(client: TestClient, drawn: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/overview/categories.csv").text)))

    assert [row["code"] for row in rows] == [drawn["category"]["code"]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/overview/x.csv", 404, "figure_not_found"),
        ("/overview?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", 422, "invalid_period"),
        ("/overview?since=2026-02-01T00:00:00", 422, "naive_datetime"),
        ("/checks/estimate?days=3", 422, "unknown_field"),
    ],
)
def test_impossible_question_is_refused(
    path: str, status: int, code: str, shared_client: TestClient
) -> None:
    assert problem_code(shared_client.get(path), status) == code
