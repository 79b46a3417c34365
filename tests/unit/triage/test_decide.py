from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import numpy as np
import pytest

from models.conformal import PredictionSets
from models.prediction import Candidate, Distribution, Prediction
from models.selective import Contract, Part
from triage import messages
from triage.appeal import Action, Appeal, Bilingual, Channel, Coordinates, RuleFailure, Versions
from triage.boundaries import Boundary
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.decide import Context, decide, input_hash
from triage.districts import District, Districts
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.joining import Join
from triage.policy import Policy
from triage.routing import Router
from triage.rules import NO_RULES, Need, Rule, RuleBook
from triage.taxonomy import Category, Taxonomy, Topic
from triage.urgency import DangerWords
from triage.wordpatterns import WordPatterns

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NAME = Bilingual("имя", "аты")
CITY = replace(
    load_city(STARTER_DATA),
    taxonomy=Taxonomy.of(
        [Category("utilities", NAME), Category("roads", NAME)],
        [
            Topic("utilities.water", "utilities", NAME, 24, "WATER"),
            Topic("utilities.gas", "utilities", NAME, 4, "GAS"),
            Topic("roads.pit", "roads", NAME, 240, "ROADS"),
        ],
    ),
    enterprises=EnterpriseRegistry.of(
        [
            Enterprise("WATER", "utility", NAME),
            Enterprise("AKIM-ESIL", "district_akimat", NAME, district="ESIL"),
            Enterprise("CLOSED", "utility", NAME, active=False),
        ]
    ),
    districts=Districts.of([District("ESIL", NAME), District("NURA", NAME)]),
)
PART = Part(language=None, group=None, threshold=0.8, coverage=0.4, n_examples=500)
CONTRACT = Contract(0.95, 0.9, (PART,), frozenset({"ru", "kk"}))
VERSIONS = Versions("appeal-triage", "3", "ab" * 32, "t1", "e1", "p1", "none")
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
def danger_words() -> DangerWords:
    return DangerWords.load(STARTER_DATA / "danger_words.tsv")


@pytest.fixture
def context(danger_words: DangerWords) -> Context:
    router = Router.of(CITY, NO_RULES)
    return Context(CITY, router, Join(), danger_words, Policy(), CONTRACT, {}, VERSIONS)


@pytest.fixture
def ruled(context: Context) -> Context:
    """A city that has to ask where the pit is."""
    return replace(context, router=Router.of(CITY, RULES))


def predict(
    *enterprises: tuple[str, float], topic: str | None = "utilities.water", **overrides: Any
) -> Prediction:
    levels: dict[Any, tuple[Candidate, ...]] = {
        "category": (Candidate(topic.split(".")[0], 0.95),) if topic else (),
        "topic": (Candidate(topic, 0.9),) if topic else (),
        "enterprise": tuple(Candidate(*enterprise) for enterprise in enterprises),
    }
    values: dict[str, Any] = {"language": "ru", "urgency": 0.1, "evidence": 0.7}
    return predict_levels(
        {level: found for level, found in levels.items() if found}, values | overrides
    )


def predict_levels(levels: dict[Any, tuple[Candidate, ...]], values: dict[str, Any]) -> Prediction:
    """Return a prediction whose distributions hold its candidates and no more."""
    distributions: dict[Any, Distribution] = {
        level: Distribution(
            tuple(one.code for one in found), np.array([one.probability for one in found])
        )
        for level, found in levels.items()
    }
    return Prediction(levels=levels, distributions=distributions, **values)


def predict_topics(*topics: tuple[str, float]) -> Prediction:
    """Return a prediction of several topics, all sure of one enterprise."""
    levels: dict[Any, tuple[Candidate, ...]] = {
        "topic": tuple(Candidate(*topic) for topic in topics),
        "enterprise": (Candidate("WATER", 0.9),),
    }
    return predict_levels(levels, {"language": "ru", "urgency": 0.1, "evidence": 0.7})


def make(context: Context, prediction: Prediction, **appeal: Any) -> Any:
    given = Appeal(**{"text": "нет воды"} | appeal)
    return decide(given, prediction, context, decision_id="d1", at=NOW)


SURE = predict(("WATER", 0.9))
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


DANGERS = ["пахнет газом в подъезде", "ИСКРИТ ЩИТОК НА ЭТАЖЕ", "подъезде газ иісі шығып тұр"]


