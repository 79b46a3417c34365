from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from decide_cases import (
    CITY,
    CONTRACT,
    NAME,
    NOW,
    PART,
    SURE,
    VERSIONS,
    make,
    make_context,
    predict,
    predict_topics,
)

from models.conformal import PredictionSets
from models.prediction import Prediction
from models.selective import Contract
from triage import messages
from triage.appeal import Action, Appeal, Bilingual, Channel, Coordinates, RuleFailure
from triage.boundaries import Boundary
from triage.decide import Context, decide, input_hash
from triage.districts import District, Districts
from triage.policy import Policy
from triage.routing import Router
from triage.rules import NO_RULES, Need, Rule, RuleBook
from triage.wordpatterns import WordPatterns

ASKING = Rule(
    "pits",
    1,
    frozenset({"roads.pit"}),
    Bilingual("Место не названо", "Орны аталмаған"),
    enterprise="WATER",
    ask=Need.ADDRESS,
)


class Unreadable:
    """Word patterns that can't be looked for, as after a fault in a rules file's reading."""

    def find(self, text: str) -> list[str]:
        raise LookupError(text)


BROKEN = Rule(
    "broken", 1, frozenset({"utilities.gas"}), NAME, words=cast("WordPatterns", Unreadable())
)
RULES = RuleBook.of((ASKING, BROKEN), {}, "r1")


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context()


@pytest.fixture
def ruled(context: Context) -> Context:
    """A city that has to ask where the pit is."""
    return replace(context, router=Router.of(CITY, RULES))


NO_THRESHOLD = replace(CONTRACT, parts=(replace(PART, threshold=None, coverage=0.0),))
NO_SAMPLE = replace(CONTRACT, parts=())
PIT = predict(("WATER", 0.9), topic="roads.pit")
RULINGS: dict[str, tuple[Prediction, dict[str, Any], Contract]] = {
    "contract_kept": (SURE, {}, CONTRACT),
    "below_threshold": (predict(("WATER", 0.7999)), {}, CONTRACT),
    "no_threshold": (SURE, {}, NO_THRESHOLD),
    "no_sample": (SURE, {}, NO_SAMPLE),
    "rule_failed": (predict(("WATER", 0.9), topic="utilities.gas"), {}, CONTRACT),
    "no_enterprise": (predict(("CLOSED", 0.9), ("GONE", 0.1)), {}, CONTRACT),
    "district_conflict": (predict(("AKIM-ESIL", 0.9)), {"district": "NURA"}, CONTRACT),
    "place_missing": (PIT, {}, CONTRACT),
    "no_evidence": (replace(SURE, evidence=0.0), {}, CONTRACT),
    "unknown_language": (replace(SURE, language="other"), {}, CONTRACT),
}


def test_rulings_name_every_reason_code() -> None:
    assert RULINGS.keys() == messages.REASONS.keys()


@pytest.mark.parametrize("code", RULINGS)
def test_decide_reason_code_is_reached(ruled: Context, code: str) -> None:
    prediction, appeal, contract = RULINGS[code]
    decision = make(replace(ruled, contract=contract), prediction, **appeal)
    assert decision.reason_code == code
    actions = {"contract_kept": Action.AUTO, "place_missing": Action.ASK}
    assert decision.action is actions.get(code, Action.REVIEW)
    assert "{" not in decision.reason.ru + decision.reason.kk


def test_decide_missing_place_is_asked_for_in_both_languages(ruled: Context) -> None:
    decision = make(ruled, PIT, text="на дороге яма")
    question = messages.QUESTIONS[Need.ADDRESS]
    assert (decision.action, decision.reason_code) == (Action.ASK, "place_missing")
    assert decision.route.question == question
    assert (decision.route.rule, decision.route.reason) == ("pits", ASKING.reason)
    assert decision.reason.ru.endswith(question.ru)
    assert decision.reason.kk.endswith(question.kk)


@pytest.mark.parametrize(
    ("change", "appeal", "code"),
    [
        ({"evidence": 0.0}, {}, "no_evidence"),
        ({"language": "other"}, {}, "unknown_language"),
        ({}, {"text": "яма на Сыганак 5", "district": "NURA"}, "district_conflict"),
    ],
)
def test_decide_what_only_a_person_can_settle_is_not_asked(
    ruled: Context, change: dict[str, Any], appeal: dict[str, Any], code: str
) -> None:
    decision = make(ruled, replace(PIT, **change), **appeal)
    assert (decision.action, decision.reason_code) == (Action.REVIEW, code)


