from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from api_checks import BUS, KK, RU, UNKNOWN_ID, count_rows, submit
from fastapi.testclient import TestClient

SCRIPT = "<script>alert('снег')</script> во дворе не убирают снег"


def _send(client: TestClient, path: str = "/pages/appeals", **fields: str) -> Any:
    return client.post(path, data=fields, follow_redirects=False)


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "Что сейчас работает"), ("kk", "Соңғы шешімдер"), ("en", "Latest decisions")],
)
def test_home_is_worded_in_the_language_asked_for(
    shared_client: TestClient, language: str, words: str
) -> None:
    page = shared_client.get("/", params={"lang": language})

    assert words in page.text
    assert f'<html lang="{language}"' in page.text
    assert page.headers["content-language"] == language


def test_home_language_stays_without_asking_again(client: TestClient) -> None:
    client.get("/?lang=kk")

    assert '<html lang="kk"' in client.get("/").text
    assert '<html lang="kk"' in client.get("/?lang=xx").text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("kk-KZ,kk;q=0.9,ru;q=0.8", "kk"), ("en-US", "en"), ("de, ru;q=0.5", "ru"), ("de", "ru")],
)
def test_home_first_language_is_the_browsers(
    client: TestClient, accepted: str, language: str
) -> None:
    page = client.get("/", headers={"accept-language": accepted})

    assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize("path", ["/", "/pages/decisions/x"])
def test_page_allows_nothing_from_elsewhere(shared_client: TestClient, path: str) -> None:
    page = shared_client.get(path)

    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"https?://|<style|\sstyle=|\son\w+=", page.text)
    assert set(re.findall(r"<script(.*?)>(.*?)</script>", page.text, re.DOTALL)) == {
        (' src="/static/vendor/htmx.min.js" defer', ""),
        (' src="/static/js/main.js" type="module"', ""),
    }


def test_home_tells_model_and_contract(client: TestClient) -> None:
    page = client.get("/?lang=ru").text

    assert "small" in page
    assert "95,0 %" in page
    assert "Все обращения" in page  # one part: the threshold and what it rests on
    assert ("50,0 %" in page, "999" in page) == (True, True)
    assert "disabled" not in page


def test_form_appeal_leads_to_its_decision(client: TestClient) -> None:
    sent = _send(client, text="нет\r\nводы", channel="web", district="ESIL", address="")

    page = client.get(sent.headers["location"], params={"lang": "ru"})
    decision = client.get("/decisions").json()["items"][0]
    assert sent.status_code == 303
    assert (decision["text"], decision["channel"], decision["district"]) == (
        *("нет\nводы", "web"),
        "ESIL",
    )
    assert decision["enterprise"]["name_ru"] in unescape(page.text)
    assert decision["reason"]["ru"] in unescape(page.text)
    assert decision["address"] is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": ""}, "Напишите текст"),
        ({"text": " "}, "только пробелы"),
        ({"text": "а" * 20_001}, "длиннее"),
        ({"text": RU, "channel": "fax"}, "Такого канала нет"),
        ({"text": RU, "district": "Медеу"}, "Такого района нет"),
    ],
)
def test_form_invalid_appeal_is_told_in_words(
    client: TestClient, fields: dict[str, str], words: str
) -> None:
    client.get("/?lang=ru")

    page = _send(client, **fields)

    assert page.status_code == 422
    assert words in page.text
    assert count_rows(client) == 0