@pytest.mark.parametrize("text", DANGERS)
@pytest.mark.parametrize("urgency", [None, 0.0, 0.49])
def test_decide_danger_words_demand_urgency_whatever_the_model_says(
    context: Context, text: str, urgency: float | None
) -> None:
    decision = make(context, replace(SURE, urgency=urgency), text=text)
    assert decision.urgency.urgent
    assert decision.urgency.probability == urgency
    assert decision.urgency.danger_words


@pytest.mark.parametrize(
    ("urgency", "urgent"), [(None, False), (0.0, False), (0.4999, False), (0.5, True), (1.0, True)]
)
def test_decide_model_demands_urgency_from_the_policys_probability_on(
    context: Context, urgency: float | None, urgent: bool
) -> None:
    decision = make(context, replace(SURE, urgency=urgency))
    assert decision.urgency.urgent is urgent
    assert decision.urgency.danger_words == ()


RECEIVED = datetime(2026, 3, 1, 23, 0, tzinfo=timezone(timedelta(hours=5)))
DUE = {
    "topic's hours from the decision": ("utilities.water", 0.0, None, NOW + timedelta(hours=24)),
    "topic's hours from receipt": (
        "utilities.water", 0.0, RECEIVED, RECEIVED + timedelta(hours=24),
    ),
    "urgent is sooner": ("roads.pit", 0.9, RECEIVED, RECEIVED + timedelta(hours=12)),
    "topic is sooner than urgent": ("utilities.gas", 0.9, None, NOW + timedelta(hours=4)),
    "urgent without a topic": (None, 0.9, None, NOW + timedelta(hours=12)),
    "urgent with an unknown topic": ("no.topic", 0.9, None, NOW + timedelta(hours=12)),
    "neither": (None, 0.0, RECEIVED, None),
    "unknown topic": ("no.topic", 0.0, None, None),
}  # fmt: skip


@pytest.mark.parametrize(("topic", "urgency", "received_at", "due_at"), DUE.values(), ids=DUE)
def test_decide_due_time(
    context: Context,
    topic: str | None,
    urgency: float,
    received_at: datetime | None,
    due_at: datetime | None,
) -> None:
    prediction = predict(("WATER", 0.9), topic=topic, urgency=urgency)
    assert make(context, prediction, received_at=received_at).due_at == due_at


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


FULL = Appeal(
    text="Су жоқ",
    received_at=RECEIVED,
    appeal_id="109-1",
    channel=Channel.WEB,
    language="kk",
    address="Қабанбай батыр, 11",
    district="ESIL",
    coordinates=Coordinates(51.1, 71.5),
    sender="a",
)
OTHER: dict[str, Any] = {
    "text": "Су жоқ ",
    "received_at": RECEIVED + timedelta(microseconds=1),
    "appeal_id": "109-2",
    "channel": Channel.PHONE,
    "language": "ru",
    "address": "Қабанбай батыр, 12",
    "district": "NURA",
    "coordinates": Coordinates(51.1, 71.4),
    "sender": "b",
}


def test_input_hash_each_field_changes_it() -> None:
    assert OTHER.keys() == {field.name for field in fields(Appeal)}
    changed = [replace(FULL, **{name: value}) for name, value in OTHER.items()]
    nothing: Any = None
    missing = [replace(FULL, **{name: nothing}) for name in OTHER if name != "text"]
    hashes = [input_hash(appeal) for appeal in (FULL, *changed, *missing)]
    assert len(set(hashes)) == 1 + 9 + 8


def test_input_hash_value_in_another_field_is_another_appeal() -> None:
    one = Appeal(text="a", address="ESIL")
    assert input_hash(one) != input_hash(Appeal(text="a", district="ESIL"))


def test_input_hash_is_the_same_for_the_same_moment_in_another_zone() -> None:
    assert input_hash(replace(FULL, received_at=RECEIVED.astimezone(UTC))) == input_hash(FULL)


def test_input_hash_never_changes_between_versions() -> None:
    # Retries are told from conflicts by it, over any upgrade of the service.
    content = (
        '{"address":null,"appeal_id":null,"channel":null,"district":null,"language":null,'
        '"received_at":"2026-03-01T18:00:00+00:00","text":"Су жоқ 🥶"}'
    )
    appeal = Appeal(text="Су жоқ 🥶", received_at=RECEIVED)
    assert input_hash(appeal) == hashlib.sha256(content.encode()).hexdigest()
