from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_checks import KK, RU, give_key, problem_code, submit
from fastapi.testclient import TestClient
from sqlalchemy import text as sql
from structlog.testing import capture_logs
from uuid_utils import uuid7

from api.app import create_app
from api.bootstrap import Backend
from models.registry import LoadedModel
from triage.config import Settings
from triage.purge import Purge
from triage.roles import Role
from triage.store.sessions import make_sessions
from triage.store.tables import Table

SNOW = "Во дворе <b>снег</b> не убирают третий день, снег по колено"
PHONE = "+7 701 000-00-01"
DANGER = "В подъезде сильный запах газа, боимся взрыва, ул. Петрова, 12"


def backend(client: TestClient) -> Backend:
    found: Backend = client.app.state.backend  # type: ignore[attr-defined]  # typed as a bare ASGI app
    return found


def get(client: TestClient, decision_id: str, part: str) -> dict[str, Any]:
    response = client.get(f"/decisions/{decision_id}/{part}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def override(client: TestClient, decision_id: str) -> None:
    body = {"verdict": "override", "enterprise": "UTIL-VET", "reason": "проверка"}
    assert client.post(f"/decisions/{decision_id}/review", json=body).status_code == 200


def purge_all(client: TestClient) -> int:
    sessions = make_sessions(backend(client).engine)
    later = datetime.now(UTC) + timedelta(days=1)
    return Purge(sessions, "astana", clock=lambda: later).run(timedelta(), actor="tests")


def stored_values(client: TestClient) -> Iterator[str]:
    """Yield everything that the database holds, as text."""
    with backend(client).engine.begin() as connection:
        for table in Table.metadata.tables:
            yield from map(str, connection.execute(sql(f"SELECT * FROM {table}")))


def test_explanation_says_which_words_spoke_for_what_was_chosen(client: TestClient) -> None:
    decision = submit(client, SNOW)

    answer = get(client, decision["decision_id"], "explanation")

    chosen = answer["category"][0]
    assert answer["text"] == SNOW
    assert (chosen["code"], chosen["name_kk"]) == ("snow", decision["category"]["name_kk"])
    assert [one["code"] for one in answer["topic"]] == [
        one["code"] for one in decision["topic"]["candidates"][:2]
    ]
    strongest = max(chosen["words"], key=lambda word: word["weight"])
    assert SNOW[strongest["start"] : strongest["end"]] == "снег"
    weights = sum(word["weight"] for word in chosen["words"])
    assert chosen["base"] + weights + chosen["rest"] == pytest.approx(chosen["margin"], rel=1e-9)
    assert answer["model"] == decision["model"]
    assert (answer["explained_by_another_model"], answer["purged_at"]) == (False, None)


def test_explanation_has_places_and_danger_words_of_the_text(client: TestClient) -> None:
    decision = submit(client, DANGER)

    answer = get(client, decision["decision_id"], "explanation")

    told = [DANGER[span["start"] : span["end"]] for span in answer["danger_words"]]
    assert told == decision["urgency"]["danger_words"] != []
    assert [DANGER[place["start"] : place["end"]] for place in answer["places"]] == [
        place["text"] for place in decision["route"]["places"]
    ]
    assert answer["places"]


def test_explanation_by_another_model_says_so(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]
    service = backend(client).service
    other = replace(service.serving.loaded.model, fingerprint="cd" * 32)
    service.use(LoadedModel(other, "appeal-triage", "next"))

    answer = get(client, decision_id, "explanation")

    assert answer["explained_by_another_model"] is True
    assert (answer["model"]["version"], answer["model"]["hash"]) == ("next", "cd" * 32)
    assert answer["category"][0]["words"]


def test_explanation_for_those_who_see_no_personal_data_is_of_the_masked_text(
    client: TestClient,
) -> None:
    text = f"{PHONE}, уберите снег во дворе"
    decision_id = submit(client, text)["decision_id"]
    give_key(client, Role.DATA_SCIENTIST, "analyst")

    answer = get(client, decision_id, "explanation")

    assert "701" not in answer["text"]
    words = {answer["text"][one["start"] : one["end"]] for one in answer["category"][0]["words"]}
    assert "снег" in words


def test_purged_appeal_has_nothing_to_explain_and_nothing_like_it(client: TestClient) -> None:
    decision_id = submit(client, RU, sender=PHONE)["decision_id"]
    other = submit(client, RU, sender=PHONE)["decision_id"]
    for one in (decision_id, other):
        override(client, one)
    assert purge_all(client) == 2

    answer = get(client, decision_id, "explanation")

    assert answer["purged_at"] is not None
    assert answer["text"] == ""
    assert [answer[level] for level in ("category", "topic", "enterprise")] == [[], [], []]
    assert get(client, decision_id, "similar") == {"similar": [], "repeats": []}
    kinds = [event["kind"] for event in get(client, decision_id, "timeline")["events"]]
    assert kinds == ["decision.made", "review.made", "appeal.purged"]


def test_similar_appeals_come_with_what_holds_of_them(client: TestClient) -> None:
    twin = submit(client, RU + "!!")["decision_id"]
    alike = submit(client, "Снег во дворе не убирают")["decision_id"]
    submit(client, KK)
    override(client, twin)
    decision_id = submit(client, RU)["decision_id"]

    first, second = get(client, decision_id, "similar")["similar"]

    assert (first["decision_id"], first["near_identical"]) == (twin, True)
    assert first["similarity"] == pytest.approx(1, abs=1e-5)
    assert (first["review_state"], first["enterprise"]["code"]) == ("overridden", "UTIL-VET")
    assert (second["decision_id"], second["near_identical"]) == (alike, False)
    assert 0 < second["similarity"] < first["similarity"]


def test_similar_are_five_at_most_and_never_purged_ones(client: TestClient) -> None:
    gone = submit(client, RU)["decision_id"]
    override(client, gone)
    assert purge_all(client) == 1
    kept = {submit(client, f"{RU} {number}")["decision_id"] for number in range(6)}

    found = get(client, submit(client, RU)["decision_id"], "similar")["similar"]

    assert len(found) == 5
    assert {one["decision_id"] for one in found} < kept


def test_repeats_are_the_other_appeals_of_the_sender_newest_first(client: TestClient) -> None:
    ids = [
        submit(client, text, sender=sender)["decision_id"]
        for text, sender in ((RU, PHONE), (KK, "8 701 000 00 01"), (RU, "resident-2"), (RU, PHONE))
    ]
    nobody = submit(client, RU)["decision_id"]

    found = get(client, ids[0], "similar")["repeats"]

    assert [one["decision_id"] for one in found] == [ids[3], ids[1]]
    assert get(client, ids[2], "similar")["repeats"] == []
    assert get(client, nobody, "similar")["repeats"] == []


def test_timeline_tells_decision_and_reviews_in_order(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]
    override(client, submit(client)["decision_id"])
    override(client, decision_id)
    override(client, decision_id)

    events = get(client, decision_id, "timeline")["events"]

    assert [event["kind"] for event in events] == ["decision.made", "review.made", "review.made"]
    assert [event["payload"].get("version") for event in events] == [None, 2, 3]
    assert {event["actor"] for event in events} == {"key:tests"}
    assert sorted(event["sequence"] for event in events) == [event["sequence"] for event in events]


@pytest.mark.parametrize("part", ["explanation", "similar", "timeline"])
def test_decision_that_is_not_there_is_not_found(client: TestClient, part: str) -> None:
    response = client.get(f"/decisions/{uuid7()}/{part}")

    assert problem_code(response, 404) == "decision_not_found"


def test_sender_is_neither_stored_nor_logged_in_clear(client: TestClient) -> None:
    with capture_logs() as logs:
        decision_id = submit(client, RU, sender=PHONE, appeal_id="109-1")["decision_id"]

    held = "".join([*stored_values(client), *map(str, logs)])
    sender = backend(client).service.get(decision_id).decision.appeal.sender
    assert sender is not None
    assert sender in held
    for trace in (PHONE, "77010000001", "7010000001", "701 000"):
        assert trace not in held


def test_sender_is_part_of_what_an_appeal_id_stands_for(client: TestClient) -> None:
    first = submit(client, RU, sender=PHONE, appeal_id="109-1")

    assert submit(client, RU, sender=PHONE, appeal_id="109-1") == first
    other = client.post("/classify", json={"text": RU, "sender": "x", "appeal_id": "109-1"})
    assert problem_code(other, 409) == "appeal_conflict"


@pytest.mark.parametrize("sender", ["", "  ", "x" * 201, 77010000001])
def test_sender_that_is_no_reference_is_refused_without_being_told(
    client: TestClient, sender: Any
) -> None:
    response = client.post("/classify", json={"text": RU, "sender": sender})

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "sender"
    assert "7701" not in response.text


def test_pseudonym_outlives_a_restart_and_not_another_secret(
    sqlite_home: Path, model_folder: Path
) -> None:
    def pseudonym(secret: str = "") -> str:
        settings = Settings(home=sqlite_home, model=str(model_folder), secret=secret)  # type: ignore[arg-type]  # as from the environment
        with TestClient(create_app(settings)) as client:
            return backend(client).pseudonyms.of(PHONE)

    first = pseudonym()
    assert pseudonym() == first
    assert pseudonym("another secret of thirty-two chars") != first
