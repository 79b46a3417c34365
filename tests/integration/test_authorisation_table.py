"""Every route × every role: `authorisation.txt` says who may, the application must agree."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from api_checks import give_key
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.app import create_app
from triage.config import Settings
from triage.roles import Role

TABLE = Path(__file__).with_name("authorisation.txt")
NOBODY = "nobody"
ASKERS = (NOBODY, *(role.value for role in Role))
MARKS = {"+": True, "-": False}
REFUSALS = {"not_signed_in", "forbidden"}
FRAMEWORK = {"/openapi.json", "/docs", "/docs/oauth2-redirect"}
"""Routes of the framework's own, open to all: the description holds no data."""


def _read_table() -> dict[tuple[str, str], dict[str, bool]]:
    lines = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines()]
    rows = [line for line in lines if line and not line[0].startswith("#")]
    assert rows[0] == ["method", "path", *ASKERS]
    return {
        (method, path): dict(zip(ASKERS, (MARKS[mark] for mark in marks), strict=True))
        for method, path, *marks in rows[1:]
    }


RULES = _read_table()


@pytest.fixture(scope="module")
def clients(
    sqlite_template: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, TestClient]]:
    """A client for each asker, of one application that has every route there can be."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(sqlite_template, home / "triage.db")
    settings = Settings(
        home=home,
        model=str(model_folder),
        anonymous_role="none",
        oidc_issuer="http://127.0.0.1:1",
        oidc_client_id="triage",
    )
    app = create_app(settings)
    with TestClient(app):
        found = {asker: TestClient(app, follow_redirects=False) for asker in ASKERS}
        for role in Role:
            give_key(found[role.value], role, role.value)
        yield found


@pytest.fixture(scope="module")
def local_client(
    sqlite_template: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """A client without credentials on loopback, where it has the role of intake."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(sqlite_template, home / "triage.db")
    settings = Settings(home=home, model=str(model_folder))
    with TestClient(create_app(settings), follow_redirects=False) as client:
        yield client


def _ask(client: TestClient, method: str, path: str) -> httpx.Response:
    names = {"decision_id": uuid4(), "key_id": uuid4()}
    filled = path
    while "{" in filled:
        name = filled.partition("{")[2].partition("}")[0]
        filled = filled.replace(f"{{{name}}}", str(names.get(name.partition(":")[0], "x")))
    is_form = path.startswith("/pages/")
    kind = "application/x-www-form-urlencoded" if is_form else "application/json"
    body = {} if method == "GET" else {"content": b"" if is_form else b"{}"}
    return client.request(method, filled, headers={"content-type": kind}, **body)  # type: ignore[arg-type]  # one of the two


def _is_served(response: httpx.Response) -> bool:
    if response.status_code == 303:
        return not response.headers["location"].startswith("/pages/signin?next=")
    if response.headers.get("content-type") == "application/problem+json":
        return response.json()["code"] not in REFUSALS
    return response.status_code not in (401, 403) or not any(
        f"<code>{code}</code>" in response.text for code in REFUSALS
    )


def test_table_states_a_rule_for_every_route_and_no_other(
    clients: dict[str, TestClient],
) -> None:
    app = clients[NOBODY].app
    routes = {
        (method, route.path)
        for route in iter_route_contexts(app.routes)  # type: ignore[attr-defined]  # typed as a bare ASGI app
        for method in route.methods or ()
        if method not in ("HEAD", "OPTIONS") and route.path not in FRAMEWORK
    }

    assert routes == RULES.keys()


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize(("method", "path"), RULES, ids=" ".join)
def test_route_serves_whom_the_table_names(
    clients: dict[str, TestClient], method: str, path: str, asker: str
) -> None:
    assert _is_served(_ask(clients[asker], method, path)) is RULES[method, path][asker]


@pytest.mark.parametrize(
    ("method", "path"), [rule for rule in RULES if "oidc" not in rule[1]], ids=" ".join
)
def test_route_without_credentials_on_loopback_serves_as_intake(
    local_client: TestClient, method: str, path: str
) -> None:
    assert _is_served(_ask(local_client, method, path)) is RULES[method, path]["intake"]
