from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from api_checks import BUS, KK, RU, give_key, submit
from fastapi.testclient import TestClient

from api.web import overview
from api.web.period import MAX_DAYS
from triage.roles import Role
from triage.timezone import KAZAKHSTAN

PATH = "/pages/overview"
PARTS = tuple(overview.PARTS)
TODAY = datetime.now(KAZAKHSTAN).date()


def _page(client: TestClient, part: str = "", language: str = "ru", **parameters: str) -> str:
    page = client.get(f"{PATH}{part}", params={"lang": language, **parameters})
    assert page.status_code == 200, page.text
    return unescape(page.text)


def _override(client: TestClient, decision: dict[str, Any]) -> None:
    review = {"verdict": "override", "enterprise": "UTIL-VET", "reason": "не туда"}
    review |= {"expected_version": "1"}
    path = f"/pages/decisions/{decision['decision_id']}/review"
    assert client.post(path, data=review, follow_redirects=False).status_code == 303


def _behind(page: str) -> list[tuple[int, str]]:
    """Return each number that leads to the appeals behind it, and where it leads."""
    found = re.findall(r'<a href="(/pages/queue\?[^"]+)">(\d+)</a>', page)
    return [(int(number), address) for address, number in found]


def _counted(client: TestClient, address: str) -> int:
    """Return how many appeals a list tells that it has."""
    page = unescape(client.get(address, params=[("lang", "en"), *_query(address)]).text)
    return int(re.findall(r"(\d+) appeals?<", page)[0])


def _query(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", ("Обзор", "Поступление обращений", "Направлено автоматически", "7 дней")),
        ("kk", ("Шолу", "Өтініштердің түсуі", "Автоматты түрде жолданды", "7 күн")),
        ("en", ("Overview", "Intake of appeals", "Routed automatically", "7 days")),
    ],
)
def test_overview_is_worded_in_the_language_asked_for(
    shared_client: TestClient, language: str, words: tuple[str, ...]
) -> None:
    page = _page(shared_client, language=language)

    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", ["ru", "kk", "en"])
def test_overview_part_is_a_part_for_htmx_and_a_page_otherwise(
    client: TestClient, part: str, language: str
) -> None:
    submit(client, KK)
    client.get("/", params={"lang": language})

    piece = client.get(f"{PATH}/{part}", headers={"hx-request": "true"})
    page = client.get(f"{PATH}/{part}")

    assert piece.text.lstrip().startswith("<section")
    assert "<html" not in piece.text
    assert f'<html lang="{language}"' in page.text


def test_overview_names_every_part_to_load(shared_client: TestClient) -> None:
    page = _page(shared_client, days="7")

    loaded = re.findall(rf'hx-get="{PATH}/(\w+)(\?days=7)?"', page)
    assert {name for name, _ in loaded} == set(PARTS)
    assert {name for name, query in loaded if query} == set(PARTS) - {"health"}


def test_overview_unknown_part_is_not_found(shared_client: TestClient) -> None:
    assert shared_client.get(f"{PATH}/weather").status_code == 404


def test_overview_intake_is_charted_by_day_and_channel(client: TestClient) -> None:
    submit(client, BUS["ru"], channel="web")
    submit(client, BUS["kk"], channel="phone")
    submit(client, RU, channel="phone")

    page = _page(client, days="7")

    chart = page[page.index('data-chart="stack"') :].partition("</figure>")[0]
    days = re.findall(r'<time datetime="([\d-]+)">', chart)
    assert days == [(TODAY - timedelta(days=ago)).isoformat() for ago in range(6, -1, -1)]
    assert re.findall(r'data-value="(\d)"', chart)[-2:] == ["2", "1"]
    assert "Телефон" in chart


def test_overview_numbers_lead_to_the_appeals_behind_them(client: TestClient) -> None:
    submit(client, BUS["ru"], channel="web", district="ESIL")
    submit(client, BUS["kk"], channel="phone")
    _override(client, submit(client, RU, channel="phone", district="ESIL"))

    pages = [_page(client, part) for part in ("", "/precision", "/waiting", "/overrides")]

    links = [link for page in pages for link in _behind(page)]
    assert len(links) > 8
    assert [(n, address) for n, address in links if _counted(client, address) != n] == []


def test_overview_names_lead_to_the_appeals_of_a_mix(client: TestClient) -> None:
    submit(client, BUS["ru"], district="ESIL")
    submit(client, BUS["kk"])

    part = _page(client, "/mix")

    [address] = re.findall(r'<a href="([^"]*district=ESIL[^"]*)">Есиль</a>', part)
    assert _counted(client, address) == 1
    assert "не указан" in part
    assert dict(_query(address))["since"] == (TODAY - timedelta(days=29)).isoformat()


