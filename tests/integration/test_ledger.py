from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from api_checks import BUS, KK, MIXED, RU, give_key, problem_code, submit
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from starter_service import NOW, starter_rules, starter_service

from models.registry import LoadedModel
from triage.appeal import Appeal
from triage.errors import DecisionNotFoundError, DecisionPurgedError, InvalidCursorError
from triage.ledger import Ledger, OtherVersion
from triage.purge import Purge
from triage.roles import Role
from triage.service import TriageService
from triage.store.events import EventFilters
from triage.store.sessions import Sessions

TEXTS = (RU, KK, MIXED, *BUS.values(), "Сейфуллина 50, запах газа, 87011234567", "hello")
UNKNOWN = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def service(sessions: Sessions, loaded: LoadedModel) -> TriageService:
    ticks = iter(range(10_000))
    service = starter_service(
        sessions,
        rules=starter_rules(),
        clock=lambda: NOW + timedelta(minutes=next(ticks)),
    )
    service.use(loaded)
    return service


@pytest.fixture
def ledger(sessions: Sessions) -> Ledger:
    return Ledger(sessions, "astana")


def sequences(ledger: Ledger, **filters: Any) -> list[int]:
    page = ledger.page(EventFilters(**filters), limit=100)
    return [event.sequence for event in page.items]


def test_page_filters_narrow_newest_first(ledger: Ledger, service: TriageService) -> None:
    made = [service.submit(Appeal(text=RU), actor=actor) for actor in ("a", "b", "a")]

    assert sequences(ledger) == [4, 3, 2, 1]
    assert sequences(ledger, kind="decision.made") == [4, 3, 2]
    assert sequences(ledger, kind="model.loaded") == [1]
    assert sequences(ledger, actor="a") == [4, 2]
    assert sequences(ledger, subject_id=made[1].id) == [3]
    assert sequences(ledger, subject_id=made[1].id, kind="model.loaded") == []
    assert sequences(ledger, since=made[1].decided_at) == [4, 3]
    assert sequences(ledger, until=made[1].decided_at) == [2, 1]
    assert sequences(Ledger(ledger.sessions, "almaty")) == []


def test_page_cursor_goes_on_though_events_come_in(ledger: Ledger, service: TriageService) -> None:
    for _ in range(6):
        service.submit(Appeal(text=RU), actor="a")
    seen, cursor = [], None
    while True:
        page = ledger.page(EventFilters(), limit=3, cursor=cursor)
        seen += [event.sequence for event in page.items]
        service.submit(Appeal(text=RU), actor="a")
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "٣", "1" * 30, "1 "])
def test_page_cursor_of_another_make_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        ledger.page(EventFilters(), limit=3, cursor=cursor)


def test_verify_tells_count_or_the_first_bad_event(
    ledger: Ledger, service: TriageService, engine: Engine
) -> None:
    decision = service.submit(Appeal(text=RU), actor="a")
    whole = ledger.verify()
    assert (whole.is_intact, whole.count, whole.sequence) == (True, 2, None)

    with engine.begin() as connection:
        connection.execute(text("UPDATE appeals SET text = 'x'"))

    broken = ledger.verify()
    assert (broken.is_intact, broken.count, broken.sequence) == (False, 1, 2)
    assert decision.id in str(broken.problem)


@pytest.mark.parametrize("appeal_text", TEXTS)
def test_replay_same_versions_gives_every_field_again(
    ledger: Ledger, service: TriageService, appeal_text: str
) -> None:
    appeal = Appeal(text=appeal_text, district="ESIL", address="Сыганак 15")
    decision = service.submit(appeal, actor="a")

    replayed = ledger.replay(decision.id, service.serving)

    assert replayed.is_same
    assert (replayed.differences, replayed.other_versions) == ((), ())
    assert replayed.then == replayed.now
    again = service.serving.decide(appeal, decision_id=decision.id, at=decision.decided_at)
    assert again == service.get(decision.id).decision


def test_replay_other_versions_are_named_and_differences_told(
    ledger: Ledger, service: TriageService
) -> None:
    decision = service.submit(Appeal(text="Запах газа в подъезде"), actor="a")
    service.set_policy(replace(service.policy, urgent_hours=1))

    replayed = ledger.replay(decision.id, service.serving)

    [other] = replayed.other_versions
    assert isinstance(other, OtherVersion)
    assert (other.name, other.then) == ("policy", decision.versions.policy)
    assert other.then != other.now
    assert replayed.differences == ("due_at",)
    assert replayed.then.enterprise == replayed.now.enterprise


