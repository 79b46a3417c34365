"""Models and policy over HTTP, with a real registry behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_checks import give_key, problem_code
from fastapi.testclient import TestClient

from api.app import create_app
from models.registry import ModelRegistry
from triage.config import MODEL_NAME, Settings
from triage.policy import Policy
from triage.promotion import GateReport, gate_tags
from triage.roles import Role

FAILED = gate_tags([GateReport("overall", False, "much lost")], "1")
PASSED = gate_tags([GateReport("overall", True, "nothing lost")], "1")
NUMBERS = {
    **{"target_precision": 0.9, "confidence": 0.9, "shortlist_coverage": 0.9},
    **{"urgent_probability": 0.5, "secondary_probability": 0.2, "urgent_hours": 12},
}


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(home=home))) as client:
        give_key(client, Role.DATA_SCIENTIST)
        yield client


def tag(home: Path, tags: dict[str, str]) -> None:
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    registry.set_tags(MODEL_NAME, "2", tags)


def promote(client: TestClient, version: str = "2", **body: Any) -> Any:
    return client.post(f"/models/{version}/promote", json={"reason": "better"} | body)


def test_models_are_listed_with_what_the_gates_found(client: TestClient, home: Path) -> None:
    tag(home, FAILED)
    answer = client.get("/models").json()
    assert (answer["name"], answer["serving"], answer["unfinished"]) == (MODEL_NAME, "1", None)
    newest, oldest = answer["items"]
    assert (newest["version"], newest["gates"], newest["aliases"]) == ("2", "failed", [])
    assert newest["gates_report"] == [{"name": "overall", "passed": False, "reason": "much lost"}]
    assert oldest["aliases"] == ["champion"]
    assert oldest["metrics"]["cv_topic_accuracy"] > 0


def test_promote_and_roll_back(client: TestClient, home: Path) -> None:
    assert problem_code(promote(client), 409) == "gates_failed"
    tag(home, PASSED)
    answer = promote(client).json()
    assert answer == {"before": "1", "after": "2", "gates": "passed", "forced": False}
    rolled_back = client.post("/models/rollback", json={"reason": "overrides"}).json()
    assert (rolled_back["before"], rolled_back["after"]) == ("2", "1")
    newest = client.get("/models").json()["items"][0]
    assert newest["aliases"] == ["previous"]


def test_promote_by_force_takes_an_admin(client: TestClient, home: Path) -> None:
    tag(home, FAILED)
    assert problem_code(promote(client, force=True), 403) == "forbidden"
    give_key(client, Role.ADMIN, "admin")
    assert promote(client, force=True).json()["forced"] is True


@pytest.mark.parametrize(
    ("version", "body", "status", "code"),
    [
        ("9", {}, 404, "model_version_not_found"),
        ("latest", {}, 422, "string_pattern_mismatch"),
        ("2", {"reason": " "}, 422, "invalid_promotion"),
        ("2", {"by": "me"}, 422, "unknown_field"),
    ],
)
def test_promote_what_can_not_be_is_refused(
    version: str, body: dict[str, Any], status: int, code: str, client: TestClient
) -> None:
    assert problem_code(promote(client, version, **body), status) == code


def test_rollback_without_a_model_before_is_refused(client: TestClient) -> None:
    response = client.post("/models/rollback", json={"reason": "overrides"})
    assert problem_code(response, 409) == "nothing_to_roll_back"


def test_policy_of_the_settings_holds_until_one_is_set(client: TestClient) -> None:
    answer = client.get("/policy").json()
    assert answer["current"]["version"] == 0
    assert answer["current"]["numbers"]["target_precision"] == Policy.target_precision
    stored = client.put("/policy", json=NUMBERS | {"reason": "more by itself"}).json()
    assert (stored["version"], stored["actor"]) == (1, "key:tests")
    answer = client.get("/policy").json()
    assert [one["version"] for one in answer["history"]] == [1, 0]
    assert answer["current"]["numbers"] == NUMBERS
    assert client.get("/policy/curve").json()["target"] == 0.9


def test_policy_holds_after_a_restart(client: TestClient, home: Path) -> None:
    client.put("/policy", json=NUMBERS | {"reason": "more by itself"})
    with TestClient(create_app(Settings(home=home))) as restarted:
        give_key(restarted, name="again")
        assert restarted.get("/policy/curve").json()["target"] == 0.9


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"target_precision": 95}, "invalid_policy", "target_precision"),
        ({"urgent_hours": 0}, "invalid_policy", "urgent_hours"),
        ({"reason": ""}, "invalid_policy", "reason"),
        ({"expected_version": 7}, "invalid_policy", "expected_version"),
        ({"traget": 0.9}, "unknown_field", "traget"),
    ],
)
def test_policy_that_can_not_be_is_refused(
    changes: dict[str, Any], code: str, field: str, client: TestClient
) -> None:
    response = client.put("/policy", json=NUMBERS | {"reason": "a slip"} | changes)
    assert problem_code(response, 422) == code
    assert response.json()["errors"][0]["field"] == field
    assert client.get("/policy").json()["current"]["version"] == 0


def test_policy_curve_shows_points_and_thresholds(client: TestClient) -> None:
    answer = client.get("/policy/curve").json()
    coverage = [point["coverage"] for point in answer["points"]]
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[0] > 0
    assert answer["thresholds"][0]["threshold"] is not None
    assert answer["coverage"] > 0
