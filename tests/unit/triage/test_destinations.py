"""Whom a place leads to, by hand on a small enterprise registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from triage.appeal import Bilingual
from triage.destinations import Destinations
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.place import Kind, Place
from triage.rules import Need, Rule, RuleBook
from triage.whereabouts import NOWHERE, Whereabouts
from triage.wordpatterns import WordPatterns

NAME = Bilingual("имя", "аты")
DAY = date(2026, 3, 2)
ENTERPRISES = [
    Enterprise("C1", "polyclinic", NAME, number="1"),
    Enterprise("C2", "polyclinic", NAME, number="2", active=False),
    Enterprise("H1", "hospital", NAME, number="1"),
    Enterprise("KH1", "hospital", NAME, number="1"),
    Enterprise("P1", "bus_park", NAME, aliases=("маршруты 1-19", "60–69")),
    Enterprise("P2", "bus_park", NAME, aliases=("маршруты 20 - 39",)),
    Enterprise("P3", "bus_park", NAME, aliases=("маршруты 40-59",), active=False),
    Enterprise("TRAM", "transport_operator", NAME, aliases=("маршруты 1-5",)),
    Enterprise("O1", "housing_association", NAME, number="8", aliases=("улица Сыганак 8",)),
    Enterprise("O2", "housing_association", NAME, aliases=("улица Абая, 15/2а", "ОСИ Абай")),
    Enterprise("O3", "housing_association", NAME, aliases=("улица Сыганак 10",), active=False),
    Enterprise("A-ESIL", "district_akimat", NAME, district="ESIL"),
    Enterprise("PO-ESIL-1", "police", NAME, district="ESIL"),
    Enterprise("PO-ESIL-2", "police", NAME, district="ESIL"),
    Enterprise("PO-NURA", "police", NAME, district="NURA"),
    Enterprise("PO-NURA-OLD", "police", NAME, district="NURA", active=False),
    Enterprise("CITY", "city_department", NAME),
]
DESTINATIONS = Destinations.of(EnterpriseRegistry.of(ENTERPRISES))


def by(need: Need, *types: str, **other: Any) -> Rule:
    rule = Rule("by-place", 1, frozenset({"t"}), NAME, types=types, need=need)
    return replace(rule, **other)


CLINIC = by(Need.NUMBER, "polyclinic", "hospital")
PARK = by(Need.ROUTE, "bus_park")
HOUSE = by(Need.ADDRESS, "housing_association")
AKIMAT = by(Need.DISTRICT, "district_akimat")
POLICE = by(Need.DISTRICT, "police")
BANK = by(Need.BANK, banks={"left": "P1", "right": "P2"})
FALLBACK = Rule("fallback", 2, frozenset({"t"}), NAME, enterprise="CITY")


def at(
    *places: tuple[Kind, str], district: str | None = None, bank: str | None = None
) -> Whereabouts:
    found = tuple(Place(kind, normal, 0, 1, 1.0) for kind, normal in places)
    return Whereabouts(places=found, district=district, bank=bank)


def facility(*keys: str) -> Whereabouts:
    return at(*((Kind.FACILITY, one) for one in keys))


def route(*numbers: str) -> Whereabouts:
    return at(*((Kind.ROUTE, one) for one in numbers))


def address(*normals: str) -> Whereabouts:
    return at(*((Kind.ADDRESS, one) for one in normals))


LEADS: dict[str, tuple[Rule, Whereabouts, set[str]]] = {
    "number": (CLINIC, facility("polyclinic:1"), {"C1"}),
    "number that two hospitals have": (CLINIC, facility("hospital:1"), {"H1", "KH1"}),
    "number of another type": (CLINIC, facility("school:1"), set()),
    "number that nobody has": (CLINIC, facility("polyclinic:9"), set()),
    "number of a closed one": (CLINIC, facility("polyclinic:2"), set()),
    "number, first that is known": (
        CLINIC,
        facility("school:1", "polyclinic:9", "polyclinic:1"),
        {"C1"},
    ),
    "route at the beginning of a range": (PARK, route("1"), {"P1"}),
    "route at the end of a range": (PARK, route("19"), {"P1"}),
    "route of the second range": (PARK, route("60"), {"P1"}),
    "route of the next park": (PARK, route("20"), {"P2"}),
    "route with a letter": (PARK, route("12А"), {"P1"}),
    "route of a closed park": (PARK, route("46"), set()),
    "route of no park": (PARK, route("200"), set()),
    "route, first that is known": (PARK, route("200", "39"), {"P2"}),
    "address": (HOUSE, address("улица Сыганак, 8"), {"O1"}),
    "address with a comma and a letter": (HOUSE, address("улица Абая, 15/2А"), {"O2"}),
    "address of no association": (HOUSE, address("улица Сыганак, 9"), set()),
    "address of a closed association": (HOUSE, address("улица Сыганак, 10"), set()),
    "address, first that is known": (
        HOUSE,
        address("улица Сыганак, 9", "улица Сыганак, 8"),
        {"O1"},
    ),
    "street alone": (HOUSE, at((Kind.STREET, "улица Сыганак")), set()),
    "district": (AKIMAT, at(district="ESIL"), {"A-ESIL"}),
    "district without one": (AKIMAT, at(district="NURA"), set()),
    "district with several": (POLICE, at(district="ESIL"), set()),
    "district with one left": (POLICE, at(district="NURA"), {"PO-NURA"}),
    "district, second type": (
        by(Need.DISTRICT, "police", "district_akimat"),
        at(district="ESIL"),
        {"A-ESIL"},
    ),
    "left bank": (BANK, at(bank="left"), {"P1"}),
    "right bank": (BANK, at(bank="right"), {"P2"}),
    "bank without an operator": (by(Need.BANK, banks={"left": "P1"}), at(bank="right"), set()),
    "anywhere": (FALLBACK, NOWHERE, {"CITY"}),
}


@pytest.mark.parametrize(("rule", "where", "named"), LEADS.values(), ids=LEADS)
def test_fire_place_leads_to(rule: Rule, where: Whereabouts, named: set[str]) -> None:
    fired = DESTINATIONS.fire("t", "", where, RuleBook.of((rule,), {}, "v"), DAY)
    assert set(fired.enterprises if fired else ()) == named
    assert fired is None or fired.rule is rule


@pytest.mark.parametrize("rule", [CLINIC, PARK, HOUSE, AKIMAT, BANK], ids=lambda rule: rule.need)
def test_fire_without_its_place_the_fallback_names(rule: Rule) -> None:
    fired = DESTINATIONS.fire("t", "", NOWHERE, RuleBook.of((rule, FALLBACK), {}, "v"), DAY)
    assert fired is not None
    assert (fired.rule, fired.enterprises) == (FALLBACK, ("CITY",))


def test_fire_first_rule_that_can_wins() -> None:
    where = at((Kind.ROUTE, "20"), district="ESIL")
    for rules, named in (((PARK, AKIMAT), "P2"), ((AKIMAT, PARK), "A-ESIL")):
        fired = DESTINATIONS.fire("t", "", where, RuleBook.of(rules, {}, "v"), DAY)
        assert fired is not None
        assert fired.enterprises == (named,)


def test_fire_topic_without_a_rule_fires_none() -> None:
    assert DESTINATIONS.fire("x", "", NOWHERE, RuleBook.of((FALLBACK,), {}, "v"), DAY) is None


@pytest.mark.parametrize(("text", "rule"), [("люк теплотрассы", "heat"), ("люк", "fallback")])
def test_fire_words_choose_among_rules(text: str, rule: str) -> None:
    heat = replace(FALLBACK, name="heat", words=WordPatterns.of(["тепл*"]), enterprise="A-ESIL")
    fired = DESTINATIONS.fire("t", text, NOWHERE, RuleBook.of((heat, FALLBACK), {}, "v"), DAY)
    assert fired is not None
    assert fired.rule.name == rule


@pytest.mark.parametrize(
    ("day", "rule"),
    [
        (date(2026, 10, 31), "fallback"),
        (date(2026, 11, 1), "winter"),
        (date(2027, 3, 31), "winter"),
        (date(2027, 4, 1), "fallback"),
    ],
)
def test_fire_rule_holds_between_its_days_only(day: date, rule: str) -> None:
    since, until = date(2026, 11, 1), date(2027, 3, 31)
    winter = replace(FALLBACK, name="winter", enterprise="A-ESIL", since=since, until=until)
    fired = DESTINATIONS.fire("t", "", NOWHERE, RuleBook.of((winter, FALLBACK), {}, "v"), day)
    assert fired is not None
    assert fired.rule.name == rule
