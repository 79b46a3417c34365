"""Several appeals at once, and idempotency keys, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from starter_service import SNOW, starter_service

from models.registry import LoadedModel
from triage.appeal import Appeal, Decision
from triage.errors import (
    AppealConflictError,
    IdempotencyConflictError,
    InvalidAppealError,
    ModelNotReadyError,
)
from triage.service import TriageService
from triage.store.sessions import Sessions
from triage.store.tables import AppealTable
from triage.submission import Outcome, Submission

WATER = "Үйде үшінші күн су жоқ, бала-шаға қиналып отыр"
BUS = "Автобус 32 кешігіп келеді, опаздывает каждый день"


def sent(text: str, key: str | None = None, actor: str = "ikomek", **more: str) -> Submission:
    return Submission(Appeal(text=text, **more), actor, key)


def n_stored(sessions: Sessions) -> int:
    with sessions.read() as session:
        return session.scalar(select(func.count()).select_from(AppealTable)) or 0


def decision(outcome: Outcome) -> Decision:
    assert isinstance(outcome, Decision), outcome
    return outcome


def test_submit_all_gives_each_what_it_gets_alone(service: TriageService) -> None:
    texts = (SNOW, WATER, BUS)
    together = [decision(one) for one in service.submit_all([sent(text) for text in texts])]
    alone = [service.submit(Appeal(text=text), actor="ikomek") for text in texts]
    # To the last bit: a stored decision can be made again.
    assert [replace(one, id="") for one in together] == [replace(one, id="") for one in alone]
    assert [service.get(one.id).decision for one in together] == together


def test_submit_all_refuses_one_and_stores_the_others(
    service: TriageService, sessions: Sessions
) -> None:
    service.submit_all([sent(SNOW, appeal_id="1")])
    first, conflict, elsewhere, last = service.submit_all(
        [
            sent(WATER),
            sent(BUS, appeal_id="1"),
            sent(BUS, district="MARS"),
            sent(BUS, appeal_id="2"),
        ]
    )
    assert isinstance(conflict, AppealConflictError)
    assert isinstance(elsewhere, InvalidAppealError)
    assert {decision(first).appeal.text, decision(last).appeal.text} == {WATER, BUS}
    assert n_stored(sessions) == 3


def test_submit_all_same_appeal_twice_in_a_round_is_one_decision(
    service: TriageService, sessions: Sessions
) -> None:
    first, again, other = service.submit_all(
        [sent(SNOW, appeal_id="1"), sent(SNOW, appeal_id="1"), sent(WATER, appeal_id="1")]
    )
    assert decision(first) == decision(again)
    assert isinstance(other, AppealConflictError)
    assert n_stored(sessions) == 1


def test_submit_all_text_that_the_database_refuses_fails_alone(
    service: TriageService, sessions: Sessions
) -> None:
    # Intake systems can't send this: requests are checked, and half a character refused.
    first, impossible, last = service.submit_all([sent(SNOW), sent("нет \udc00 воды"), sent(BUS)])
    assert decision(first).appeal.text == SNOW
    assert isinstance(impossible, Exception)
    assert decision(last).appeal.text == BUS
    assert n_stored(sessions) == 2


def test_submit_all_nothing_to_decide_needs_no_model(
    service: TriageService, sessions: Sessions
) -> None:
    (known,) = service.submit_all([sent(SNOW, appeal_id="1")])
    later = starter_service(sessions)
    assert later.submit_all([sent(SNOW, appeal_id="1")]) == [known]
    with pytest.raises(ModelNotReadyError):
        later.submit_all([sent(SNOW, appeal_id="1"), sent(WATER)])


def test_submit_same_key_gets_the_first_decision_even_after_a_restart(
    service: TriageService, sessions: Sessions, loaded: LoadedModel
) -> None:
    first = service.submit(Appeal(text=SNOW), actor="ikomek", key="k-1")
    assert service.submit(Appeal(text=SNOW), actor="ikomek", key="k-1") == first
    restarted = starter_service(sessions)
    restarted.use(replace(loaded, version="8"))
    assert restarted.submit(Appeal(text=SNOW), actor="ikomek", key="k-1") == first
    assert n_stored(sessions) == 1


def test_submit_same_key_with_another_appeal_is_a_conflict(
    service: TriageService, sessions: Sessions
) -> None:
    service.submit(Appeal(text=SNOW), actor="ikomek", key="k-1")
    with pytest.raises(IdempotencyConflictError, match="k-1"):
        service.submit(Appeal(text=WATER), actor="ikomek", key="k-1")
    assert n_stored(sessions) == 1


def test_submit_same_key_of_another_sender_is_another_key(service: TriageService) -> None:
    mine = service.submit(Appeal(text=SNOW), actor="ikomek", key="k-1")
    theirs = service.submit(Appeal(text=WATER), actor="whatsapp", key="k-1")
    assert mine.id != theirs.id


def test_submit_new_key_for_a_known_appeal_id_is_kept(service: TriageService) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1")
    first = service.submit(appeal, actor="ikomek")
    assert service.submit(appeal, actor="ikomek", key="k-2") == first
    with pytest.raises(IdempotencyConflictError):
        service.submit(Appeal(text=WATER), actor="ikomek", key="k-2")


def test_submit_all_same_key_twice_in_a_round_is_one_decision(
    service: TriageService, sessions: Sessions
) -> None:
    first, again, other = service.submit_all(
        [sent(SNOW, "k-1"), sent(SNOW, "k-1"), sent(WATER, "k-1")]
    )
    assert decision(first) == decision(again)
    assert isinstance(other, IdempotencyConflictError)
    assert n_stored(sessions) == 1
