from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from api_checks import BUS, KK, RU, count_rows, give_key, submit
from fastapi.testclient import TestClient

from triage.roles import Role

HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(2)> во дворе не убирают снег'
GAS = "пахнет газом в подъезде дома Сыганак 10, шипит, звоните +7 701 123 45 67"
PARTS = ("explanation", "similar", "timeline")


def _path(decision: dict[str, Any], part: str = "") -> str:
    return f"/pages/decisions/{decision['decision_id']}{part}"


def _read(client: TestClient, path: str, language: str = "ru", **parameters: str) -> str:
    page = client.get(path, params={"lang": language, **parameters})
    assert page.status_code == 200, page.text
    return page.text


def _review(client: TestClient, decision: dict[str, Any], **fields: str) -> Any:
    form = {"verdict": "accept", "expected_version": "1", **fields}
    return client.post(_path(decision, "/review"), data=form, follow_redirects=False)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", ("Обращение", "Почему", "Порог контракта: 50,0 %", "Изменить")),
        ("kk", ("Өтініш", "Неліктен", "Шарт шегі: 50,0 %", "Өзгерту")),
        ("en", ("Appeal", "Why", "Threshold of the contract: 50.0 %", "Change")),
    ],
)
def test_decision_page_is_worded_in_the_language_asked_for(
    client: TestClient, language: str, words: tuple[str, ...]
) -> None:
    decision = submit(client, KK)

    page = _read(client, _path(decision), language)

    assert [word for word in words if word not in page] == []
    assert decision["topic"]["name_kk" if language == "kk" else "name_ru"] in unescape(page)


def test_decision_page_draws_the_threshold_over_every_enterprise(client: TestClient) -> None:
    decision = submit(client, KK)

    page = _read(client, _path(decision))

    assert page.count('class="bar-mark" x1="500"') == len(decision["enterprise"]["candidates"])


def test_decision_page_marks_places(client: TestClient) -> None:
    page = _read(client, _path(submit(client, "мусор не вывозят, улица Сыганак 10")))

    assert re.search(r'<mark class="place" title="[^"]+">[^<]*Сыганак', page)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", ["ru", "kk", "en"])
def test_decision_part_is_a_part_for_htmx_and_a_page_otherwise(
    client: TestClient, part: str, language: str
) -> None:
    path = _path(submit(client), f"/{part}")

    client.get("/", params={"lang": language})
    piece = client.get(path, headers={"hx-request": "true"})
    page = client.get(path)

    assert "<html" not in piece.text
    assert piece.text.lstrip().startswith("<section")
    assert f'<html lang="{language}"' in page.text
    assert page.headers["vary"] == "HX-Request"


@pytest.mark.parametrize("level", ["category", "topic"])
def test_decision_explanation_marks_the_words_of_a_level(client: TestClient, level: str) -> None:
    decision = submit(client)

    part = _read(client, _path(decision, "/explanation"), level=level)

    text = re.search(r'<blockquote class="appeal-text">(.*?)</blockquote>', part, re.DOTALL)
    assert text
    assert "снег" in str(re.findall(r'<mark class="for-\d" title="\+[\d.]+">([^<]+)</mark>', part))
    assert unescape(re.sub(r"<[^>]+>", "", text[1])) == RU
    assert decision[level]["name_ru"] in unescape(part)
    assert re.search(rf'level={level}"[^>]* aria-current="true"', part)


def test_decision_explanation_marks_danger(client: TestClient) -> None:
    part = _read(client, _path(submit(client, GAS), "/explanation"))

    assert re.search(r'<mark class="[^"]*danger[^"]*"', part)


def test_decision_personal_data_are_masked_where_they_are_not_needed(client: TestClient) -> None:
    decision = submit(client, GAS)
    paths = [_path(decision), _path(decision, "/explanation")]
    whole = [_read(client, path) for path in paths]
    give_key(client, Role.DATA_SCIENTIST, "ds")

    masked = [_read(client, path) for path in paths]

    assert ["701 123 45 67" in re.sub(r"<[^>]+>", "", page) for page in whole] == [True, True]
    assert ["123 45 67" in re.sub(r"<[^>]+>", "", page) for page in masked] == [False, False]
    assert all("[телефон]" in re.sub(r"<[^>]+>", "", page) for page in masked)


def test_decision_similar_and_repeated_appeals_tell_what_was_decided(client: TestClient) -> None:
    first = submit(client, RU, sender="77011234567")
    decision = submit(client, f"{RU} опять", sender="77011234567")
    submit(client, KK, sender="77019999999")

    part = unescape(_read(client, _path(decision, "/similar")))

    similar, repeats = part.split("Другие обращения этого заявителя")
    assert _path(first) in similar
    assert "почти тот же текст" in similar
    assert _path(first) in repeats
    assert KK[:20] not in repeats
    assert first["enterprise"]["name_ru"] in repeats


def test_decision_timeline_tells_who_did_what(client: TestClient) -> None:
    decision = submit(client)
    _review(client, decision)

    part = _read(client, _path(decision, "/timeline"))

    assert part.index("решение принято") < part.index("решение проверено")
    assert part.count("key:tests") == 2


