from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any, cast

import pytest
from sqlalchemy import func, select
from starter_service import NOW, SNOW
from structlog.testing import capture_logs

from models.registry import LoadedModel
from triage.appeal import Action, Appeal, Channel, Coordinates, RuleFailure, Verdict
from triage.audit import Kind
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.errors import (
    AppealConflictError,
    BrokenLedgerError,
    DecisionNotFoundError,
    InvalidAppealError,
    InvalidReviewError,
    ModelNotReadyError,
    ReviewConflictError,
)
from triage.reviewing import ReviewRequest
from triage.rulefile import load_city_rules
from triage.rules import RuleBook
from triage.service import TriageService
from triage.store.decisions import DecisionFilters
from triage.store.sessions import Sessions
from triage.store.tables import AppealTable, DecisionTable, LedgerEventTable, ReviewTable
from triage.wordpatterns import WordPatterns

N_THREADS = 8

Make = Callable[..., TriageService]


def stored(sessions: Sessions) -> dict[str, int]:
    """Count the rows that appeals and reviews leave."""
    tables = {"appeals": AppealTable, "decisions": DecisionTable, "reviews": ReviewTable}
    with sessions.read() as session:
        counts = {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in tables.items()
        }
        events = select(func.count()).where(LedgerEventTable.kind != Kind.MODEL_LOADED)
        return counts | {"events": session.scalar(events) or 0}


def override(version: int | None = None, **codes: Any) -> ReviewRequest:
    asked = {"enterprise": "UTIL-VET", "reason": "проверка"} | codes
    return ReviewRequest(
        verdict=Verdict.OVERRIDE, reviewer="aigerim", expected_version=version, **asked
    )


def test_submit_stores_the_decision_that_it_returns(
    service: TriageService, sessions: Sessions
) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1", channel=Channel.PHONE, district="ESIL")
    decision = service.submit(appeal, actor="ikomek")
    found = service.get(decision.id)
    assert found.decision == decision
    assert (found.version, found.review_state, found.reviews) == (1, "none", ())
    assert (decision.appeal, decision.decided_at) == (appeal, NOW)
    assert decision.versions.model_version == "7"
    assert stored(sessions) == {"appeals": 1, "decisions": 1, "reviews": 0, "events": 1}


def test_submit_again_under_the_same_id_gives_the_first_decision(
    service: TriageService, sessions: Sessions
) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1")
    first = service.submit(appeal, actor="ikomek")
    assert service.submit(replace(appeal), actor="another") == first
    assert stored(sessions)["events"] == 1


def test_submit_again_without_an_id_is_another_decision(
    service: TriageService, sessions: Sessions
) -> None:
    decisions = {service.submit(Appeal(text=SNOW), actor="ikomek").id for _ in range(2)}
    assert len(decisions) == 2
    assert stored(sessions)["decisions"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"text": SNOW + "!"},
        {"channel": Channel.WEB},
        {"district": "NURA"},
        {"address": "Сарыарқа, 1"},
        {"language": "kk"},
        {"received_at": NOW},
    ],
    ids=lambda change: next(iter(change)),
)
def test_submit_other_content_under_the_same_id_is_a_conflict(
    service: TriageService, sessions: Sessions, change: dict[str, Any]
) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1")
    service.submit(appeal, actor="ikomek")
    with pytest.raises(AppealConflictError):
        service.submit(replace(appeal, **change), actor="ikomek")
    assert stored(sessions) == {"appeals": 1, "decisions": 1, "reviews": 0, "events": 1}


def test_submit_from_many_threads_under_one_id_makes_one_decision(
    service: TriageService, sessions: Sessions
) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1")
    with ThreadPoolExecutor(N_THREADS) as pool:
        decisions = list(
            pool.map(lambda _: service.submit(appeal, actor="ikomek"), range(2 * N_THREADS))
        )
    assert len({decision.id for decision in decisions}) == 1
    assert stored(sessions) == {"appeals": 1, "decisions": 1, "reviews": 0, "events": 1}


