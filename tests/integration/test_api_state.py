from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from api_checks import KK, RU, count_rows, give_key, problem_code, submit
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.app import create_app
from triage.citydata import load_city
from triage.config import STARTER_DATA, Settings


def _samples(client: TestClient) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def _execute(client: TestClient, statement: str) -> None:
    with client.app.state.backend.engine.begin() as connection:  # type: ignore[attr-defined]  # typed as a bare ASGI app
        connection.execute(text(statement))


def test_healthz_and_readyz_running_service_is_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {
        "status": "ready",
        "checks": {"store": {"state": "ok"}, "model": {"state": "ok"}},
    }


def _remove(model: Path) -> None:
    for file in model.iterdir():
        file.unlink()


def _alter(model: Path) -> None:
    (model / "vocabulary.txt").write_text("other")


def _garble(model: Path) -> None:
    (model / "manifest.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "code"),
    [(_remove, "model_not_found"), (_alter, "broken_model"), (_garble, "broken_model")],
)
def test_service_without_a_model_starts_and_says_why(
    store_url: str, model_copy: Path, tmp_path: Path, damage: Callable[[Path], None], code: str
) -> None:
    damage(model_copy)
    settings = Settings(home=tmp_path, database_url=store_url, model=str(model_copy))

    with TestClient(create_app(settings)) as client:
        give_key(client)
        ready, refused = client.get("/readyz"), client.post("/classify", json={"text": RU})

        assert ready.status_code == 503
        assert ready.json()["checks"]["store"] == {"state": "ok"}
        assert ready.json()["checks"]["model"]["code"] == code
        assert str(tmp_path) not in ready.text
        assert client.get("/healthz").status_code == 200
        assert problem_code(refused, 503) == "model_not_ready"
        assert count_rows(client) == 0
        assert client.get("/decisions").json()["items"] == []
        assert "disabled" in client.get("/").text


def test_service_without_a_registered_model_starts_and_says_why(
    sqlite_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    with TestClient(create_app(Settings(home=sqlite_home))) as client:
        checks = client.get("/readyz").json()["checks"]

    assert checks["model"]["code"] == "model_not_found"


def test_served_and_ended_leaves_its_objects_to_the_collector(sqlite_home: Path) -> None:
    with TestClient(create_app(Settings(home=sqlite_home))):
        assert gc.get_freeze_count() > 0
    # Else a process that makes one application after another would keep all of them.
    assert gc.get_freeze_count() == 0


def test_readyz_store_at_another_migration_is_not_ready(client: TestClient) -> None:
    _execute(client, "UPDATE alembic_version SET version_num = 'other'")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["store"]["code"] == "store_unavailable"
    assert response.json()["checks"]["model"] == {"state": "ok"}


def test_sqlite_that_fails_is_unavailable(sqlite_home: Path, model_folder: Path) -> None:
    with TestClient(create_app(Settings(home=sqlite_home, model=str(model_folder)))) as client:
        _execute(client, "DROP TABLE decisions")
        response = client.post("/classify", json={"text": RU})

    assert problem_code(response, 503) == "store_unavailable"
    assert response.headers["retry-after"]
    assert "decisions" not in response.json()["detail"]


def test_postgresql_that_is_gone_is_unavailable(
    postgres_server: Any, postgres_template: str, model_folder: Path, tmp_path: Path
) -> None:
    name = f"gone_{uuid4().hex}"
    url = postgres_server.create(name, postgres_template)
    settings = Settings(home=tmp_path, database_url=url, model=str(model_folder))
    with TestClient(create_app(settings)) as client:
        postgres_server.drop(name)
        refused, ready = client.post("/classify", json={"text": RU}), client.get("/readyz")

    assert problem_code(refused, 503) == "store_unavailable"
    assert ready.status_code == 503


def test_unforeseen_error_is_a_problem_without_its_inside(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    decision_id = submit(client, KK)["decision_id"]
    _execute(client, "UPDATE decisions SET route = '{}'")

    response = client.get(f"/decisions/{decision_id}", headers={"x-request-id": "intake-7"})

    assert problem_code(response, 500) == "internal_error"
    assert response.headers["x-request-id"] == "intake-7"
    log = capsys.readouterr().out
    assert "KeyError" in log
    assert "intake-7" in log


def test_log_never_holds_the_text_of_an_appeal(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(client, KK, address="Сығанақ 10", appeal_id="109-1")
    client.post("/classify", json={"text": RU, "appeal_id": "109-1"})
    client.post("/classify", json={"text": RU, "channel": RU})
    _execute(client, "DROP TABLE reviews")
    client.get("/decisions")
    _execute(client, "ALTER TABLE appeals RENAME COLUMN text TO words")
    client.post("/classify", json={"text": RU})

    log = "".join(capsys.readouterr())
    assert log.count("request.served") == 5
    assert not any(word in log for word in (*RU.split(), *KK.split(), "Сығанақ"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [("intake-7", True), ("a" * 129, False), ("a b", False), ("Қ", False), ("", False)],
)
def test_request_id_sane_one_is_kept(shared_client: TestClient, given: str, kept: bool) -> None:
    response = shared_client.get("/healthz", headers=[(b"x-request-id", given.encode())])

    assert response.headers["x-request-id"]
    assert (response.headers["x-request-id"] == given) is kept


def test_metrics_count_by_route_and_answer(client: TestClient) -> None:
    answer = submit(client, appeal_id="a")
    client.get(f"/decisions/{answer['decision_id']}")
    client.get("/no/such/path")
    client.request("BREW", "/classify")

    samples = _samples(client)
    category, model = answer["category"]["code"], answer["model"]

    assert samples["triage_http_requests_total", "POST", "/classify", "200"] == 1
    assert samples["triage_http_requests_total", "GET", "/decisions/{decision_id}", "200"] == 1
    assert samples["triage_http_requests_total", "GET", "other", "404"] == 1
    assert samples["triage_http_request_seconds_count", "POST", "/classify"] == 1
    assert samples["triage_decisions_answered_total", answer["action"], category, "ru"] == 1
    assert samples["triage_model_info", model["hash"], model["name"], model["version"]] == 1
    assert not any("BREW" in labels for labels in samples)


def test_taxonomy_lists_categories_with_their_topics(shared_client: TestClient) -> None:
    taxonomy = shared_client.get("/taxonomy").json()

    categories = {category["code"]: category for category in taxonomy["categories"]}
    assert len(categories) == 21
    assert sum(len(category["topics"]) for category in categories.values()) == 86
    assert categories["snow"]["name_kk"] == "Қар тазалау"
    assert categories["snow"]["topics"][0].keys() == {"code", "name_ru", "name_kk", "sla_hours"}


def test_enterprises_without_a_query_are_the_first_by_id(shared_client: TestClient) -> None:
    active = sorted(
        one.id for one in load_city(STARTER_DATA).enterprises.enterprises.values() if one.active
    )

    first = shared_client.get("/enterprises", params={"limit": 3}).json()["items"]
    by_default = shared_client.get("/enterprises").json()["items"]

    assert [one["code"] for one in first] == active[:3]
    assert [one["code"] for one in by_default] == active[:10]


@pytest.mark.parametrize("query", ["водокан", "су арнасы", "Су Арн", "UTIL-WATER"])
def test_enterprises_are_found_in_both_languages(shared_client: TestClient, query: str) -> None:
    found = shared_client.get("/enterprises", params={"query": query, "limit": 3}).json()["items"]

    assert found[0]["code"] == "UTIL-WATER"
    assert len(found) <= 3
