"""Where an appeal is about: fields and text joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from triage.appeal import Appeal, Bilingual, Coordinates
from triage.boundaries import Boundary
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.districts import District, Districts, Street
from triage.place import Kind, Place
from triage.whereabouts import NOWHERE, Locator, Whereabouts

BANK_OF = {"ESIL": "left", "NURA": "left", "SARYARKA": "right"}


@pytest.fixture(scope="module")
def locator() -> Locator:
    return Locator.of(load_city(STARTER_DATA), BANK_OF)


DISTRICTS: dict[str, tuple[dict[str, str], str | None, bool]] = {
    "nothing tells": ({"text": "Темно и страшно"}, None, False),
    "by name": ({"text": "в районе Есиль темно"}, "ESIL", False),
    "by name in Kazakh": ({"text": "Нұра ауданында қараңғы"}, "NURA", False),
    "by the street": ({"text": "на улице Кенесары темно"}, "SARYARKA", False),
    "by the address": ({"text": "Сейфуллин көшесі 50-үй қараңғы"}, "SARYARKA", False),
    "by the intersection": ({"text": "на углу Абая и Сейфуллина яма"}, "SARYARKA", False),
    "named wins over the street": (
        {"text": "на Кенесары, это район Есиль"},
        "ESIL",
        False,
    ),
    "field alone": ({"text": "темно", "district": "NURA"}, "NURA", False),
    "field and text agree": ({"text": "в районе Нура", "district": "NURA"}, "NURA", False),
    "field against the name": ({"text": "в районе Есиль", "district": "NURA"}, "NURA", True),
    "field against the street": ({"text": "Сыганак 5", "district": "NURA"}, "NURA", True),
    "address alone": ({"text": "темно", "address": "Сыганак, 8"}, "ESIL", False),
    "address against the text": ({"text": "Кенесары 8", "address": "Сыганак, 8"}, "ESIL", True),
    "address not understood": ({"text": "Кенесары 8", "address": "за углом"}, "SARYARKA", False),
    "field over address": (
        {"text": "темно", "address": "Сыганак 8", "district": "NURA"},
        "NURA",
        False,
    ),
}


@pytest.mark.parametrize(
    ("appeal", "district", "conflicts"), DISTRICTS.values(), ids=DISTRICTS.keys()
)
def test_locate_district_and_whether_the_fields_conflict(
    locator: Locator, appeal: dict[str, str], district: str | None, *, conflicts: bool
) -> None:
    where = locator.locate(Appeal(**appeal))  # type: ignore[arg-type]  # fields are text here
    assert (where.district, where.conflicts) == (district, conflicts)


@pytest.mark.parametrize(
    ("appeal", "bank"),
    [
        ({"text": "мусор в районе Есиль"}, "left"),
        ({"text": "Сейфуллина 50, мусор"}, "right"),
        ({"text": "на левом берегу мусор"}, "left"),
        ({"text": "оң жағалауда қоқыс"}, "right"),
        ({"text": "мусор"}, None),
        ({"text": "на левом берегу, район Сарыарка"}, "right"),
        ({"text": "на правом берегу", "district": "ESIL"}, "left"),
        ({"text": "район Алматы, левый берег"}, "left"),
        ({"text": "район Алматы"}, None),
    ],
    ids=lambda value: value["text"] if isinstance(value, dict) else None,
)
def test_locate_bank_is_the_districts_else_the_one_that_is_named(
    locator: Locator, appeal: dict[str, str], bank: str | None
) -> None:
    assert locator.locate(Appeal(**appeal)).bank == bank  # type: ignore[arg-type]  # all text


def test_locate_field_comes_before_text(locator: Locator) -> None:
    where = locator.locate(Appeal(text="лифт, Сейфуллина 50", address="Сыганак, 8"))
    assert where.all_of(Kind.ADDRESS) == ("улица Сыганак, 8", "улица Сейфуллина, 50")


def test_locate_same_place_in_both_is_there_once(locator: Locator) -> None:
    where = locator.locate(Appeal(text="лифт, Сыганақ көшесі 8-үй", address="Сыганак, 8"))
    assert where.all_of(Kind.ADDRESS) == ("улица Сыганак, 8",)
    assert (len(where.places), len(where.by_field)) == (1, 1)


def test_locate_spans_are_of_their_own_text(locator: Locator) -> None:
    text, address = "лифт стоит, Сейфуллина 50", "г. Астана, Сыганак 8"
    where = locator.locate(Appeal(text=text, address=address))
    [told], [given] = where.places, where.by_field
    assert text[told.start : told.end] == "Сейфуллина 50"
    assert address[given.start : given.end] == "Сыганак 8"


def test_locate_street_of_several_districts_tells_none() -> None:
    city = load_city(STARTER_DATA)
    again = Street(Bilingual("улица Кенесары", "Кенесары көшесі"), "BAIKONYR")
    for streets in ((*city.streets, again), (again, *city.streets)):
        locator = Locator.of(replace(city, streets=streets), BANK_OF)
        where = locator.locate(Appeal(text="на Кенесары 8 темно", district="NURA"))
        assert (where.district, where.conflicts) == ("NURA", False)
        assert locator.locate(Appeal(text="на Кенесары 8 темно")).district is None
        assert where.all_of(Kind.ADDRESS) == ("улица Кенесары, 8",)


NURA = District(
    "NURA",
    Bilingual("Нура", "Нұра"),
    Boundary.parse("POLYGON ((71 51, 71.4 51, 71.4 51.2, 71 51.2, 71 51))"),
)
ESIL = District(
    "ESIL",
    Bilingual("Есиль", "Есіл"),
    Boundary.parse("POLYGON ((71.4 51, 72 51, 72 51.2, 71.4 51.2, 71.4 51))"),
)
IN_NURA, IN_ESIL, NOWHERE_NEAR = (
    Coordinates(51.1, 71.2),
    Coordinates(51.1, 71.5),
    Coordinates(43.2, 76.9),
)
POINTS: dict[str, tuple[dict[str, Any], str | None, bool, bool]] = {
    "alone": ({"coordinates": IN_NURA}, "NURA", False, False),
    "with the field": ({"coordinates": IN_NURA, "district": "NURA"}, "NURA", False, False),
    "against the field": ({"coordinates": IN_NURA, "district": "ESIL"}, "ESIL", True, False),
    "before the address": (
        {"coordinates": IN_NURA, "address": "Сыганак, 8"},
        "NURA",
        False,
        False,
    ),
    "with the text": ({"coordinates": IN_ESIL, "text": "Сыганак 8"}, "ESIL", False, False),
    "against the text": ({"coordinates": IN_NURA, "text": "Сыганак 8"}, "NURA", True, False),
    "outside": ({"coordinates": NOWHERE_NEAR}, None, False, True),
    "outside, yet the text tells": (
        {"coordinates": NOWHERE_NEAR, "text": "Сыганак 8"},
        "ESIL",
        False,
        True,
    ),
}


@pytest.mark.parametrize(
    ("appeal", "district", "conflicts", "outside"), POINTS.values(), ids=POINTS.keys()
)
def test_locate_by_coordinates(
    appeal: dict[str, Any], district: str | None, *, conflicts: bool, outside: bool
) -> None:
    city = replace(load_city(STARTER_DATA), districts=Districts.of([NURA, ESIL]))
    where = Locator.of(city, BANK_OF).locate(Appeal(**{"text": "темно"} | appeal))
    assert (where.district, where.conflicts, where.is_outside) == (district, conflicts, outside)
    assert where.bank == BANK_OF.get(district or "")


def test_locate_coordinates_in_a_city_without_boundaries_tell_nothing(locator: Locator) -> None:
    where = locator.locate(Appeal(text="темно", coordinates=IN_NURA))
    assert (where.district, where.is_outside) == (None, False)


def test_confidence_is_that_of_the_least_sure_place() -> None:
    places = tuple(Place(Kind.ROUTE, "1", 0, 1, sure) for sure in (0.9, 0.4, 0.7))
    assert Whereabouts(places=places).confidence == 0.4
    assert NOWHERE.confidence == 1.0


def test_nowhere_tells_nothing() -> None:
    assert (NOWHERE.district, NOWHERE.bank, NOWHERE.conflicts) == (None, None, False)
    assert NOWHERE.all_of(Kind.ADDRESS) == ()
