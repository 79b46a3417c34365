from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from access_checks import send, sign_in
from api_checks import KK, count_rows, give_key, submit
from fastapi.testclient import TestClient
from uuid_utils import uuid7

from api.web.links import changed
from triage.roles import Role

PATH = "/pages/audit"
HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(2)>'
PLACE = {"channel": "whatsapp", "address": "Сыганак 10", "district": "ESIL"}


@pytest.fixture
def drawn(client: TestClient) -> dict[str, Any]:
    """An answer of `/classify` whose decision was routed and is the one to check."""
    give_key(client, Role.SUPERVISOR, "aigerim")
    return _draw(client, KK, **PLACE)


def _draw(client: TestClient, text: str, **fields: str) -> dict[str, Any]:
    """Submit an appeal until one of them is drawn; the client checks nothing else."""
    for _ in range(200):
        answer = submit(client, text, **fields)
        assert answer["action"] == "auto"
        if client.get("/checks/next").json()["appeal"] is not None:
            return answer
    raise AssertionError("nothing was drawn")


def _page(client: TestClient, path: str = PATH, language: str = "ru", **given: str) -> str:
    page = client.get(changed(path, lang=language, **given))
    assert page.status_code == 200, page.text
    return unescape(page.text)


def _check(client: TestClient, answer: dict[str, Any], **overrides: str) -> Any:
    client.get("/", params={"lang": "ru"})
    codes = {name: answer[name]["code"] for name in ("topic", "enterprise")}
    return send(client, f"{PATH}/{answer['decision_id']}", **codes | overrides)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", ("Слепая проверка", "Как правильно", "WhatsApp", "Есиль", "казахский")),
        ("kk", ("Жасырын тексеру", "Дұрысы қандай", "WhatsApp", "Есіл", "қазақ тілі")),
        ("en", ("Blind check", "What is right", "WhatsApp", "Есиль", "Kazakh")),
    ],
)
def test_audit_shows_the_appeal_in_the_language_asked_for(
    client: TestClient, drawn: dict[str, Any], language: str, words: tuple[str, ...]
) -> None:
    page = _page(client, language=language)

    assert [word for word in (KK, "Сыганак 10", *words) if word not in page] == []
    assert f'action="{PATH}/{drawn["decision_id"]}"' in page


@pytest.mark.parametrize("language", ["ru", "kk", "en"])
def test_audit_holds_nothing_of_the_suggestion(
    client: TestClient, drawn: dict[str, Any], language: str
) -> None:
    page = _page(client, language=language)

    # Every category can be chosen: that of the suggestion must stand out by nothing.
    options = re.findall(r"<option.*?</option>", page)
    offered = re.sub(r"\s+", " ", " ".join(options))
    rest = re.sub(r"<option.*?</option>", "", page).replace(KK, "")
    assert len(options) == len(client.get("/taxonomy").json()["categories"]) + 1
    assert "selected" not in offered
    for level in ("category", "topic", "enterprise"):
        for candidate in (drawn[level], *drawn[level]["candidates"]):
            told = (candidate["code"], candidate["name_ru"], candidate["name_kk"])
            assert [word for word in told if word in rest] == [], level
    assert drawn["reason"]["ru"] not in page
    assert drawn["model"]["hash"][:12] not in page
    assert "%" not in rest
    assert not re.search(r"<mark|/explanation|hx-get|/pages/decisions/", page)


def test_audit_check_tells_what_was_decided_and_goes_on(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    sent = _check(client, drawn)

    page = _page(client, sent.headers["location"])

    assert sent.status_code == 303
    assert sent.headers["location"] == f"{PATH}?done={drawn['decision_id']}"
    assert "выбрали одного исполнителя" in page
    assert page.count('<span class="badge auto">совпало</span>') == 3
    assert drawn["enterprise"]["name_ru"] in page
    assert "Проверять сейчас нечего" in page
    assert "Проверено 1 из 1 отобранных" in page


def test_audit_check_that_differs_says_so(client: TestClient, drawn: dict[str, Any]) -> None:
    sent = _check(client, drawn, enterprise="UTIL-VET")

    page = _page(client, sent.headers["location"])

    assert "Система выбрала другого исполнителя" in page
    assert page.count('<span class="badge review">у системы другое</span>') == 1
    assert drawn["enterprise"]["name_ru"] in page


def test_audit_outcome_of_what_nobody_checked_is_not_told(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    pages = [_page(client, done=done) for done in (drawn["decision_id"], str(uuid7()), "x")]

    assert [page for page in pages if drawn["enterprise"]["name_ru"] in page] == []
    assert ["Сохранено" in page for page in pages] == [False, False, False]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"topic": "", "category": "healthcare"}, 303),
        ({"topic": "", "topic_words": "healthcare.ambulance"}, 303),
        ({"enterprise": "", "enterprise_words": "ветеринар"}, 303),
        ({"topic": "", "category": ""}, 422),
        ({"enterprise": ""}, 422),
        ({"enterprise": "", "enterprise_words": "нет такого"}, 422),
        ({"enterprise": "UTIL-X"}, 422),
        ({"topic": "healthcare.ambulance", "category": "roads"}, 422),
        ({"topic": "", "topic_words": "нет такой"}, 422),
    ],
)
def test_audit_takes_what_can_be_understood(
    client: TestClient, drawn: dict[str, Any], fields: dict[str, str], status: int
) -> None:
    before = count_rows(client)

    sent = _check(client, drawn, **fields)

    assert sent.status_code == status
    assert count_rows(client) == before
    left = client.get("/checks/next").json()["appeal"]
    assert (left is None) is (status == 303)