def test_replay_unknown_or_purged_decision_raises(
    ledger: Ledger, service: TriageService, sessions: Sessions
) -> None:
    decision = service.submit(Appeal(text="Запах газа в подъезде"), actor="a")
    with pytest.raises(DecisionNotFoundError):
        ledger.replay(UNKNOWN, service.serving)

    later = decision.decided_at + timedelta(days=400)
    with sessions.write.begin() as session:
        session.execute(text("UPDATE decisions SET waits = false"))
    assert Purge(sessions, "astana", clock=lambda: later).run(timedelta(days=365), actor="a") == 1

    with pytest.raises(DecisionPurgedError):
        ledger.replay(decision.id, service.serving)


@pytest.fixture
def clients(client: TestClient) -> Callable[[Role], TestClient]:
    """Clients of the same application, of other roles."""

    def make(role: Role) -> TestClient:
        other = TestClient(client.app)
        give_key(other, role, role.value)
        return other

    return make


def test_ledger_route_lists_verifies_and_replays(client: TestClient) -> None:
    decision_id = submit(client)["decision_id"]

    listed = client.get("/ledger", params={"kind": "decision.made", "subject": decision_id}).json()
    verified = client.post("/ledger/verify").json()
    replayed = client.post(f"/decisions/{decision_id}/replay").json()

    [event] = listed["items"]
    assert (event["actor"], event["subject_id"]) == ("key:tests", decision_id)
    assert listed["next_cursor"] is None
    assert (verified["is_intact"], verified["problem"]) == (True, None)
    assert verified["count"] == client.get("/ledger").json()["items"][0]["sequence"]
    assert (replayed["is_same"], replayed["differences"]) == (True, [])
    assert problem_code(client.get("/ledger", params={"cursor": "x"}), 422) == "invalid_cursor"
    assert problem_code(client.post(f"/decisions/{UNKNOWN}/replay"), 404) == "decision_not_found"


TELLING = "Меня зовут Айгуль, 87011234567, ИИН 880512300124. На Сейфуллина 50 нет света"
PERSONAL = ("Айгуль", "87011234567", "880512300124")


def test_decision_for_a_data_scientist_is_masked(
    client: TestClient, clients: Callable[[Role], TestClient]
) -> None:
    intake, scientist = clients(Role.INTAKE), clients(Role.DATA_SCIENTIST)
    decision_id = submit(intake, TELLING, address="Сейфуллина 50, тел 87011234567")["decision_id"]
    path = f"/decisions/{decision_id}"
    reviewed = client.post(
        f"{path}/review",
        json={"verdict": "override", "enterprise": "UTIL-VET", "reason": "звонила 87011234567"},
    )
    assert reviewed.status_code == 200

    seen = scientist.get(path).json()
    listed = scientist.get("/decisions").json()["items"][0]

    for answer in (seen, listed):
        assert not any(word in str(answer) for word in PERSONAL)
    assert seen["text"] == "Меня зовут [ФИО], [телефон], ИИН [ИИН]. На Сейфуллина 50 нет света"
    assert seen["address"] == "Сейфуллина 50, тел [телефон]"
    assert seen["reviews"][0]["reason"] == "звонила [телефон]"
    for place in seen["route"]["places"]:
        assert place["text"] == seen["text"][place["start"] : place["end"]] != ""
    for whole in (intake.get(path), client.get(path), clients(Role.SUPERVISOR).get(path)):
        assert whole.json()["text"] == TELLING


def test_logs_of_requests_hold_nothing_of_an_appeal(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = submit(client, TELLING, sender="87011234567", address="Сейфуллина 50")
    path = f"/decisions/{answer['decision_id']}"
    client.post(f"{path}/review", json={"verdict": "accept", "reason": TELLING})
    client.post(f"{path}/review", json={"verdict": "override", "reason": TELLING})
    client.post("/classify", json={"text": TELLING, "district": TELLING})
    client.post("/classify", json={"text": TELLING, "channel": TELLING})
    client.post("/classify", content=TELLING.encode())
    client.get("/decisions", params={"category": TELLING})
    client.get(f"/decisions/{TELLING}")
    with client.app.state.backend.engine.begin() as connection:  # type: ignore[attr-defined]  # typed as a bare ASGI app
        connection.execute(text("ALTER TABLE appeals RENAME TO gone"))
    failed = client.post("/classify", json={"text": TELLING, "sender": "87011234567"})
    assert failed.status_code >= 500

    said = capsys.readouterr()
    lines = said.out + said.err
    assert "request.served" in lines
    assert not any(word in lines for word in (*PERSONAL, "Сейфуллина", "нет света"))