AFTER = Rule("after", 2, frozenset({"utilities.gas"}), NAME, enterprise="AKIM-ESIL")
GAS = predict(("WATER", 0.9), topic="utilities.gas")


def test_decide_rule_that_fails_sends_to_review_and_is_named(ruled: Context) -> None:
    text = "третий день нет газа"
    decision = make(ruled, GAS, text=text)
    assert (decision.action, decision.reason_code) == (Action.REVIEW, "rule_failed")
    assert decision.route.failures == (RuleFailure("broken", "LookupError"),)
    assert "«broken»" in decision.reason.ru
    assert "«broken»" in decision.reason.kk
    assert text not in repr(decision.route)


def test_decide_rule_that_fails_leaves_the_word_to_history_and_not_to_later_rules(
    context: Context,
) -> None:
    router = Router.of(CITY, RuleBook.of((BROKEN, AFTER), {}, "r1"))
    route = make(replace(context, router=router), GAS).route
    assert (route.enterprise, route.rule) == ("WATER", "history")


def test_decide_rule_of_another_topic_is_not_tried(ruled: Context) -> None:
    assert make(ruled, SURE).route.failures == ()


SQUARE = Boundary.parse("POLYGON ((71 51, 72 51, 72 52, 71 52, 71 51))")


@pytest.mark.parametrize(
    ("point", "district", "reason", "noted"),
    [
        (Coordinates(51.5, 71.5), None, "contract_kept", False),
        (Coordinates(51.5, 71.5), "NURA", "district_conflict", False),
        (Coordinates(50.0, 71.5), "NURA", "contract_kept", True),
        (None, "NURA", "contract_kept", False),
    ],
    ids=["in a district", "in another than the field's", "outside", "none"],
)
def test_decide_coordinates_tell_a_district_or_leave_a_note(
    context: Context,
    point: Coordinates | None,
    district: str | None,
    reason: str,
    *,
    noted: bool,
) -> None:
    districts = Districts.of([District("ESIL", NAME, SQUARE), District("NURA", NAME)])
    router = Router.of(replace(CITY, districts=districts), NO_RULES)
    decision = make(replace(context, router=router), SURE, coordinates=point, district=district)
    assert decision.reason_code == reason
    assert decision.route.note == (messages.NOTES["outside_districts"] if noted else None)
    assert decision.appeal.coordinates == point


def test_decide_district_of_the_text_against_the_field_is_a_conflict(context: Context) -> None:
    text = "нет воды, Сыганак 5"
    conflicts = [
        make(context, SURE, text=text, district=district).reason_code == "district_conflict"
        for district in (None, "ESIL", "NURA")
    ]
    assert conflicts == [False, False, True]


SECONDARY: dict[str, tuple[tuple[tuple[str, float], ...], str | None]] = {
    "of another category": ((("utilities.water", 0.7), ("roads.pit", 0.25)), "roads.pit"),
    "at the threshold": ((("utilities.water", 0.7), ("roads.pit", 0.2)), "roads.pit"),
    "below the threshold": ((("utilities.water", 0.7), ("roads.pit", 0.199)), None),
    "of the same category": ((("utilities.water", 0.6), ("utilities.gas", 0.4)), None),
    "behind one of the same category": (
        (("utilities.water", 0.4), ("utilities.gas", 0.35), ("roads.pit", 0.25)),
        "roads.pit",
    ),
    "unknown to the taxonomy": ((("utilities.water", 0.6), ("gone.topic", 0.4)), None),
    "beside an unknown one": ((("gone.topic", 0.6), ("roads.pit", 0.4)), None),
    "there is one only": ((("utilities.water", 0.9),), None),
}


@pytest.mark.parametrize(("topics", "second"), SECONDARY.values(), ids=SECONDARY)
def test_decide_secondary_topic(
    context: Context, topics: tuple[tuple[str, float], ...], second: str | None
) -> None:
    found = make(context, predict_topics(*topics)).secondary
    assert (found and found.code) == second
    assert found is None or found.probability == dict(topics)[found.code]


def test_decide_secondary_threshold_is_the_policys(context: Context) -> None:
    prediction = predict_topics(("utilities.water", 0.7), ("roads.pit", 0.25))
    strict = replace(context, policy=Policy(secondary_probability=0.3))
    assert make(strict, prediction).secondary is None


