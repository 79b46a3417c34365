"""The pages on which people sign in, and an admin lets them in, in front of an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_checks import PASSWORD, add_person, backend_of, ledger_of, send, shown_link, sign_in
from api_checks import RU, problem_code, submit
from fastapi.testclient import TestClient

from api.app import create_app
from triage.config import Settings
from triage.roles import Role
from triage.signin import FAILURES_BY_NAME, WINDOW


@pytest.fixture
def visitor(sqlite_home: Path, model_folder: Path) -> Iterator[TestClient]:
    """A browser that nobody has signed in with, in front of an empty store."""
    settings = Settings(home=sqlite_home, model=str(model_folder))
    with TestClient(create_app(settings)) as client:
        yield client


def test_sign_in_page_lets_in_and_leads_on(visitor: TestClient) -> None:
    add_person(visitor, "aigerim", password=PASSWORD)

    asked = visitor.get("/pages/people?lang=en", follow_redirects=False)
    target = asked.headers["location"]
    assert (asked.status_code, target) == (
        303,
        "/pages/signin?next=%2Fpages%2Fpeople%3Flang%3Den",
    )
    assert 'value="/pages/people?lang=en"' in visitor.get(target).text
    signed = send(
        visitor, "/pages/signin", name="aigerim", password=PASSWORD, next="/pages/account"
    )

    assert (signed.status_code, signed.headers["location"]) == (303, "/pages/account")
    cookie = signed.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "aigerim" in visitor.get("/pages/account").text
    assert visitor.get("/pages/people").status_code == 403


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org", "/\\example.org"])
def test_sign_in_leads_nowhere_else(visitor: TestClient, target: str) -> None:
    add_person(visitor, "aigerim", password=PASSWORD)

    assert 'name="next" value="/"' in visitor.get("/pages/signin", params={"next": target}).text
    signed = send(visitor, "/pages/signin", name="aigerim", password=PASSWORD, next=target)

    assert signed.headers["location"] == "/"


def test_sign_in_does_not_tell_which_names_there_are(visitor: TestClient) -> None:
    add_person(visitor, "aigerim", password=PASSWORD)
    add_person(visitor, "timur")
    form = {"password": "not the password", "next": "/"}

    pages = [
        send(visitor, "/pages/signin", name=name, **form) for name in ("aigerim", "timur", "nobody")
    ]

    assert {page.status_code for page in pages} == {401}
    assert (
        len(
            {
                page.text.replace(f'value="{name}"', "")
                for page, name in zip(pages, ("aigerim", "timur", "nobody"), strict=True)
            }
        )
        == 1
    )


def test_sign_in_too_often_is_told_when_to_come_back(visitor: TestClient) -> None:
    for _ in range(FAILURES_BY_NAME):
        send(visitor, "/pages/signin", name="aigerim", password="x")

    page = visitor.post("/pages/signin?lang=ru", data={"name": "aigerim", "password": "x"})

    assert page.status_code == 429
    assert 0 < int(page.headers["retry-after"]) <= WINDOW.total_seconds()
    assert "Слишком много" in page.text


def test_sign_in_form_of_another_site_is_refused(visitor: TestClient) -> None:
    sent = visitor.post(
        "/pages/signin",
        data={"name": "aigerim", "password": PASSWORD},
        headers={"sec-fetch-site": "cross-site"},
    )

    assert sent.status_code == 403


def test_link_page_is_not_used_up_by_looking(visitor: TestClient) -> None:
    add_person(visitor, "aigerim")
    path = f"/pages/link/{backend_of(visitor).access.new_link('aigerim', actor='tests')}"

    assert "aigerim" in visitor.get(path).text
    differing = send(visitor, path, password=PASSWORD, again="another")
    short = send(visitor, path, password="short", again="short")
    signed = send(visitor, path, password=PASSWORD, again=PASSWORD)

    assert (differing.status_code, short.status_code, signed.status_code) == (422, 422, 303)
    assert "aigerim" in visitor.get("/pages/account").text
    assert visitor.get(path).status_code == 410
    assert send(visitor, path, password="").status_code == 410
    visitor.cookies.clear()
    assert send(visitor, "/pages/signin", name="aigerim", password=PASSWORD).status_code == 303


def test_sign_out_ends_the_session_itself(visitor: TestClient) -> None:
    csrf = sign_in(visitor, "aigerim")
    stolen = visitor.cookies["session"]

    signed_out = send(visitor, "/pages/signout", csrf_token=csrf)

    assert signed_out.status_code == 303
    assert {'session=""', "Max-Age=0"} <= set(signed_out.headers["set-cookie"].split("; "))
    assert visitor.cookies["session"] == stolen
    assert visitor.get("/pages/people", follow_redirects=False).status_code == 303


def test_account_sets_a_password(visitor: TestClient) -> None:
    csrf = sign_in(visitor, "aigerim")
    form = {"csrf_token": csrf, "password": PASSWORD, "again": PASSWORD}

    assert send(visitor, "/pages/account", **form).status_code == 303
    assert send(visitor, "/pages/account", **form, current="wrong").status_code == 401
    assert send(visitor, "/pages/account", **form, current=PASSWORD).status_code == 303
    assert "aigerim" in visitor.get("/pages/account?done=1").text


@pytest.mark.parametrize("given", [{}, {"csrf_token": ""}, {"csrf_token": "guess"}])
def test_form_without_the_sessions_token_changes_nothing(
    visitor: TestClient, given: dict[str, str]
) -> None:
    sign_in(visitor, "aigerim", Role.ADMIN)

    sent = send(visitor, "/pages/people/add", name="mallory", role="admin", **given)

    assert sent.status_code == 403
    assert [one.name for one in backend_of(visitor).access.everybody()] == ["aigerim"]


def test_token_of_another_session_does_not_fit(visitor: TestClient) -> None:
    other = sign_in(visitor, "timur", Role.ADMIN)
    sign_in(visitor, "aigerim", Role.ADMIN)

    sent = send(visitor, "/pages/people/add", name="mallory", role="admin", csrf_token=other)

    assert sent.status_code == 403


def test_session_writes_json_with_the_tokens_header_alone(visitor: TestClient) -> None:
    csrf = sign_in(visitor, "aigerim")

    refused = visitor.post("/classify", json={"text": RU})
    taken = visitor.post("/classify", json={"text": RU}, headers={"X-CSRF-Token": csrf})

    assert problem_code(refused, 403) == "csrf_token_wrong"
    assert taken.status_code == 200


def test_session_over_https_is_kept_to_this_host(sqlite_home: Path, model_folder: Path) -> None:
    settings = Settings(
        home=sqlite_home, model=str(model_folder), public_url="https://triage.example"
    )
    with TestClient(create_app(settings), base_url="https://triage.example") as client:
        add_person(client, "aigerim", password=PASSWORD)
        signed = send(client, "/pages/signin", name="aigerim", password=PASSWORD)

        cookie = signed.headers["set-cookie"]
        assert cookie.startswith("__Host-session=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert "aigerim" in client.get("/pages/account").text


def test_people_page_adds_changes_and_closes(visitor: TestClient) -> None:
    csrf = sign_in(visitor, "aigerim", Role.ADMIN)

    def do(action: str, **fields: str) -> Any:
        return send(visitor, f"/pages/people/{action}", csrf_token=csrf, **fields)

    added = do("add", name="Тимур", role="intake")
    path = shown_link(added.text)
    assert do("role", name="Тимур", role="supervisor").status_code == 303
    again = shown_link(do("link", name="Тимур").text)
    assert visitor.get(path).status_code == 410
    assert visitor.get(again).status_code == 200
    assert do("deactivate", name="Тимур").status_code == 303
    assert do("link", name="Тимур").status_code == 422
    assert do("activate", name="Тимур").status_code == 303

    assert path not in visitor.get("/pages/people").text
    assert [event[:3] for event in ledger_of(visitor) if event[2] == "aigerim"] == [
        (kind, "Тимур", "aigerim")
        for kind in (
            "person.added",
            "person.link_made",
            "person.role_changed",
            "person.link_made",
            "person.deactivated",
            "person.activated",
        )
    ]


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("add", {"name": "aigerim", "role": "intake"}, "уже есть"),
        ("add", {"name": "key:x", "role": "intake"}, "без двоеточия"),
        ("add", {"name": "system", "role": "intake"}, "заняты"),
        ("add", {"name": "x", "role": "root"}, "Такой роли нет"),
        ("add", {"role": "intake"}, "обязательные"),
        ("role", {"name": "aigerim", "role": "intake"}, "последний администратор"),
        ("deactivate", {"name": "aigerim"}, "последний администратор"),
        ("link", {"name": "nobody"}, "Такого человека нет"),
        ("keys", {"name": "x", "role": "intake", "per_minute": "0"}, "пределов"),
        (f"keys/{'0' * 8}/revoke", {}, "ключа нет"),
    ],
)
def test_people_page_tells_what_can_not_be(
    visitor: TestClient, action: str, fields: dict[str, str], words: str
) -> None:
    csrf = sign_in(visitor, "aigerim", Role.ADMIN)
    before = ledger_of(visitor)
    visitor.get("/?lang=ru")

    page = send(visitor, f"/pages/people/{action}", csrf_token=csrf, **fields)

    assert page.status_code in (404, 422)
    assert words in page.text
    assert ledger_of(visitor) == before


def test_ledger_and_log_hold_no_secrets(
    visitor: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    csrf = sign_in(visitor, "aigerim", Role.ADMIN)
    page = send(visitor, "/pages/people/add", csrf_token=csrf, name="timur", role="intake").text
    key = send(visitor, "/pages/people/keys", csrf_token=csrf, name="crm", role="intake").text
    send(visitor, "/pages/account", csrf_token=csrf, password=PASSWORD, again=PASSWORD)
    send(visitor, "/pages/signin", name="timur", password="typed " + PASSWORD)
    secrets = [csrf, visitor.cookies["session"], PASSWORD, shown_link(page).rpartition("/")[2]]
    secrets.append(key.partition("<code>")[2].partition("</code>")[0])

    written = str(ledger_of(visitor)) + str(capsys.readouterr())

    assert all(len(secret) > 10 for secret in secrets)
    assert not [secret for secret in secrets if secret in written]
    assert "person.password_set" in written


def test_review_of_a_person_carries_their_name(visitor: TestClient) -> None:
    decision_id = submit(visitor)["decision_id"]
    csrf = sign_in(visitor, "aigerim")
    path = f"/decisions/{decision_id}/review"
    headers = {"X-CSRF-Token": csrf}

    other = visitor.post(path, json={"verdict": "accept", "reviewer": "timur"}, headers=headers)
    own = visitor.post(path, json={"verdict": "accept"}, headers=headers)

    assert problem_code(other, 422) == "reviewer_mismatch"
    assert other.json()["errors"][0]["field"] == "reviewer"
    assert [review["reviewer"] for review in own.json()["reviews"]] == ["aigerim"]


def test_part_of_a_page_leads_the_whole_page_to_signing_in(visitor: TestClient) -> None:
    answer = visitor.get(
        "/pages/people",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/pages/queue?urgent=1"},
        follow_redirects=False,
    )

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/pages/signin?next=%2Fpages%2Fqueue%3Furgent%3D1"
