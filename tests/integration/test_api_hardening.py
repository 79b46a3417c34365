"""What every answer carries, and what no answer tells: over all routes, errors and files."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from api_checks import RU, UNKNOWN_ID, give_key
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.app import create_app
from api.hardening import COMMON, DATA_POLICY, PAGE_POLICY
from triage.config import Settings

FILES = ("/static/css/tokens.css", "/static/js/main.js", "/static-offline-docs/swagger-ui.css")
ERRORS = ("/nowhere", "/static/nowhere", "/static/../../app", "/decisions/x", "/pages/nowhere")
FORM = "application/x-www-form-urlencoded"

TABLES = ("appeals", "decisions", "ledger_events", "people", "audit_draws", "policies")

INSIDE = re.compile(
    r"Traceback|\.py\b|site-packages|sqlite|SELECT |INSERT |no such table|/(tmp|home|root|srv)/",
    re.I,
)


@pytest.fixture(scope="module")
def client(
    sqlite_template: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(sqlite_template, home / "triage.db")
    settings = Settings(home=home, model=str(model_folder), public_url="https://triage.example")
    with TestClient(create_app(settings), follow_redirects=False) as client:
        give_key(client)
        yield client


@pytest.fixture
def broken_client(sqlite_home: Path, model_folder: Path) -> Iterator[TestClient]:
    """A client of a service that has lost its tables."""
    app = create_app(Settings(home=sqlite_home, model=str(model_folder)))
    with TestClient(app, follow_redirects=False) as client:
        give_key(client)
        with closing(sqlite3.connect(sqlite_home / "triage.db")) as connection:
            for table in TABLES:
                connection.execute(f"ALTER TABLE {table} RENAME TO lost_{table}")
        yield client


def ask_all(client: TestClient) -> Iterator[tuple[str, httpx.Response]]:
    """Ask for every route there is by every method, with nothing in the body."""
    for route in iter_route_contexts(client.app.routes):  # type: ignore[attr-defined]  # typed as a bare ASGI app
        path = re.sub(r"{[^}]*id[^}]*}", UNKNOWN_ID, route.path or "")
        path = re.sub(r"{[^}]*}", "x", path)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            kind = FORM if path.startswith("/pages/") else "application/json"
            body = {} if method == "GET" else {"content": "{}", "headers": {"content-type": kind}}
            yield f"{method} {path}", client.request(method, path, **body)  # type: ignore[arg-type]  # as given


def check_headers(name: str, answer: httpx.Response) -> None:
    for header, value in COMMON.items():
        assert answer.headers[header] == value, name
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(PAGE_POLICY) if is_page else policy == DATA_POLICY, name
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["strict-transport-security"] == "max-age=31536000", name
    assert answer.headers["x-request-id"], name
    assert "server" not in answer.headers


def test_every_route_answers_with_safe_headers_and_is_not_kept(client: TestClient) -> None:
    answers = dict(ask_all(client))

    assert len(answers) > 60
    for name, answer in answers.items():
        check_headers(name, answer)
        assert answer.headers["cache-control"] == "no-store", name


@pytest.mark.parametrize("path", ERRORS)
def test_errors_have_safe_headers_and_are_not_kept(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    check_headers(path, answer)
    assert not INSIDE.search(answer.text)


@pytest.mark.parametrize("path", FILES)
def test_static_files_have_safe_headers_and_are_asked_for_again(
    client: TestClient, path: str
) -> None:
    answer = client.get(path)
    again = client.get(path, headers={"if-none-match": answer.headers["etag"]})

    assert (answer.status_code, again.status_code) == (200, 304)
    check_headers(path, answer)
    assert answer.headers["cache-control"] == "no-cache"


def test_refused_bodies_have_safe_headers(client: TestClient) -> None:
    answer = client.post("/classify", content=b" " * 2_000_000)

    assert answer.status_code == 413
    check_headers("413", answer)


def test_unforeseen_error_has_safe_headers_and_tells_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"/srv/app/secret.py: {RU}")

    monkeypatch.setattr(client.app.state.backend.service, "page", fail)  # type: ignore[attr-defined]  # typed as a bare ASGI app
    answer = client.get("/decisions")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    check_headers("500", answer)
    assert RU not in answer.text
    assert not INSIDE.search(answer.text)


def test_service_known_by_http_does_not_ask_for_https(
    sqlite_home: Path, model_folder: Path
) -> None:
    with TestClient(create_app(Settings(home=sqlite_home, model=str(model_folder)))) as local:
        assert "strict-transport-security" not in local.get("/healthz").headers


def test_no_route_of_a_broken_service_tells_its_inside(broken_client: TestClient) -> None:
    answers = dict(ask_all(broken_client))

    failed = [name for name, answer in answers.items() if answer.status_code >= 500]
    assert len(failed) > 10
    for name, answer in answers.items():
        if not name.startswith(("GET /openapi.json", "GET /docs")):
            assert not INSIDE.search(answer.text), name
        assert answer.headers["x-request-id"], name


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/policy", "GET, PUT"),
        ("/checks/estimate", "GET"),
        (f"/decisions/{UNKNOWN_ID}/review", "POST"),
    ],
)
def test_wrong_method_is_told_all_that_the_path_has(
    client: TestClient, path: str, allowed: str
) -> None:
    answer = client.delete(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
