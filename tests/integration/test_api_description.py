from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from fastapi.testclient import TestClient

from api.pseudonym import Pseudonyms
from api.schemas.answers import DecisionAnswer
from api.schemas.examples import ANSWERS, REQUESTS
from api.schemas.present import name_of
from api.schemas.requests import ClassifyRequest
from models.prediction import LEVELS
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.messages import QUESTIONS
from triage.rulefile import load_city_rules

CITY = load_city(STARTER_DATA)
PSEUDONYMS = Pseudonyms(b"secret of these tests", "astana")
BOOK = load_city_rules(STARTER_DATA, CITY)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


@pytest.fixture(scope="module")
def description(shared_client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = shared_client.get("/openapi.json").json()
    return found


def test_openapi_is_valid_and_whole(description: dict[str, Any]) -> None:
    assert OpenAPI.model_validate(description)
    schemas = description["components"]["schemas"]
    for reference in _references(description):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_openapi_every_route_tells_its_problems(description: dict[str, Any]) -> None:
    operations = [
        (path, operation)
        for path, methods in description["paths"].items()
        for operation in methods.values()
    ]
    assert {path for path, _ in operations} == {
        *("/classify", "/decisions", "/decisions/{decision_id}"),
        *("/decisions/{decision_id}/review", "/taxonomy", "/enterprises"),
        *("/checks/next", "/checks/{decision_id}", "/checks/estimate"),
        *("/overview", "/overview/{figure}.csv", "/monitor"),
        *("/queue", "/ledger", "/ledger/verify", "/policy", "/policy/curve"),
        *("/models", "/models/rollback", "/models/{version}/promote"),
        *(
            f"/decisions/{{decision_id}}/{part}"
            for part in ("explanation", "similar", "timeline", "replay")
        ),
        *("/healthz", "/readyz", "/metrics"),
    }
    for path, operation in operations:
        errors = {
            status: list(response["content"])
            for status, response in operation["responses"].items()
            if status >= "400" and (path, status) != ("/readyz", "503")
        }
        assert errors, path
        assert all(types == ["application/problem+json"] for types in errors.values()), path
        assert operation["summary"]
        assert operation["tags"]


def test_openapi_every_route_that_asks_for_a_key_says_so(description: dict[str, Any]) -> None:
    scheme = description["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for path, methods in description["paths"].items():
        for operation in methods.values():
            asks = operation.get("security") == [{"key": []}]
            assert asks is (path not in ("/healthz", "/readyz", "/metrics")), path
            assert ({"401", "403", "429"} <= operation["responses"].keys()) is asks, path


def test_openapi_classify_has_examples_in_both_languages(description: dict[str, Any]) -> None:
    operation = description["paths"]["/classify"]["post"]

    given = operation["requestBody"]["content"]["application/json"]["examples"]
    answered = operation["responses"]["200"]["content"]["application/json"]["examples"]
    assert given.keys() >= {"ru", "kk"}
    assert answered.keys() >= {"ru", "kk"}


@pytest.mark.parametrize("example", REQUESTS.values(), ids=REQUESTS)
def test_example_request_is_taken(example: dict[str, Any]) -> None:
    assert ClassifyRequest.model_validate(example["value"]).to_appeal(CITY, PSEUDONYMS)


@pytest.mark.parametrize("example", ANSWERS.values(), ids=ANSWERS)
def test_example_answer_is_one_that_the_starter_city_can_give(example: dict[str, Any]) -> None:
    answer = DecisionAnswer.model_validate(example["value"])

    assert answer.versions.taxonomy == CITY.taxonomy.version
    assert answer.versions.enterprises == CITY.enterprises.version
    assert answer.route.rule in {rule.name for rule in BOOK.rules}
    for level in LEVELS:
        for candidate in getattr(answer, level).candidates:
            name = name_of(level, candidate.code, CITY)
            assert name is not None
            assert (name.ru, name.kk) == (candidate.name_ru, candidate.name_kk)


def test_example_answer_asks_in_kazakh_what_its_rule_asks() -> None:
    answer = DecisionAnswer.model_validate(ANSWERS["ask"]["value"])

    [rule] = [rule for rule in BOOK.rules if rule.name == answer.route.rule]
    assert (answer.action, answer.reason.code) == ("ask", "place_missing")
    assert rule.ask is not None
    question = QUESTIONS[rule.ask]
    assert answer.question is not None
    assert (answer.question.ru, answer.question.kk) == (question.ru, question.kk)
    assert answer.question_text == question.kk
    assert answer.reason.kk.endswith(question.kk)
    assert answer.secondary in (answer.topic.candidates if answer.topic else ())


def test_docs_page_loads_nothing_from_elsewhere(shared_client: TestClient) -> None:
    page = shared_client.get("/docs").text

    addresses = re.findall(r"(?:src|href)=[\"']([^\"']+)", page)
    assert addresses
    assert all(address.startswith("/") for address in addresses)
    assert all(shared_client.get(address).status_code == 200 for address in addresses)
    assert "https://" not in page
