from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_checks import BUS, KK, MIXED, RU, count_rows, problem_code, submit
from fastapi.testclient import TestClient

from api.schemas.answers import DecisionAnswer
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.messages import QUESTIONS
from triage.rulefile import load_city_rules
from triage.rules import Need

ROWS_OF_A_DECISION = 3
"""Appeal, decision and ledger event."""


@pytest.mark.parametrize(("text", "language"), [(RU, "ru"), (KK, "kk"), (MIXED, "mixed")])
def test_classify_appeal_gets_a_whole_answer(client: TestClient, text: str, language: str) -> None:
    answer = submit(client, text)

    assert DecisionAnswer.model_validate(answer)
    assert answer["language"] == language
    assert answer["topic"]["code"].startswith(f"{answer['category']['code']}.")
    assert answer["decided_at"] < answer["due_at"]
    city = load_city(STARTER_DATA)
    assert answer["versions"]["taxonomy"] == city.taxonomy.version
    assert answer["versions"]["rules"] == load_city_rules(STARTER_DATA, city).version
    assert count_rows(client) == ROWS_OF_A_DECISION


def test_classify_levels_have_names_and_falling_candidates(client: TestClient) -> None:
    answer = submit(client)

    for level in ("category", "topic", "enterprise"):
        candidates = answer[level]["candidates"]
        probabilities = [candidate["probability"] for candidate in candidates]
        assert candidates[0].items() <= answer[level].items()
        assert 1 <= len(candidates) <= 5
        assert probabilities == sorted(probabilities, reverse=True)
        assert all(candidate["name_ru"] and candidate["name_kk"] for candidate in candidates)


def test_classify_shortlists_begin_with_the_choice_and_are_kept(client: TestClient) -> None:
    answer = submit(client)

    for level in ("category", "topic"):
        assert answer[level]["shortlist"][0] == answer[level]["code"]
    assert answer["enterprise"]["shortlist"] is None
    stored = client.get(f"/decisions/{answer['decision_id']}").json()
    assert stored["topic"] == answer["topic"]


def test_classify_danger_words_make_urgent_and_shorten_the_deadline(client: TestClient) -> None:
    calm = submit(client, received_at="2026-01-19T08:15:00+05:00")
    danger = submit(
        client, "В подъезде сильный запах газа", received_at="2026-01-19T08:15:00+05:00"
    )

    assert danger["urgency"]["urgent"]
    assert danger["urgency"]["danger_words"]
    assert danger["due_at"] <= "2026-01-19T15:15:00Z"
    assert not calm["urgency"]["danger_words"]


def test_classify_unknown_language_goes_to_a_person(client: TestClient) -> None:
    answer = submit(client, "The bus number nine never arrives on time, please do something")

    assert answer["action"] == "review"
    assert answer["reason"]["code"] == "unknown_language"
    assert answer["reason"]["ru"]
    assert answer["reason"]["kk"]


def test_classify_optional_fields_are_kept(client: TestClient) -> None:
    fields = {
        "appeal_id": "109-1",
        "channel": "whatsapp",
        "language": "kk",
        "address": "Қабанбай батыр даңғылы, 11",
        "coordinates": {"lat": 51.128207, "lon": -0.0},
        "received_at": "2026-01-19T08:15:00+05:00",
    }

    answer = submit(client, KK, district="Есіл ауданы", **fields)
    stored = client.get(f"/decisions/{answer['decision_id']}").json()

    assert stored.items() >= {**fields, "received_at": "2026-01-19T03:15:00Z"}.items()
    assert stored["district"] == "ESIL"
    assert stored["text"] == KK


@pytest.mark.parametrize("named", ["ESIL", "esil", "Есиль", "район Есиль", "Есіл", "Есіл ауданы"])
def test_classify_district_is_understood_by_code_and_name(client: TestClient, named: str) -> None:
    answer = submit(client, district=named)

    assert client.get(f"/decisions/{answer['decision_id']}").json()["district"] == "ESIL"


@pytest.mark.parametrize(
    "text",
    [
        "а" * 20_000,
        "снег",
        "🥶" * 10,
        "<b>нет</b> воды &amp; тепла",
        "😀 нет воды",
        "нет\r\nводы",
    ],
    ids=["longest", "one word", "emoji", "markup", "pair", "lines"],
)
def test_classify_unusual_text_is_taken_and_kept_as_it_came(client: TestClient, text: str) -> None:
    answer = submit(client, text)

    assert client.get(f"/decisions/{answer['decision_id']}").json()["text"] == text


