"""The model that the service is given: what the ledger says of it, what it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from sqlalchemy import select
from starter_service import SNOW, starter_rules

from models.registry import LoadedModel
from triage.appeal import Action, Appeal
from triage.audit import Kind
from triage.service import TriageService
from triage.store.sessions import Sessions
from triage.store.tables import LedgerEventTable

Make = Callable[..., TriageService]


def test_submit_repeat_after_another_model_came_gives_the_first_decision(
    service: TriageService, loaded: LoadedModel
) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1")
    first = service.submit(appeal, actor="ikomek")
    service.use(replace(loaded, version="8"))
    assert service.versions.model_version == "8"
    assert service.submit(appeal, actor="ikomek") == first
    other = service.submit(replace(appeal, appeal_id="2"), actor="ikomek")
    assert other.versions.model_version == "8"


def test_use_is_in_the_ledger(service: TriageService, sessions: Sessions) -> None:
    with sessions.read() as session:
        event = session.scalars(select(LedgerEventTable)).one()
    assert (event.kind, event.subject_id) == (Kind.MODEL_LOADED, "appeal-triage/7")
    assert event.payload["fingerprint"] == service.versions.model_hash
    assert event.payload["contract"] == []  # without the rules that the model was joined with
    assert event.payload["rules"] == service.versions.rules == "none"


def test_use_contract_in_force_is_in_the_ledger_part_by_part(
    make_service: Make, loaded: LoadedModel, sessions: Sessions
) -> None:
    service = make_service(rules=starter_rules())
    service.use(loaded)
    with sessions.read() as session:
        event = session.scalars(select(LedgerEventTable)).one()
    assert event.payload["contract"] == [asdict(part) for part in service.contract.parts]
    assert [part["threshold"] for part in event.payload["contract"]] == [0.5]


def test_submit_shortlists_hold_the_choice_and_are_stored(service: TriageService) -> None:
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    assert decision.shortlists.keys() == {"category", "topic"}
    for level, codes in decision.shortlists.items():
        chosen = decision.chosen(level)
        assert chosen is not None
        assert codes[0] == chosen.code
        assert len(codes) == len(set(codes))
    assert service.get(decision.id).decision.shortlists == decision.shortlists


def test_use_model_without_a_contract_sample_sends_all_to_a_person(
    make_service: Make, loaded: LoadedModel
) -> None:
    service = make_service()
    service.use(replace(loaded, model=replace(loaded.model, contract_samples={})))
    assert service.contract.parts == ()
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    assert (decision.action, decision.reason_code) == (Action.REVIEW, "no_sample")
    assert decision.shortlists == {}


def test_use_model_that_was_not_joined_with_the_rules_promises_nothing(
    make_service: Make, loaded: LoadedModel
) -> None:
    rules = starter_rules()
    service = make_service(rules=rules)
    service.use(replace(loaded, model=replace(loaded.model, routing={})))
    assert (service.contract.parts, service.versions.rules) == ((), rules.version)
    decision = service.submit(Appeal(text=SNOW, address="Сейфуллина 50"), actor="ikomek")
    assert decision.action is not Action.AUTO
    assert decision.route.rule in {rule.name for rule in rules.rules}
    assert service.get(decision.id).decision == decision