def test_audit_refused_input_is_kept_and_stays_blind(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    page = _check(
        client, drawn, topic="", category="", enterprise="UTIL-VET", enterprise_words="Ветеринария"
    )

    shown = unescape(page.text)
    assert "Не сохранено: выберите из списков" in shown
    assert 'name="enterprise" value="UTIL-VET"' in shown
    assert 'value="Ветеринария"' in shown
    assert KK in shown
    assert drawn["enterprise"]["name_ru"] not in shown


def test_audit_second_checker_loses_nothing(client: TestClient, drawn: dict[str, Any]) -> None:
    _check(client, drawn)
    give_key(client, Role.SUPERVISOR, "daniyar")

    page = _check(client, drawn, enterprise="UTIL-VET", enterprise_words="Ветеринария")

    shown = unescape(page.text)
    assert page.status_code == 409
    assert "уже проверил другой человек" in shown
    assert 'name="enterprise" value="UTIL-VET"' in shown
    assert KK in shown
    assert f'href="{PATH}"' in shown
    assert "Сохранить и дальше <kbd" not in shown
    outcome = client.app.state.backend.audit_sample.outcome(drawn["decision_id"])  # type: ignore[attr-defined]  # typed as a bare ASGI app
    assert outcome.right


def test_audit_check_of_what_was_not_drawn_is_not_found(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    page = _check(client, drawn | {"decision_id": str(uuid7())})

    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")


def test_audit_hostile_text_is_shown_as_text(client: TestClient) -> None:
    give_key(client, Role.SUPERVISOR, "aigerim")
    _draw(client, f"{KK} {HOSTILE}", address="<b>x</b>")

    raw = client.get(PATH).text

    assert not re.search(r"<script>|<img|<b>", raw)
    assert HOSTILE in unescape(raw)


def test_audit_data_scientist_reads_the_estimate_alone(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    give_key(client, Role.DATA_SCIENTIST, "ds")

    led = client.get(PATH, follow_redirects=False)
    page = _page(client, led.headers["location"])
    refused = _check(client, drawn)

    assert led.headers["location"] == f"{PATH}/estimate"
    assert "мало проверок" in page
    assert f'href="{PATH}">Слепая проверка</a></p>' not in page
    assert KK not in page
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", ("Точность по слепым проверкам", "0 из 1", "Пока проверок меньше 30")),
        ("kk", ("Жасырын тексеру бойынша дәлдік", "0/1", "Кемінде 30 тексеру")),
        ("en", ("Precision by blind checks", "0 of 1", "fewer than 30 checks")),
    ],
)
def test_audit_estimate_tells_each_stratum(
    client: TestClient, drawn: dict[str, Any], language: str, words: tuple[str, ...]
) -> None:
    page = _page(client, f"{PATH}/estimate", language, days="7")

    name = drawn["category"]["name_kk" if language == "kk" else "name_ru"]
    assert [word for word in (name, *words) if word not in page] == []
    assert "/overview/precision.csv?since=" in page


def test_audit_form_of_a_person_needs_their_token(
    client: TestClient, drawn: dict[str, Any]
) -> None:
    token = sign_in(client, "Данияр")
    form = _page(client).partition(f'action="{PATH}/')[2].partition("</form>")[0]
    fields = {"enterprise": "UTIL-VET", "category": "roads"}

    refused = send(client, f"{PATH}/{drawn['decision_id']}", **fields)
    taken = send(client, f"{PATH}/{drawn['decision_id']}", csrf_token=token, **fields)

    assert (refused.status_code, taken.status_code) == (403, 303)
    assert f'name="csrf_token" value="{token}"' in form
