"""The page of the contract and the models, over a real registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_checks import add_person, backend_of, send, sign_in
from api_checks import submit
from fastapi.testclient import TestClient

from api.app import create_app
from models.registry import ModelRegistry
from triage.config import CHALLENGER, MODEL_NAME, Settings
from triage.promotion import GateReport, gate_tags
from triage.roles import Role

PATH = "/pages/models"
POLICY = {
    **{"target_precision": "0,9", "confidence": "0.9", "shortlist_coverage": "0.9"},
    **{"urgent_probability": "0.5", "secondary_probability": "0.2", "urgent_hours": "12"},
}


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(home=home, shadow_share=1.0))) as client:
        yield client


def tag(home: Path, *, passed: bool) -> None:
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    report = GateReport("overall", passed, "lost 0.056 at topic")
    registry.set_tags(MODEL_NAME, "2", gate_tags([report], "1"))


def move(client: TestClient, path: str, token: str, **fields: Any) -> Any:
    return send(client, f"{PATH}/{path}", csrf_token=token, **fields)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", ("Контракт точности", "не проводилась", "Модель для сравнения не назначена")),
        ("kk", ("Дәлдік шарты", "жүргізілмеген", "Салыстыратын модель тағайындалмаған")),
        ("en", ("Precision contract", "not run", "There is no challenger")),
    ],
)
def test_models_page_shows_contract_and_versions(client, language, words):
    sign_in(client, "Данияр", Role.DATA_SCIENTIST)
    page = client.get(PATH, params={"lang": language})
    assert page.status_code == 200
    assert [word for word in words if word not in page.text] == []
    assert 'action="/pages/models/promote"' in page.text


def test_models_page_supervisor_reads_and_moves_nothing(client):
    token = sign_in(client, "Асель", Role.SUPERVISOR)
    page = client.get(PATH)
    assert page.status_code == 200
    assert "/pages/models/promote" not in page.text
    assert move(client, "promote", token, version="2", reason="x").status_code == 403
    assert move(client, "policy", token, reason="x", **POLICY).status_code == 403


def test_promote_and_roll_back_with_a_reason_move_the_alias_and_are_recorded(client, home):
    tag(home, passed=True)
    token = sign_in(client, "Данияр", Role.DATA_SCIENTIST)
    promoted = move(client, "promote", token, version="2", reason="лучше на казахском")
    assert (promoted.status_code, promoted.headers["location"]) == (303, f"{PATH}?done=2")
    page = client.get(promoted.headers["location"])
    assert "Работает версия 2" in page.text
    back = move(client, "rollback", token, reason="хуже на снеге")
    assert back.headers["location"] == f"{PATH}?done=1"
    assert backend_of(client).promotion.unfinished() is None
    events = client.get("/pages/ledger", params={"actor": "Данияр"}).text
    assert "лучше на казахском" in events
    assert "хуже на снеге" in events


def test_promote_gates_not_passed_says_which_and_keeps_the_reason(client, home):
    tag(home, passed=False)
    token = sign_in(client, "Данияр", Role.DATA_SCIENTIST)
    refused = move(client, "promote", token, version="2", reason="всё равно", force="true")
    assert refused.status_code == 409
    assert "Проверка перед выпуском не пройдена" in refused.text
    assert "lost 0.056 at topic" in refused.text
    assert "всё равно" in refused.text


def test_promote_admin_may_overrule_the_gates(client, home):
    tag(home, passed=False)
    token = sign_in(client, "Айгүл", Role.ADMIN)
    forced = move(client, "promote", token, version="2", reason="старая сломана", force="true")
    assert forced.headers["location"] == f"{PATH}?done=2"


@pytest.mark.parametrize(
    ("path", "fields", "told"),
    [
        ("promote", {"version": "9", "reason": "x"}, "Такой версии нет"),
        ("promote", {"version": "2", "reason": " "}, "Укажите причину"),
        ("rollback", {"reason": "x"}, "Прежней модели нет"),
        ("policy", POLICY | {"reason": "x", "confidence": "1"}, "Числа или причина не приняты"),
        ("policy", POLICY | {"reason": " "}, "Числа или причина не приняты"),
    ],
)
def test_forms_that_can_not_be_are_told_and_change_nothing(client, path, fields, told):
    token = sign_in(client, "Данияр", Role.DATA_SCIENTIST)
    refused = move(client, path, token, **fields)
    assert refused.status_code in (404, 409, 422)
    assert told in refused.text
    assert len(backend_of(client).policies.history()) == 1


def test_policy_is_set_and_a_second_one_meanwhile_keeps_its_numbers(client):
    token = sign_in(client, "Данияр", Role.DATA_SCIENTIST)
    first = move(client, "policy", token, reason="пусть чаще", expected_version="0", **POLICY)
    assert first.headers["location"] == f"{PATH}?done=policy"
    assert backend_of(client).service.policy.target_precision == 0.9
    late = POLICY | {"target_precision": "0.91"}
    second = move(client, "policy", token, reason="ещё чаще", expected_version="0", **late)
    assert second.status_code == 422
    assert 'value="0.91"' in second.text
    assert len(backend_of(client).policies.history()) == 2


def test_challenger_page_counts_what_it_would_have_decided(client, home):
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    registry.set_alias(MODEL_NAME, CHALLENGER, "2")
    backend = backend_of(client)
    backend.follower.look()
    add_person(client, "ignored")
    sign_in(client, "Асель")
    token = backend.keys.add("crm", Role.INTAKE, actor="tests")[1]
    client.headers["Authorization"] = f"Bearer {token}"
    for number in range(3):
        submit(client, text="Во дворе не убирают снег", appeal_id=f"w-{number}")
    del client.headers["Authorization"]
    while sum(backend.shadow.outcomes.values()) < 3:
        pass
    page = client.get(PATH)
    assert "Из 3 обращений исполнитель тот же у 3" in page.text


def test_models_page_registry_gone_still_shows_the_contract(client, home):
    sign_in(client, "Данияр", Role.DATA_SCIENTIST)
    (home / "mlflow.db").write_bytes(b"no database")
    page = client.get(PATH)
    assert page.status_code == 200
    assert "Реестр моделей недоступен" in page.text
    assert "Порог" in page.text
