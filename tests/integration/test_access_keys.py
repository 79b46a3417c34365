from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from access_checks import Clock, backend_of, ledger_of
from api_checks import RU, give_key, problem_code, submit
from fastapi.testclient import TestClient

from api.app import create_app
from triage.config import Settings
from triage.errors import InvalidKeyError, InvalidPersonError, KeyNotFoundError
from triage.keys import ApiKeys
from triage.roles import Role
from triage.store.sessions import Sessions


@pytest.fixture
def keys(sessions: Sessions) -> ApiKeys:
    return ApiKeys(sessions, "astana", Clock())


@contextmanager
def _served(home: Path, model: Path, **settings: Any) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(home=home, model=str(model), **settings))) as client:
        yield client


def test_key_is_found_by_its_secret_until_it_is_revoked(keys: ApiKeys) -> None:
    made, secret = keys.add("crm", Role.INTAKE, actor="aigerim")
    assert keys.find(secret) == made

    keys.revoke(made.id, actor="aigerim")

    with pytest.raises(InvalidKeyError):
        keys.find(secret)
    with pytest.raises(KeyNotFoundError):
        keys.revoke(made.id, actor="aigerim")
    assert [key.revoked_at is not None for key in keys.everything()] == [True]


def test_key_of_another_city_is_unknown(sessions: Sessions, keys: ApiKeys) -> None:
    _, secret = keys.add("crm", Role.ADMIN, actor="aigerim")

    with pytest.raises(InvalidKeyError):
        ApiKeys(sessions, "almaty").find(secret)


@pytest.mark.parametrize("name", ["", " crm", "crm:1", "system", "Anonymous", "a\nb", "x" * 101])
def test_key_with_a_name_of_another_is_refused(keys: ApiKeys, name: str) -> None:
    with pytest.raises(InvalidPersonError):
        keys.add(name, Role.INTAKE, actor="aigerim")


def test_key_revoked_is_refused_from_the_next_request_on(client: TestClient) -> None:
    give_key(client, Role.INTAKE, "crm")
    submit(client)
    key = next(one for one in backend_of(client).keys.everything() if one.name == "crm")

    backend_of(client).keys.revoke(key.id, actor="aigerim")

    answer = client.post("/classify", json={"text": RU})
    assert problem_code(answer, 401) == "invalid_key"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert ledger_of(client)[1:] == [
        ("key.added", key.id, "tests", {"name": "crm", "role": "intake", "per_minute": None}),
        ("key.revoked", key.id, "aigerim", {"name": "crm"}),
    ]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "x"])
def test_credentials_that_do_not_hold_are_not_passed_over(client: TestClient, header: str) -> None:
    answer = client.post("/classify", json={"text": RU}, headers={"Authorization": header})

    assert problem_code(answer, 401) == "invalid_key"


def test_key_asking_too_often_is_told_to_wait(client: TestClient) -> None:
    _, secret = backend_of(client).keys.add("crm", Role.INTAKE, actor="tests", per_minute=2)
    headers = {"Authorization": f"Bearer {secret}"}

    answers = [client.get("/taxonomy", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem_code(answers[2], 429) == "too_many_requests"
    assert 0 < int(answers[2].headers["retry-after"]) <= 30
    assert client.get("/taxonomy").status_code == 200  # another key


def test_intake_reads_what_it_sent_in_and_no_more(client: TestClient) -> None:
    other = submit(client)["decision_id"]
    give_key(client, Role.INTAKE, "crm")
    own = submit(client)["decision_id"]

    assert client.get(f"/decisions/{own}").status_code == 200
    assert client.get(f"/pages/decisions/{own}").status_code == 200
    assert problem_code(client.get(f"/decisions/{other}"), 404) == "decision_not_found"
    assert client.get(f"/pages/decisions/{other}").status_code == 404
    refused = client.get("/decisions")
    assert problem_code(refused, 403) == "forbidden"
    assert "supervisor" in refused.json()["detail"]
    assert other not in client.get("/").text


def test_key_reviews_under_its_own_name(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]
    give_key(client, Role.SUPERVISOR, "crm")

    reviewed = client.post(f"/decisions/{decision_id}/review", json={"verdict": "accept"})

    assert reviewed.json()["reviews"][0]["reviewer"] == "key:crm"


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"host": "::1"}, 200),
        ({"host": "localhost"}, 200),
        ({"anonymous_role": "none"}, 401),
        ({"host": "0.0.0.0"}, 401),
        ({"host": "192.0.2.7"}, 401),
        ({"public_url": "https://triage.example"}, 401),
    ],
)
def test_request_without_credentials_is_taken_on_loopback_alone(
    sqlite_home: Path, model_folder: Path, settings: dict[str, str], status: int
) -> None:
    with _served(sqlite_home, model_folder, **settings) as client:
        answer = client.post("/classify", json={"text": RU})
        assert answer.status_code == status
        assert client.get("/healthz").status_code == 200
        if status == 401:
            assert problem_code(answer, 401) == "not_signed_in"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "Bearer" in answer.json()["detail"]


def test_request_that_did_not_come_over_loopback_is_nobodys(
    sqlite_home: Path, model_folder: Path
) -> None:
    settings = Settings(home=sqlite_home, model=str(model_folder))
    with TestClient(create_app(settings), base_url="http://192.0.2.7") as client:
        assert client.get("/taxonomy").status_code == 401