def test_decision_hostile_text_is_shown_as_text(client: TestClient) -> None:
    decision = submit(client, HOSTILE, sender="s")
    other = submit(client, f"{HOSTILE} снова", sender="s")
    _review(
        client, decision, verdict="override", enterprise="UTIL-VET", reason="<script>x</script>"
    )

    for path in (_path(decision), *(_path(other, f"/{part}") for part in PARTS)):
        page = _read(client, path)
        assert "<script>" not in page
        assert "<img" not in page


def test_decision_accept_brings_the_next_of_the_filtered_queue(client: TestClient) -> None:
    first, other, last = (
        submit(client, f"{BUS['ru']} {n}", channel=channel)
        for n, channel in enumerate(("web", "phone", "web"))
    )
    assert {one["action"] for one in (first, other, last)} == {"ask"}

    page = _read(client, _path(first), channel="web")
    sent = _review(client, first, filters="channel=web")
    end = _review(client, last, filters="channel=web")

    assert 'name="filters" value="channel=web"' in page
    assert sent.headers["location"].startswith(f"{_path(last)}?channel=web&done=")
    assert end.headers["location"].startswith("/pages/queue?channel=web&done=")
    assert "Сохранено" in client.get(sent.headers["location"]).text


def test_decision_keys_lead_back_and_forth(client: TestClient) -> None:
    shown = [submit(client, f"{BUS['ru']} {n}") for n in range(3)]
    listed = re.findall(
        r'href="/pages/decisions/([\w-]+)" data-open', _read(client, "/pages/queue")
    )
    assert {one["decision_id"] for one in shown} == set(listed)

    page = _read(client, f"/pages/decisions/{listed[1]}")

    links = re.findall(r'href="/pages/decisions/([\w-]+)" data-key="([jk])"', page)
    assert links == [(listed[0], "k"), (listed[2], "j")]
    assert 'href="/pages/queue" data-key="u"' in page


def test_decision_change_by_topic_brings_its_category(client: TestClient) -> None:
    decision = submit(client)

    sent = _review(
        client, decision, verdict="override", topic="healthcare.ambulance", reason="не снег"
    )

    review = client.get(f"/decisions/{decision['decision_id']}").json()["reviews"][0]
    assert sent.status_code == 303
    assert (review["topic"]["code"], review["category"]["code"]) == (
        "healthcare.ambulance",
        "healthcare",
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [("UTIL-VET", "UTIL-VET"), ("ветеринар", "UTIL-VET"), ("школа", None), ("нет такого", None)],
)
def test_decision_enterprise_typed_without_script_must_mean_one(
    client: TestClient, words: str, code: str | None
) -> None:
    decision = submit(client)

    sent = _review(
        client, decision, verdict="override", enterprise="", enterprise_words=words, reason="ошибка"
    )

    reviews = client.get(f"/decisions/{decision['decision_id']}").json()["reviews"]
    assert [sent.status_code, [one["enterprise"]["code"] for one in reviews]] == (
        [303, [code]] if code else [422, []]
    )


@pytest.mark.parametrize("reason", ["", "  "])
def test_decision_change_without_reason_is_refused_and_input_kept(
    client: TestClient, reason: str
) -> None:
    client.get("/", params={"lang": "ru"})
    decision = submit(client)
    before = count_rows(client)

    page = _review(
        client,
        decision,
        verdict="override",
        enterprise="UTIL-VET",
        enterprise_words="Ветеринария",
        reason=reason,
    )

    assert page.status_code == 422
    assert "Исправление не принято" in page.text
    assert 'name="enterprise" value="UTIL-VET"' in page.text
    assert 'value="Ветеринария"' in page.text
    assert count_rows(client) == before


def test_decision_second_reviewer_sees_the_first_and_loses_nothing(client: TestClient) -> None:
    client.get("/", params={"lang": "ru"})
    decision = submit(client)
    give_key(client, Role.SUPERVISOR, "aigerim")
    _review(client, decision)
    give_key(client, Role.SUPERVISOR, "daniyar")
    mine = {"verdict": "override", "enterprise": "UTIL-VET", "reason": "мой <довод>"}

    page = _review(client, decision, **mine)
    again = _review(client, decision, **mine | {"expected_version": "2"})

    shown = unescape(page.text)
    assert page.status_code == 409
    assert "key:aigerim: Подтверждено" in shown
    assert "мой <довод></textarea>" in shown
    assert 'name="enterprise" value="UTIL-VET"' in shown
    assert 'name="expected_version" value="2"' in shown
    assert again.status_code == 303
    reviews = client.get(f"/decisions/{decision['decision_id']}").json()["reviews"]
    assert [one["reviewer"] for one in reviews] == ["key:aigerim", "key:daniyar"]


def test_decision_of_another_is_hidden_from_intake(client: TestClient) -> None:
    decision = submit(client)
    give_key(client, Role.INTAKE, "bot")
    own = submit(client, KK)

    assert client.get(_path(decision)).status_code == 404
    page = _read(client, _path(own))

    assert "hx-get" not in page
    assert 'name="verdict"' not in page
    assert {client.get(_path(own, f"/{part}")).status_code for part in PARTS} == {403}