def test_form_refused_appeal_stays_in_the_form(client: TestClient) -> None:
    page = _send(client, text=RU, district="Медеу", channel="web")

    assert RU in page.text
    assert '<option value="web" selected>' in page.text


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False),
        ({"origin": "http://testserver"}, True),
        ({"origin": "http://testserver.example"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_form_from_another_site_is_refused(
    client: TestClient, headers: dict[str, str], taken: bool
) -> None:
    decision_id = submit(client)["decision_id"]
    before = count_rows(client)
    review = {"verdict": "accept", "expected_version": "1"}

    statuses = {
        client.post(path, data=fields, headers=headers, follow_redirects=False).status_code
        for path, fields in (
            ("/pages/appeals", {"text": KK}),
            (f"/pages/decisions/{decision_id}/review", review),
        )
    }

    assert statuses == {303 if taken else 403}
    assert (count_rows(client) > before) is taken


def test_decision_text_with_markup_is_shown_as_text(client: TestClient) -> None:
    decision_id = submit(client, SCRIPT, address="<img src=x>")["decision_id"]

    for path in (f"/pages/decisions/{decision_id}", "/"):
        page = client.get(path).text
        assert "<script>" not in page
        assert "<img" not in page
    assert SCRIPT in unescape(client.get(f"/pages/decisions/{decision_id}").text)


@pytest.mark.parametrize(
    ("language", "badge", "place", "second"),
    [
        ("ru", "Нужно уточнить место", "Улица", "Возможно, есть и вторая проблема"),
        ("kk", "Орнын нақтылау керек", "Көше", "Екінші мәселе де болуы мүмкін"),
        ("en", "The place must be asked for", "Street", "Perhaps a second problem"),
    ],
)
def test_pages_show_question_places_and_second_problem(
    client: TestClient, language: str, badge: str, place: str, second: str
) -> None:
    text = (
        "нет отопления и автобусы переполнены, давка, и мусор не вывозят,"
        " на пересечении Сейфуллина и Бараева"
    )
    answer = submit(client, text)
    assert answer["action"] == "ask"
    assert answer["route"]["places"][0]["kind"] == "street"

    for path in ("/", f"/pages/decisions/{answer['decision_id']}"):
        page = unescape(client.get(path, params={"lang": language}).text)
        assert f'<span class="badge ask">{badge}</span>' in page
        assert answer["question_text"] in page
        assert f"{place}: {answer['route']['places'][0]['normal']}" in page
        assert second in page
        name = "name_kk" if language == "kk" else "name_ru"
        assert answer["secondary"][name] in page


def test_decision_page_without_question_says_nothing_of_one(client: TestClient) -> None:
    asked, other = submit(client, BUS["kk"]), submit(client, KK)

    shown = [
        client.get(f"/pages/decisions/{one['decision_id']}?lang=ru").text for one in (asked, other)
    ]

    assert ["Что спросить у заявителя" in page for page in shown] == [True, False]
    assert [asked["versions"]["rules"] in page for page in shown] == [True, True]


def test_percent_is_written_as_the_language_of_the_page_does(shared_client: TestClient) -> None:
    pages = {one: shared_client.get(f"/?lang={one}").text for one in ("ru", "kk", "en")}

    assert ["95,0 %" in page for page in pages.values()] == [True, True, False]
    assert "95.0 %" in pages["en"]


@pytest.mark.parametrize("language", ["ru", "kk", "en"])
def test_decision_page_tells_names_in_its_language(client: TestClient, language: str) -> None:
    answer = submit(client, KK, channel="phone", address="Сығанақ 10", appeal_id="109-1")
    client.post(
        f"/decisions/{answer['decision_id']}/review",
        json={
            "verdict": "override",
            "enterprise": "UTIL-VET",
            "reason": "қате",
        },
    )

    page = client.get(f"/pages/decisions/{answer['decision_id']}", params={"lang": language})

    name = "name_kk" if language == "kk" else "name_ru"
    shown = unescape(page.text)
    assert answer["topic"][name] in shown
    assert answer["model"]["version"] in shown
    assert "key:tests" in shown
    assert "қате" in shown


def test_decision_review_form_overrides(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]

    sent = _send(
        client,
        f"/pages/decisions/{decision_id}/review",
        verdict="override",
        expected_version="1",
        topic="",
        enterprise="UTIL-VET",
        reason="ошибка",
    )

    stored = client.get(f"/decisions/{decision_id}").json()
    assert sent.status_code == 303
    assert stored["reviews"][0]["enterprise"]["code"] == "UTIL-VET"
    assert stored["reviews"][0]["reviewer"] == "key:tests"


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"verdict": "accept", "expected_version": "2"}, 409, "проверил кто-то другой"),
        ({"verdict": "override", "expected_version": "1"}, 422, "Исправление не принято"),
        ({"verdict": "maybe"}, 422, "unknown_verdict"),
    ],
)
def test_decision_review_form_failure_is_told_and_changes_nothing(
    client: TestClient, fields: dict[str, str], status: int, words: str
) -> None:
    client.get("/?lang=ru")
    decision_id = submit(client)["decision_id"]

    page = _send(client, f"/pages/decisions/{decision_id}/review", **fields)

    assert page.status_code == status
    assert words in page.text
    assert client.get(f"/decisions/{decision_id}").json()["version"] == 1


@pytest.mark.parametrize(
    "path", [f"/pages/decisions/{UNKNOWN_ID}", "/pages/decisions/1", "/pages/x"]
)
def test_page_that_is_not_there_is_told_as_a_page(shared_client: TestClient, path: str) -> None:
    page = shared_client.get(path)

    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-request-id"] in page.text


def test_form_that_is_no_form_is_refused(shared_client: TestClient) -> None:
    as_json = shared_client.post("/pages/appeals", json={"text": RU})
    as_cp1251 = shared_client.post(
        "/pages/appeals",
        content=b"text=" + RU.encode("cp1251"),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert (as_json.status_code, as_cp1251.status_code) == (415, 400)
    assert count_rows(shared_client) == 0