def test_decide_without_topics_has_no_secondary(context: Context) -> None:
    assert make(context, predict(("WATER", 0.9), topic=None)).secondary is None


def test_decide_reason_says_the_numbers_in_both_languages(context: Context) -> None:
    reason = make(context, predict(("WATER", 0.7999))).reason
    for text in (reason.ru, reason.kk):
        assert [number in text for number in ("79,9 %", "80,0 %", "95,0 %")] == [True] * 3


@pytest.mark.parametrize(("probability", "action"), [(0.8, "auto"), (0.79999999, "review")])
def test_decide_threshold_itself_is_covered(
    context: Context, probability: float, action: str
) -> None:
    assert make(context, predict(("WATER", probability))).action == action


PARTS = (
    replace(PART, language="kk", group="WATER", threshold=0.6),
    replace(PART, language="kk", threshold=None),
    replace(PART, group="WATER", threshold=0.95),
)


@pytest.mark.parametrize(
    ("language", "enterprise", "code", "threshold"),
    [
        ("kk", "WATER", "contract_kept", "60,0 %"),
        ("kk", "AKIM-ESIL", "no_threshold", "95,0 %"),
        ("ru", "WATER", "below_threshold", "95,0 %"),
        ("ru", "AKIM-ESIL", "no_threshold", "95,0 %"),
        ("mixed", "WATER", "no_threshold", "95,0 %"),
    ],
)
def test_decide_goes_by_the_part_of_language_and_enterprise(
    context: Context, language: str, enterprise: str, code: str, threshold: str
) -> None:
    parted = replace(context, contract=replace(CONTRACT, parts=PARTS))
    decision = make(parted, replace(predict((enterprise, 0.9)), language=language))
    assert decision.reason_code == code
    assert threshold in decision.reason.ru


SETS = PredictionSets(("roads.pit", "utilities.gas", "utilities.water"), np.array([0.2, 0.5, 0.1]))


def test_decide_shortlist_is_the_prediction_set_best_first(context: Context) -> None:
    topics = predict_topics(("roads.pit", 0.3), ("utilities.gas", 0.3), ("utilities.water", 0.4))
    decision = make(replace(context, sets={"topic": SETS, "category": SETS}), topics)
    assert decision.shortlists == {"topic": ("utilities.water", "roads.pit")}


def test_decide_without_sets_has_no_shortlist(context: Context) -> None:
    assert make(context, SURE).shortlists == {}


@pytest.mark.parametrize(
    ("enterprise", "district", "conflicts"),
    [
        ("AKIM-ESIL", "ESIL", False),
        ("AKIM-ESIL", None, False),
        ("AKIM-ESIL", "NURA", True),
        ("WATER", "NURA", False),
    ],
)
def test_decide_district_conflicts_only_with_another_one(
    context: Context, enterprise: str, district: str | None, conflicts: bool
) -> None:
    decision = make(context, predict((enterprise, 0.9)), district=district)
    assert (decision.reason_code == "district_conflict") == conflicts


def test_decide_closed_and_unknown_enterprises_are_never_chosen_or_listed(
    context: Context,
) -> None:
    decision = make(context, predict(("CLOSED", 0.6), ("GONE", 0.2), ("WATER", 0.15)))
    assert decision.route.enterprise == "WATER"
    assert decision.route.probability == 0.15
    assert [one.code for one in decision.levels["enterprise"]] == ["WATER"]
    assert decision.action is Action.REVIEW


def test_decide_without_enterprise_has_no_such_level(context: Context) -> None:
    for prediction in (predict(("CLOSED", 0.9)), predict()):
        decision = make(context, prediction)
        assert decision.route.enterprise is None
        assert "enterprise" not in decision.levels
        assert decision.chosen("enterprise") is None


def test_decide_same_arguments_give_an_equal_decision(context: Context) -> None:
    assert make(context, SURE, appeal_id="1") == make(context, SURE, appeal_id="1")


def test_decide_keeps_what_it_was_made_from(context: Context) -> None:
    appeal = Appeal(text="нет воды", language="kk", channel=Channel.PHONE)
    decision = decide(appeal, replace(SURE, language="kk"), context, decision_id="d1", at=NOW)
    assert (decision.id, decision.appeal, decision.decided_at) == ("d1", appeal, NOW)
    assert decision.language == "kk"
    assert decision.versions is VERSIONS
    assert decision.levels == SURE.levels
    assert decision.input_hash == input_hash(appeal)
