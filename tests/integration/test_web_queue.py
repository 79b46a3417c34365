from __future__ import annotations

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from api_checks import BUS, RU, count_rows, give_key, submit
from fastapi.testclient import TestClient

from api.web import queue
from triage.roles import Role

HOSTILE = "<script>alert('x')</script> \"><img src=x onerror=alert(1)> автобус не приходит"
GAS = "сильно пахнет газом в подъезде, шипит, автобус не приходит"


def _page(client: TestClient, **filters: str) -> str:
    page = client.get("/pages/queue", params={"lang": "ru", **filters})
    assert page.status_code == 200, page.text
    return unescape(page.text)


def _shown(page: str) -> list[str]:
    """Return the ids of the decisions in the list, in its order."""
    return re.findall(r'<a href="/pages/decisions/([\w-]+)[^"]*" data-open', page)


def _accept(client: TestClient, decision_id: str, **fields: str) -> Any:
    form = {"verdict": "accept", "expected_version": "1", "filters": "", **fields}
    return client.post(
        f"/pages/decisions/{decision_id}/review",
        data=form,
        headers={"hx-request": "true"},
        follow_redirects=False,
    )


def test_queue_shows_what_waits_the_most_pressing_first(client: TestClient) -> None:
    asked = submit(client, BUS["ru"])
    urgent = submit(client, GAS)
    done = submit(client, BUS["kk"])
    _accept(client, done["decision_id"])

    page = _page(client)

    assert urgent["urgency"]["urgent"]
    assert _shown(page) == [urgent["decision_id"], asked["decision_id"]]
    assert "2 обращения" in page
    assert "1 срочное" in page
    assert 'class="badge urgent">Срочно<' in page
    assert asked["enterprise"]["name_ru"] in page


@pytest.mark.parametrize(
    ("language", "heading", "count", "waits"),
    [
        ("ru", "Очередь", "1 обращение", "не указано место"),
        ("kk", "Кезек", "1 өтініш", "орны көрсетілмеген"),
        ("en", "Queue", "1 appeal", "the place is missing"),
    ],
)
def test_queue_is_worded_in_the_language_asked_for(
    client: TestClient, language: str, heading: str, count: str, waits: str
) -> None:
    submit(client, BUS["ru"])

    page = client.get("/pages/queue", params={"lang": language}).text

    assert f"<h1>{heading}</h1>" in page
    assert (count in page, waits in page) == (True, True)


def test_queue_filters_narrow_and_stay_in_the_links(client: TestClient) -> None:
    found = submit(client, BUS["ru"], channel="web", district="ESIL")
    submit(client, BUS["kk"], channel="phone")

    page = _page(client, channel="web", district="ESIL", search="автобуса", since="2020-01-01")

    assert _shown(page) == [found["decision_id"]]
    assert '<option value="web" selected>' in page
    assert f"/pages/decisions/{found['decision_id']}?search=" in page
    assert "channel=web" in page
    assert "lang=" not in re.findall(r'href="([^"]+)" data-open', page)[0]


def test_queue_enterprise_typed_without_script_is_found(client: TestClient) -> None:
    found = submit(client, BUS["ru"])

    page = _page(client, enterprise="", enterprise_words=found["enterprise"]["code"])

    assert _shown(page) == [found["decision_id"]]
    assert f'value="{found["enterprise"]["code"]}"' in page


def test_queue_filter_that_makes_no_sense_is_told_and_left_out(client: TestClient) -> None:
    found = submit(client, BUS["ru"])

    page = _page(client, since="вчера", channel="fax", until="9999-12-31", language="ru")

    assert "Условие не понято: channel, since, until" in page
    assert _shown(page) == [found["decision_id"]]


def test_queue_states_show_the_reviewed_as_well(client: TestClient) -> None:
    waiting, done = submit(client, BUS["ru"]), submit(client, BUS["kk"])
    _accept(client, done["decision_id"])

    assert _shown(_page(client, state="done")) == [done["decision_id"]]
    assert set(_shown(_page(client, state="all"))) == {waiting["decision_id"], done["decision_id"]}


