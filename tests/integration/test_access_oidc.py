from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_checks import backend_of, ledger_of
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from pydantic import SecretStr

from api.app import create_app
from triage.config import Settings
from triage.roles import Role


@pytest.fixture(scope="module")
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def provider(running_provider: Provider) -> Provider:
    running_provider.claims = {"sub": "42", "preferred_username": "aigerim"}
    running_provider.tampering = {}
    running_provider.key = running_provider.published
    return running_provider


@contextmanager
def _served(home: Path, provider: Provider, **settings: Any) -> Iterator[TestClient]:
    given = {
        "home": home,
        # Signing in needs no model.
        "model": str(home / "none"),
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": SecretStr(CLIENT_SECRET),
    }
    with TestClient(create_app(Settings(**given | settings)), follow_redirects=False) as client:
        yield client


@pytest.fixture
def visitor(sqlite_home: Path, provider: Provider) -> Iterator[TestClient]:
    with _served(sqlite_home, provider) as client:
        yield client


def _callback(client: TestClient, target: str = "/pages/account") -> str:
    """Go to the provider as a browser would, and return the path that it sends back to."""
    begun = client.get("/pages/oidc", params={"next": target})
    assert begun.status_code == 302, begun.text
    back = httpx.get(begun.headers["location"], timeout=30).headers["location"]
    return back.removeprefix("http://testserver")


def _known(client: TestClient) -> dict[str, str]:
    return {person.name: person.role for person in backend_of(client).access.everybody()}


def test_oidc_known_subject_is_signed_in(visitor: TestClient) -> None:
    backend_of(visitor).access.add_person("Айгерім", Role.SUPERVISOR, actor="tests", subject="42")
    assert "/pages/oidc" in visitor.get("/pages/signin").text

    signed = visitor.get(_callback(visitor))

    assert (signed.status_code, signed.headers["location"]) == (303, "/pages/account")
    assert "Айгерім" in visitor.get("/pages/account").text


def test_oidc_leads_nowhere_else(visitor: TestClient) -> None:
    backend_of(visitor).access.add_person("Айгерім", Role.SUPERVISOR, actor="tests", subject="42")

    signed = visitor.get(_callback(visitor, "//example.org"))

    assert signed.headers["location"] == "/"


def test_oidc_unknown_subject_is_refused_and_not_added(visitor: TestClient) -> None:
    signed = visitor.get(_callback(visitor))

    assert signed.status_code == 403
    assert "identity_refused" in signed.text
    assert "session=" not in signed.headers.get("set-cookie", "").replace("oidc=", "")
    assert _known(visitor) == {}


def test_oidc_person_whose_access_is_closed_is_refused(visitor: TestClient) -> None:
    access = backend_of(visitor).access
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests", subject="42")
    access.set_active("aigerim", False, actor="tests")

    assert visitor.get(_callback(visitor)).status_code == 403


@pytest.mark.parametrize(
    "tampering",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "http://127.0.0.1:9"},
        {"aud": "another-service"},
        {"aud": ["another-service"], "azp": CLIENT_ID},
        {"exp": int(time.time()) - 3600},
    ],
    ids=str,
)
def test_oidc_token_that_is_not_for_this_sign_in_is_refused(
    visitor: TestClient, provider: Provider, tampering: dict[str, Any]
) -> None:
    backend_of(visitor).access.add_person("aigerim", Role.SUPERVISOR, actor="tests", subject="42")
    provider.tampering = tampering

    assert visitor.get(_callback(visitor)).status_code == 403
    assert visitor.get("/pages/people").status_code == 303


def test_oidc_token_signed_by_another_key_is_refused(
    visitor: TestClient, provider: Provider
) -> None:
    backend_of(visitor).access.add_person("aigerim", Role.SUPERVISOR, actor="tests", subject="42")
    provider.key = RSAKey.generate_key(2048, {"kid": "1"})

    assert visitor.get(_callback(visitor)).status_code == 403


def test_oidc_state_of_another_browser_is_refused(visitor: TestClient) -> None:
    backend_of(visitor).access.add_person("aigerim", Role.SUPERVISOR, actor="tests", subject="42")
    back = _callback(visitor)
    cookie = visitor.cookies["oidc"]
    visitor.cookies.clear()

    assert visitor.get(back).status_code == 403
    visitor.cookies.set("oidc", cookie[:-1], path="/pages/oidc")
    assert visitor.get(back).status_code == 403


def test_oidc_answer_counts_once(visitor: TestClient) -> None:
    backend_of(visitor).access.add_person("aigerim", Role.SUPERVISOR, actor="tests", subject="42")
    back = _callback(visitor)

    assert [visitor.get(back).status_code for _ in range(2)] == [303, 403]


def test_oidc_role_claim_adds_and_changes_people(sqlite_home: Path, provider: Provider) -> None:
    with _served(sqlite_home, provider, oidc_role_claim="groups") as client:
        provider.claims["groups"] = ["staff", "supervisor", "intake"]
        assert client.get(_callback(client)).status_code == 303
        assert _known(client) == {"aigerim": "supervisor"}

        provider.claims["groups"] = "data_scientist"
        assert client.get(_callback(client)).status_code == 303
        assert _known(client) == {"aigerim": "data_scientist"}

        provider.claims["groups"] = ["staff"]
        client.cookies.clear()
        assert client.get(_callback(client)).status_code == 403
        assert [event[0] for event in ledger_of(client)] == [
            "person.added",
            "person.role_changed",
        ]


def test_oidc_newcomer_can_not_take_over_a_name(sqlite_home: Path, provider: Provider) -> None:
    with _served(sqlite_home, provider, oidc_role_claim="groups") as client:
        backend_of(client).access.add_person("aigerim", Role.ADMIN, actor="tests")
        provider.claims["groups"] = "admin"

        assert client.get(_callback(client)).status_code == 422
        assert "session" not in client.cookies


def test_oidc_provider_that_does_not_answer_is_told(
    sqlite_template: Path, tmp_path: Path, provider: Provider
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "triage.db")
    with _served(tmp_path, provider, oidc_issuer="http://127.0.0.1:1") as client:
        assert client.get("/pages/oidc").status_code == 503


def test_oidc_cookie_of_state_is_kept_from_scripts_and_other_paths(visitor: TestClient) -> None:
    begun = visitor.get("/pages/oidc")

    cookie = begun.headers["set-cookie"].lower()
    assert cookie.startswith("oidc=")
    assert "httponly" in cookie
    assert "path=/pages/oidc" in cookie