def test_classify_content_type_in_other_case_with_charset_is_taken(client: TestClient) -> None:
    response = client.post(
        "/classify",
        content=f'{{"text": "{RU}"}}'.encode(),
        headers={"content-type": "Application/JSON; charset=UTF-8"},
    )

    assert response.status_code == 200


def test_classify_clock_ahead_by_less_than_a_day_is_taken(client: TestClient) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=23)

    assert submit(client, received_at=ahead.isoformat())["received_at"]


def test_classify_same_appeal_again_gets_the_first_answer(client: TestClient) -> None:
    first = submit(client, appeal_id="109-1", received_at="2026-01-19T08:15:00+05:00")
    again = submit(client, appeal_id="109-1", received_at="2026-01-19T03:15:00Z")

    assert again == first
    assert count_rows(client) == ROWS_OF_A_DECISION


@pytest.mark.parametrize("change", [{"text": KK}, {"channel": "web"}, {"district": "ESIL"}])
def test_classify_other_appeal_under_the_same_id_is_a_conflict(
    client: TestClient, change: dict[str, Any]
) -> None:
    submit(client, appeal_id="109-1")

    response = client.post("/classify", json={"text": RU, "appeal_id": "109-1"} | change)

    assert problem_code(response, 409) == "appeal_conflict"
    assert count_rows(client) == ROWS_OF_A_DECISION


def test_classify_without_appeal_id_is_another_appeal_each_time(client: TestClient) -> None:
    first, second = submit(client), submit(client)

    assert first["decision_id"] != second["decision_id"]
    assert count_rows(client) == 2 * ROWS_OF_A_DECISION


@pytest.mark.parametrize("language", BUS)
def test_classify_missing_place_is_asked_for_in_the_appeals_language(
    client: TestClient, language: str
) -> None:
    answer = submit(client, BUS[language])

    question = QUESTIONS[Need.ROUTE]
    texts = {"ru": question.ru, "kk": question.kk, "mixed": f"{question.ru} / {question.kk}"}
    assert answer["language"] == language
    assert (answer["action"], answer["reason"]["code"]) == ("ask", "place_missing")
    assert answer["question"] == {"ru": question.ru, "kk": question.kk}
    assert answer["question_text"] == texts[language]
    assert answer["route"]["places"] == []


def test_classify_question_is_not_asked_where_a_person_looks_first(client: TestClient) -> None:
    asked = submit(client, BUS["ru"])
    looked_at = submit(client, BUS["ru"], language="other")

    assert looked_at["route"]["rule"] == asked["route"]["rule"]
    assert looked_at["action"] == "review"
    assert (looked_at["question"], looked_at["question_text"]) == (None, None)


def test_classify_places_are_told_with_what_stands_in_the_text(client: TestClient) -> None:
    answer = submit(client, "🥶 Сейфуллина 50 во дворе не убирают снег, 46 автобус опаздывает")

    found = [(one["kind"], one["normal"], one["text"]) for one in answer["route"]["places"]]
    assert found == [
        ("address", "улица Сейфуллина, 50", "Сейфуллина 50"),
        ("route", "46", "46 автобус"),
    ]
    assert all(0 < one["confidence"] <= 1 for one in answer["route"]["places"])
    assert answer["route"]["places"][0]["start"] == 2


def test_classify_second_problem_is_offered_with_its_names(client: TestClient) -> None:
    answer = submit(client, "нет отопления и автобусы переполнены, давка, и мусор не вывозят")

    secondary = answer["secondary"]
    assert secondary in answer["topic"]["candidates"][1:]
    assert secondary["code"].split(".")[0] != answer["category"]["code"]
    assert secondary["probability"] >= 0.2
    assert submit(client, KK)["secondary"] is None


def test_classify_same_idempotency_key_gets_the_first_answer(client: TestClient) -> None:
    def post(text: str) -> Any:
        return client.post("/classify", json={"text": text}, headers={"Idempotency-Key": "k-1"})

    first, again, other = post(KK), post(KK), post(RU)

    assert again.json() == first.json()
    assert problem_code(other, 409) == "idempotency_conflict"
    assert count_rows(client) == ROWS_OF_A_DECISION


@pytest.mark.parametrize(
    ("key", "code"), [("", "string_too_short"), ("k" * 256, "too_long"), ("к 1", None)]
)
def test_classify_idempotency_key_that_is_none_is_refused(
    client: TestClient, key: str, code: str | None
) -> None:
    response = client.post(
        "/classify", json={"text": RU}, headers={"Idempotency-Key": key.encode()}
    )

    problem = response.json()
    assert response.status_code == 422
    assert [one["field"] for one in problem["errors"]] == ["idempotency-key"]
    assert code is None or problem["code"] == code
    assert count_rows(client) == 0