def test_queue_pages_go_through_all(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "LIMIT", 2)
    ids = {submit(client, f"{BUS['ru']} {n}")["decision_id"] for n in range(3)}

    first = _page(client)
    second = unescape(client.get(re.findall(r'hx-get="([^"]+)"', first)[0]).text)

    assert (len(_shown(first)), len(_shown(second))) == (2, 1)
    assert set(_shown(first) + _shown(second)) == ids
    assert "Показать ещё" not in second
    assert "К началу списка" in second


def test_queue_cursor_of_nobody_is_refused_as_a_page(shared_client: TestClient) -> None:
    page = shared_client.get("/pages/queue", params={"cursor": "x"})

    assert page.status_code == 422
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_queue_empty_says_so(shared_client: TestClient) -> None:
    assert "Очередь пуста" in _page(shared_client)
    assert "Таких обращений нет" in _page(shared_client, channel="web")


def test_queue_hostile_text_is_shown_as_text(client: TestClient) -> None:
    submit(client, HOSTILE, address="<b>x</b>")

    raw = client.get("/pages/queue", params={"search": '"><script>x</script>', "state": "all"}).text
    listed = client.get("/pages/queue", params={"state": "all"}).text

    assert "<script>" not in raw + listed
    assert "<img" not in listed
    assert "<b>x" not in listed
    assert "<script>alert('x')</script>" in unescape(listed)


def test_queue_accept_leaves_a_row_in_place(client: TestClient) -> None:
    give_key(client, Role.SUPERVISOR, "aigerim")
    decision = submit(client, BUS["ru"])

    row = _accept(client, decision["decision_id"])

    assert row.status_code == 200
    assert row.text.lstrip().startswith("<tr")
    assert "key:aigerim" in row.text
    assert client.get(f"/decisions/{decision['decision_id']}").json()["review_state"] == "accepted"


def test_queue_accept_too_late_tells_who_was_first(client: TestClient) -> None:
    decision = submit(client, BUS["ru"])
    give_key(client, Role.SUPERVISOR, "aigerim")
    _accept(client, decision["decision_id"])
    give_key(client, Role.SUPERVISOR, "daniyar")
    before = count_rows(client)

    row = _accept(client, decision["decision_id"])

    assert row.status_code == 409
    assert "key:aigerim" in row.text
    assert count_rows(client) == before


def test_queue_without_the_right_to_review_offers_none(client: TestClient) -> None:
    submit(client, f"{BUS['ru']}, звоните +7 701 123 45 67")
    supervised = _page(client)
    give_key(client, Role.DATA_SCIENTIST, "ds")

    page = _page(client)

    assert ('value="accept"' in supervised, "701 123 45 67" in supervised) == (True, True)
    assert ('value="accept"' in page, "701 123 45 67" in page) == (False, False)
    assert "[телефон]" in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_stays_without_asking_again(shared_client: TestClient, theme: str) -> None:
    shared_client.get("/pages/queue", params={"theme": theme})

    assert f'data-theme="{theme}"' in shared_client.get("/").text
    assert f'data-theme="{theme}"' in shared_client.get("/", params={"theme": "pink"}).text


@pytest.mark.parametrize(
    ("source", "words", "name"),
    [
        ("enterprises", "водоканал", "Водоканал"),
        ("enterprises", "су арнасы", "Водоканал"),
        ("topics", "снег", "Уборка снега"),
        ("topics", "кар тазалау", "Уборка снега"),
    ],
)
def test_picker_finds_in_both_languages(
    shared_client: TestClient, source: str, words: str, name: str
) -> None:
    found = shared_client.get(f"/pages/pick/{source}", params={"q": words, "lang": "ru"}).text

    assert f'data-words="{name}' in unescape(found)
    assert found.count('role="option"') == len(re.findall("data-code=", found))


def test_picker_nothing_found_offers_nothing_to_choose(shared_client: TestClient) -> None:
    found = shared_client.get("/pages/pick/topics", params={"q": f"{uuid4()}", "lang": "ru"}).text

    assert "data-code" not in found
    assert "Ничего не найдено" in found


def test_page_reader_comes_to_the_queue_from_the_header(shared_client: TestClient) -> None:
    page = shared_client.get("/").text

    assert 'href="/pages/queue"' in page
    assert RU not in page
