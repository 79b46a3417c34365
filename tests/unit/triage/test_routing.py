"""Who must act: by the shipped rules, by history, and what holds of any appeal."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.prediction import CANDIDATES, Candidate, Distribution, Level, Prediction
from triage import messages
from triage.appeal import Appeal, Bilingual, Route
from triage.citydata import City, load_city
from triage.config import STARTER_DATA
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.joining import Join
from triage.routing import Router
from triage.rulefile import load_rules
from triage.rules import NO_RULES, ROUTING, Need, Rule, RuleBook

DAY = date(2026, 3, 2)
NAME = Bilingual("имя", "аты")
TABLE = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / ROUTING.replace(".yaml", ".tsv"))
    .read_text(encoding="utf-8")
    .splitlines()
    if not line.startswith("#")
]


@cache
def city() -> City:
    return load_city(STARTER_DATA)


@cache
def router() -> Router:
    return Router.of(city(), load_rules(STARTER_DATA / ROUTING, city()))


def small(rules: RuleBook, *enterprises: Enterprise) -> Router:
    return Router.of(replace(city(), enterprises=EnterpriseRegistry.of(enterprises)), rules)


def predict(
    topics: Mapping[str, float] | None = None, enterprises: Mapping[str, float] | None = None
) -> Prediction:
    given_levels: dict[Level, Mapping[str, float] | None] = {
        "topic": topics,
        "enterprise": enterprises,
    }
    shares = {level: found for level, found in given_levels.items() if found}
    return Prediction(
        language="ru",
        levels={
            level: tuple(
                Candidate(code, found[code])
                for code in sorted(found, key=lambda code: -found[code])[:CANDIDATES]
            )
            for level, found in shares.items()
        },
        urgency=None,
        evidence=1.0,
        distributions={
            level: Distribution(tuple(found), np.array(list(found.values())))
            for level, found in shares.items()
        },
    )


def route(text: str, prediction: Prediction, of: Router | None = None, day: date = DAY) -> Route:
    return (of or router()).route(Appeal(text=text), prediction, Join(), day)[0]


@pytest.mark.parametrize(
    ("topic", "text", "enterprise", "rule", "asked"), TABLE, ids=[row[1] for row in TABLE]
)
def test_route_appeal_of_table_goes_where_the_shipped_rules_send_it(
    topic: str, text: str, enterprise: str, rule: str, asked: str
) -> None:
    found = route(text, predict({topic: 1.0}))
    assert (found.enterprise, found.rule) == (enterprise, rule)
    assert found.question == (messages.QUESTIONS[Need(asked)] if asked else None)
    assert found.probability > 0.5 or found.enterprise is None


def test_route_table_reaches_most_rules() -> None:
    names = {rule.name for rule in router().book.rules}
    reached = {row[3] for row in TABLE}
    assert reached <= names
    assert len(reached) >= 30


A, B = Enterprise("A", "utility", NAME), Enterprise("B", "utility", NAME)
CLOSED = Enterprise("CLOSED", "utility", NAME, active=False)


def test_route_without_rules_takes_the_first_active_proposal_of_history() -> None:
    history = {"CLOSED": 0.5, "B": 0.3, "GONE": 0.15, "A": 0.05}
    found = route("нет воды", predict({"t": 1.0}, history), small(NO_RULES, A, B, CLOSED))
    assert (found.enterprise, found.probability) == ("B", 0.3)
    assert found.candidates == (Candidate("B", 0.3), Candidate("A", 0.05))
    assert (found.rule, found.reason) == ("history", messages.RULES["history"])
    assert found.question is None


def test_route_without_an_active_proposal_names_nobody_and_says_why() -> None:
    for history in (None, {"CLOSED": 0.9, "GONE": 0.1}):
        found = route("нет воды", predict(None, history), small(NO_RULES, A, CLOSED))
        assert (found.enterprise, found.probability, found.candidates) == (None, 0.0, ())
        assert (found.rule, found.reason) == ("none", messages.RULES["none"])


def test_route_rule_that_names_a_closed_enterprise_only_names_nobody() -> None:
    rule = Rule("r", 1, frozenset({"t"}), NAME, enterprise="CLOSED")
    book = RuleBook.of((rule,), {}, "v")
    found = route("нет воды", predict({"t": 1.0}), small(book, A, CLOSED))
    assert (found.enterprise, found.rule) == (None, "none")


def test_route_topics_share_their_probability_among_enterprises() -> None:
    found = route("46 автобус", predict({"transport.schedule": 0.6, "transport.stop": 0.4}))
    shares = {one.code: one.probability for one in found.candidates}
    assert shares == pytest.approx({"BUS-3": 0.6, "DEPT-TRANSPORT": 0.4}, abs=1e-6)
    assert found.rule == "bus-park-by-route"


def test_route_two_of_one_number_share_alike() -> None:
    twins = tuple(Enterprise(code, "hospital", NAME, number="1") for code in ("X", "Y"))
    found = route(
        "в больнице №1 холодно", predict({"healthcare.facility": 1.0}), small(router().book, *twins)
    )
    assert {one.code for one in found.candidates} == {"X", "Y"}
    assert found.probability == pytest.approx(0.5)


def test_route_closed_children_hospital_leaves_its_appeals_to_no_namesake() -> None:
    found = route(
        "детская больница №1", predict({"healthcare.facility": 1.0}), aged(frozenset({"CHOSP-1"}))
    )
    assert (found.enterprise, found.rule) == ("DEPT-HEALTH", "health-department")


def test_route_history_decides_between_two_of_one_number() -> None:
    prediction = predict({"healthcare.facility": 1.0}, {"UTIL-HEAT": 1.0})
    found = router().route(Appeal(text="больница №1"), prediction, Join(1.0, 0.1, 0.5), DAY)[0]
    assert (found.enterprise, found.rule) == ("UTIL-HEAT", "history")


def test_route_keeps_the_places_of_the_text() -> None:
    text = "Лифт стоит, Сейфуллина 50"
    [place] = route(text, predict({"housing.lift": 1.0})).places
    assert text[place.start : place.end] == "Сейфуллина 50"


def test_route_expired_rule_leaves_to_the_next() -> None:
    winter = Rule("w", 1, frozenset({"t"}), NAME, enterprise="A", until=date(2026, 3, 31))
    always = Rule("s", 2, frozenset({"t"}), NAME, enterprise="B")
    of = small(RuleBook.of((winter, always), {}, "v"), A, B)
    days = (date(2026, 3, 31), date(2026, 4, 1))
    assert [route("", predict({"t": 1.0}), of, day).enterprise for day in days] == ["A", "B"]


TOPICS = sorted(city().taxonomy.topics)
ENTERPRISES = sorted(city().enterprises.enterprises)
PLACELESS = ["Лифт стоит", "Аула қар басқан", "Нет горячей воды", "Очень шумно", "Рахмет"]
TEXTS = [*PLACELESS, *(row[1] for row in TABLE), "Сыганак 8, 46 автобус, школа 76, район Нура"]


def shares_of(codes: list[str]) -> st.SearchStrategy[dict[str, float]]:
    """Return random distributions over a few codes."""
    weights = st.dictionaries(st.sampled_from(codes), st.floats(0.01, 1), min_size=1, max_size=6)
    return weights.map(
        lambda found: {code: one / sum(found.values()) for code, one in found.items()}
    )


PREDICTIONS = st.builds(predict, shares_of(TOPICS), shares_of(ENTERPRISES))
JOINS = st.builds(Join, st.floats(0, 2), st.floats(0.1, 2), st.floats(0, 0.5))


@settings(deadline=None)
@given(st.sampled_from(TEXTS), PREDICTIONS, JOINS)
def test_route_chosen_enterprise_is_active_and_its_type_fits_the_rule(
    text: str, prediction: Prediction, join: Join
) -> None:
    found = router().route(Appeal(text=text), prediction, join, DAY)[0]
    chosen = city().enterprises.get(found.enterprise or "")
    assert chosen is not None
    assert chosen.active
    rules = {rule.name: rule for rule in router().book.rules}
    if found.rule != "history":
        rule = rules[found.rule]
        assert rule.holds_on(DAY)
        named = {rule.enterprise, *rule.banks.values()}
        assert chosen.type in rule.types or chosen.id in named
    assert sum(one.probability for one in found.candidates) <= 1 + 1e-9
    assert found.candidates[0] == Candidate(chosen.id, found.probability)


WORDS = st.sampled_from(
    ["лифт", "стоит", "нет", "воды", "аула", "қар", "шумно", "рахмет", "подъезд", "үй"]
)


@settings(deadline=None)
@given(st.sampled_from(PLACELESS) | st.lists(WORDS, max_size=12).map(" ".join), PREDICTIONS, JOINS)
def test_route_appeal_without_a_place_never_gets_a_housing_association(
    text: str, prediction: Prediction, join: Join
) -> None:
    found = router().route(Appeal(text=text), prediction, join, DAY)[0]
    types = {city().enterprises.enterprises[one.code].type for one in found.candidates}
    assert found.places == ()
    assert "housing_association" not in types


UNRELATED = st.lists(
    st.builds(
        Enterprise,
        id=st.integers(0, 999).map("X-{}".format),
        type=st.sampled_from(["other", "school", "polyclinic", "housing_association", "bus_park"]),
        name=st.just(NAME),
        district=st.none(),
        number=st.integers(900, 999).map(str),
        aliases=st.integers(1, 99).map(lambda house: (f"улица Нигде {house}",)),
        active=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(TEXTS), PREDICTIONS, JOINS, UNRELATED, st.randoms())
def test_route_unrelated_enterprises_in_any_order_change_nothing(
    text: str,
    prediction: Prediction,
    join: Join,
    unrelated: list[Enterprise],
    rng: random.Random,
) -> None:
    rows = [*city().enterprises.enterprises.values(), *unrelated]
    rng.shuffle(rows)
    grown = Router.of(replace(city(), enterprises=EnterpriseRegistry.of(rows)), router().book)
    found, expected = (
        of.route(Appeal(text=text), prediction, join, DAY)[0] for of in (grown, router())
    )
    assert found == expected


@cache
def aged(closed: frozenset[str]) -> Router:
    rows = [
        replace(one, active=one.active and one.id not in closed)
        for one in city().enterprises.enterprises.values()
    ]
    return Router.of(replace(city(), enterprises=EnterpriseRegistry.of(rows)), router().book)


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(TEXTS),
    PREDICTIONS,
    JOINS,
    st.frozensets(st.sampled_from(ENTERPRISES)),
)
def test_route_closed_enterprise_is_never_named(
    text: str, prediction: Prediction, join: Join, closed: frozenset[str]
) -> None:
    found = aged(closed).route(Appeal(text=text), prediction, join, DAY)[0]
    assert closed.isdisjoint(one.code for one in found.candidates)
    assert found.enterprise not in closed


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(TEXTS),
    PREDICTIONS,
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.lists(st.dates(date(2020, 1, 1), date(2030, 1, 1)), min_size=2, max_size=2).map(sorted),
)
def test_route_rule_that_is_not_in_force_on_the_day_is_never_named(
    text: str, prediction: Prediction, day: date, term: list[date]
) -> None:
    since, until = term
    rules = tuple(replace(rule, since=since, until=until) for rule in router().book.rules)
    of = replace(router(), book=RuleBook.of(rules, router().book.bank_of, "v"))
    found = of.route(Appeal(text=text), prediction, Join(), day)[0]
    assert since <= day <= until or found.rule in ("history", "none")


@cache
def shuffled(seed: int) -> Router:
    rows = list(city().enterprises.enterprises.values())
    random.Random(seed).shuffle(rows)
    return Router.of(replace(city(), enterprises=EnterpriseRegistry.of(rows)), router().book)


@settings(deadline=None)
@given(st.sampled_from(TEXTS), PREDICTIONS, JOINS, st.integers(0, 4))
def test_route_order_of_the_enterprise_registry_changes_nothing(
    text: str, prediction: Prediction, join: Join, seed: int
) -> None:
    appeal = Appeal(text=text)
    expected = router().route(appeal, prediction, join, DAY)
    assert shuffled(seed).route(appeal, prediction, join, DAY) == expected