def test_submit_from_many_threads_under_ids_of_their_own_loses_none(
    service: TriageService, sessions: Sessions
) -> None:
    numbers = [str(number) for number in range(3 * N_THREADS)]
    with ThreadPoolExecutor(N_THREADS) as pool:
        decisions = list(
            pool.map(
                lambda number: service.submit(Appeal(text=SNOW, appeal_id=number), actor="ikomek"),
                numbers,
            )
        )
    assert [decision.appeal.appeal_id for decision in decisions] == numbers
    n_rows = len(numbers)
    assert stored(sessions) == {
        **dict.fromkeys(("appeals", "decisions", "events"), n_rows),
        "reviews": 0,
    }


def test_submit_from_threads_with_two_contents_under_one_id_takes_one_of_them(
    service: TriageService, sessions: Sessions
) -> None:
    turn = count()

    def submit(_: int) -> str | None:
        appeal = Appeal(text=f"{SNOW} {next(turn) % 2}", appeal_id="1")
        try:
            return service.submit(appeal, actor="ikomek").appeal.text
        except AppealConflictError:
            return None

    with ThreadPoolExecutor(N_THREADS) as pool:
        taken = set(pool.map(submit, range(2 * N_THREADS)))
    assert None in taken
    assert len(taken) == 2
    assert stored(sessions)["appeals"] == 1


def test_submit_without_a_model_stores_nothing(make_service: Make, sessions: Sessions) -> None:
    service = make_service()
    with pytest.raises(ModelNotReadyError):
        service.submit(Appeal(text=SNOW, appeal_id="1"), actor="ikomek")
    with pytest.raises(ModelNotReadyError):
        _ = service.contract
    assert not any(stored(sessions).values())
    assert service.verify_ledger() == 0


def test_submit_what_was_decided_before_needs_no_model(
    service: TriageService, make_service: Make
) -> None:
    appeal = Appeal(text=SNOW, appeal_id="1")
    decision = service.submit(appeal, actor="ikomek")
    assert make_service().submit(appeal, actor="ikomek") == decision


class Unreadable:
    """Word patterns that can't be looked for."""

    def find(self, text: str) -> list[str]:
        raise LookupError(text)


def test_submit_rule_that_fails_is_stored_and_logged_without_the_text(
    make_service: Make, loaded: LoadedModel
) -> None:
    city = load_city(STARTER_DATA)
    broken = replace(
        load_city_rules(STARTER_DATA, city).rules[0],
        name="broken",
        topics=frozenset(city.taxonomy.topics),
        words=cast("WordPatterns", Unreadable()),
    )
    service = make_service(rules=RuleBook.of((broken,), {}, "v"))
    service.use(loaded)
    with capture_logs() as logs:
        decision = service.submit(Appeal(text=SNOW, appeal_id="109-1"), actor="test")
    found = service.get(decision.id).decision
    assert (found.action, found.reason_code) == (Action.REVIEW, "rule_failed")
    assert found.route.failures == (RuleFailure("broken", "LookupError"),)
    [logged] = [entry for entry in logs if entry["event"] == "rule.failed"]
    ids = {"decision_id": decision.id, "appeal_id": "109-1"}
    assert logged.items() >= {**ids, "rule": "broken", "error": "LookupError"}.items()
    assert SNOW not in repr(logs)
    assert service.verify_ledger() > 0


@pytest.mark.parametrize("point", [Coordinates(51.128207, 71.430411), Coordinates(0.0, -180.0)])
def test_submit_coordinates_are_kept_and_the_ledger_verifies(
    service: TriageService, point: Coordinates
) -> None:
    decision = service.submit(Appeal(text=SNOW, coordinates=point), actor="test")
    assert service.get(decision.id).decision.appeal.coordinates == point