def test_overview_overrides_lead_to_the_overridden_alone(client: TestClient) -> None:
    accepted, overridden = submit(client, RU), submit(client, f"{RU} опять")
    accept = {"verdict": "accept", "expected_version": "1"}
    client.post(f"/pages/decisions/{accepted['decision_id']}/review", data=accept)
    _override(client, overridden)

    part = _page(client, "/overrides")

    [(n, address), *_] = _behind(part)
    assert (n, dict(_query(address))["state"]) == (1, "overridden")
    listed = client.get(address).text
    assert overridden["decision_id"] in listed
    assert accepted["decision_id"] not in listed


def test_overview_precision_of_few_checks_is_not_told(client: TestClient) -> None:
    submit(client, KK)

    page, part = _page(client), _page(client, "/precision")

    assert "мало проверок" in page
    assert "мало проверок" in part
    assert "меньше 30" in part
    assert "%" not in part.partition('class="lead"')[2].partition("</p>")[0]


def test_overview_drift_tells_its_threshold(client: TestClient) -> None:
    submit(client, KK)
    tomorrow = (TODAY + timedelta(days=1)).isoformat()

    part = _page(client, "/drift", since=tomorrow, until=tomorrow)

    assert "Сравнить не с чем" in part
    assert "не меньше 0,1" in part


def test_overview_health_tells_what_it_can_not_say(shared_client: TestClient) -> None:
    part = _page(shared_client, "/health")

    assert part.count('<span class="badge ">мало данных</span>') == 9


@pytest.mark.parametrize(
    ("parameters", "first", "last"),
    [
        ({}, 29, 0),
        ({"days": "7"}, 6, 0),
        ({"since": "-3", "until": "-2"}, 3, 2),
        ({"until": "-2", "days": "5"}, 6, 2),
        ({"since": "-3"}, 3, 0),
    ],
)
def test_overview_period_stays_in_address_and_form(
    shared_client: TestClient, parameters: dict[str, str], first: int, last: int
) -> None:
    def day(ago: int) -> str:
        return (TODAY - timedelta(days=ago)).isoformat()

    given = {
        name: day(-int(value)) if name != "days" else value for name, value in parameters.items()
    }

    page = _page(shared_client, **given)

    assert re.findall(r'type="date"[^>]* value="([\d-]+)"', page) == [day(first), day(last)]
    is_named = given.keys() & {"since", "until"}
    held = {"since": day(first), "until": day(last)} if is_named else {"days": f"{first + 1}"}
    [query] = re.findall(rf'hx-get="{PATH}/mix\?([^"]+)"', page)
    assert dict(parse_qsl(query)) == held


@pytest.mark.parametrize(
    "parameters",
    [
        {"days": "0"},
        {"days": "много"},
        {"days": str(MAX_DAYS + 1)},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"since": "2020-01-01", "until": "2026-01-01"},
        {"since": "<script>"},
    ],
)
def test_overview_period_that_makes_no_sense_is_told(
    shared_client: TestClient, parameters: dict[str, str]
) -> None:
    page = _page(shared_client, **parameters)

    assert "Период не понят" in page
    assert "<script>alert" not in page
    assert 'days=30" aria-current="true"' in page


def test_overview_figures_download_with_the_period(client: TestClient) -> None:
    submit(client, BUS["ru"], channel="web")
    pages = [_page(client), *(_page(client, f"/{part}") for part in PARTS)]

    downloads = {link for page in pages for link in re.findall(r'"(/overview/[^"]+)"', page)}

    assert {link.partition(".csv")[0] for link in downloads} == {
        f"/overview/{name}"
        for name in client.app.state.backend.overview.names  # type: ignore[attr-defined]  # typed as a bare ASGI app
    }
    for link in downloads:
        response = client.get(link)
        assert response.headers["content-type"].startswith("text/csv"), link
        if "intake" in link:
            [row] = csv.DictReader(io.StringIO(response.text))
            assert (row["channel"], row["n_appeals"]) == ("web", "1")


def test_overview_is_in_the_header_of_those_who_may_read_it(client: TestClient) -> None:
    shown = {}
    for role in Role:
        give_key(client, role, role.value)
        shown[role] = f'href="{PATH}"' in client.get("/").text

    assert shown == {role: role is not Role.INTAKE for role in Role}


def test_overview_holds_nothing_inline(client: TestClient) -> None:
    submit(client, BUS["ru"])

    pages = [_page(client), *(_page(client, f"/{part}") for part in PARTS)]

    assert not [page for page in pages if re.search(r"<[^>]+ (style|on\w+)=|<style|<script>", page)]