def test_submit_unknown_district_is_refused_and_stores_nothing(
    service: TriageService, sessions: Sessions
) -> None:
    with pytest.raises(InvalidAppealError) as caught:
        service.submit(Appeal(text=SNOW, district="MARS"), actor="ikomek")
    assert (caught.value.field, caught.value.code) == ("district", "unknown_district")
    assert not any(stored(sessions).values())


def test_submit_same_id_in_another_city_is_another_appeal(
    service: TriageService, make_service: Make, loaded: LoadedModel
) -> None:
    almaty = make_service("almaty")
    almaty.use(loaded)
    here = service.submit(Appeal(text=SNOW, appeal_id="1"), actor="ikomek")
    there = almaty.submit(Appeal(text=SNOW + "!", appeal_id="1"), actor="ikomek")
    assert here.id != there.id
    with pytest.raises(DecisionNotFoundError):
        almaty.get(here.id)
    with pytest.raises(DecisionNotFoundError):
        almaty.review(here.id, override())
    assert almaty.verify_ledger() == 2


def test_review_overrides_and_the_decision_stays_as_it_was(service: TriageService) -> None:
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    reviewed = service.review(decision.id, override(1))
    assert reviewed.decision == decision
    assert (reviewed.version, reviewed.review_state) == (2, "overridden")
    [review] = reviewed.reviews
    assert (review.enterprise, review.reviewer) == ("UTIL-VET", "aigerim")
    assert service.get(decision.id) == reviewed


def test_review_of_a_version_that_is_past_is_a_conflict(
    service: TriageService, sessions: Sessions
) -> None:
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    accept = ReviewRequest(verdict=Verdict.ACCEPT, reviewer="dias", expected_version=1)
    assert service.review(decision.id, accept).review_state == "accepted"
    with pytest.raises(ReviewConflictError):
        service.review(decision.id, override(1))
    assert stored(sessions)["reviews"] == 1
    assert service.review(decision.id, override(2)).version == 3
    assert service.review(decision.id, replace(accept, expected_version=None)).version == 4


def test_review_by_many_at_once_lets_one_through(
    service: TriageService, sessions: Sessions
) -> None:
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")

    def review(_: int) -> bool:
        try:
            service.review(decision.id, override(1))
        except ReviewConflictError:
            return False
        return True

    with ThreadPoolExecutor(N_THREADS) as pool:
        assert sum(pool.map(review, range(N_THREADS))) == 1
    assert stored(sessions)["reviews"] == 1


def test_review_that_is_refused_changes_nothing(service: TriageService) -> None:
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    with pytest.raises(InvalidReviewError):
        service.review(decision.id, override(reason=" "))
    with pytest.raises(DecisionNotFoundError):
        service.review("no-such-decision", override())
    assert service.get(decision.id).version == 1


def test_page_gives_newest_first_and_narrows(service: TriageService) -> None:
    ids = [service.submit(Appeal(text=f"{SNOW} {n}"), actor="ikomek").id for n in range(3)]
    service.review(ids[1], override())
    first = service.page(DecisionFilters(), limit=2, cursor=None)
    rest = service.page(DecisionFilters(), limit=2, cursor=first.next_cursor)
    assert [one.decision.id for one in (*first.items, *rest.items)] == ids[::-1]
    found = service.page(DecisionFilters(review_state="overridden"), limit=9, cursor=None)
    assert [one.decision.id for one in found.items] == [ids[1]]


def test_verify_ledger_sees_a_decision_that_was_tampered_with(
    make_service: Make, loaded: LoadedModel, sessions: Sessions
) -> None:
    service = make_service()
    service.use(loaded)
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    assert service.verify_ledger() == 2
    with sessions.write.begin() as session:
        row = session.scalars(select(DecisionTable)).one()
        assert row.id == decision.id
        row.reason_code = "contract_kept_honestly"
    with pytest.raises(BrokenLedgerError):
        service.verify_ledger()
