"""What must hold of places for any text, and spans, which the tables don't tell."""

from functools import lru_cache
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.appeal import MAX_TEXT_CHARS, Bilingual
from triage.citydata import load_city
from triage.citydata.tables import City
from triage.config import STARTER_DATA
from triage.districts import District, Districts, Street
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.places import Gazetteer, Kind
from triage.taxonomy import Taxonomy

TEXT_WORDS = """
ул улица пр-т Абая Сейфуллина Қабанбай батыр көшесі даңғылы Алматы Есіл район ауданы № 15 15/2
12А 46-й 4-ші 10:30 2024 -5 +7 кв д дом үй автобус маршрут автобусов поликлиника школа мектеп
садик и мен / , . - на по в угол қиылысы левый сол жағалау он сорок шестой жүз бірінші İstanbul
ё ² ٣ 🙂 й́ п/д
"""
WORDS = [*TEXT_WORDS.split(), "\n", "\t"]


@lru_cache
def starter() -> Gazetteer:
    return Gazetteer.of(load_city(STARTER_DATA))


def found(text: str, gazetteer: Gazetteer | None = None) -> list[tuple[str, str, str]]:
    places = (gazetteer or starter()).find(text)
    return [(str(place.kind), place.normal, text[place.start : place.end]) for place in places]


def city(*streets: Street, enterprises: tuple[Enterprise, ...] = ()) -> Gazetteer:
    districts = Districts.of([District("ESIL", Bilingual(ru="Есиль", kk="Есіл"))])
    registry = EnterpriseRegistry.of(enterprises)
    return Gazetteer.of(City(Taxonomy.of([], []), registry, districts, streets))


def street(ru: str, kk: str, *aliases: str) -> Street:
    return Street(Bilingual(ru=ru, kk=kk), "ESIL", aliases)


@given(st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_find_any_text_gives_ordered_places_with_spans_in_the_text(text):
    end = 0
    for place in starter().find(text):
        assert end <= place.start < place.end <= len(text)
        assert text[place.start : place.end].strip()
        assert 0 < place.confidence <= 1
        end = place.end


@given(st.lists(st.sampled_from(WORDS)).map("".join))
def test_find_words_written_together_never_raises(text):
    starter().find(text)


@given(
    st.sampled_from(load_city(STARTER_DATA).streets),
    st.integers(min_value=1, max_value=300),
    st.booleans(),
)
def test_find_street_of_the_city_with_a_house_gives_its_russian_address(told, house, kazakh):
    text = f"{told.name.kk} {house}-үй" if kazakh else f"{told.name.ru}, {house}"
    assert found(text) == [("address", f"{told.name.ru}, {house}", text)]


@given(st.integers(min_value=1, max_value=199))
def test_find_route_of_a_bus_park_is_a_route_in_both_languages(number):
    assert found(f"автобус №{number}")[0][:2] == ("route", str(number))
    assert found(f"{number}-ші автобуста")[0][:2] == ("route", str(number))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Живу: ул. Сыганак, д. 15/2, кв. 3.", "ул. Сыганак, д. 15/2"),
        ("15 үй Сығанақ көшесі, лифт", "15 үй Сығанақ көшесі"),
        ("На Абая возле 72 дома прорвало", "Абая возле 72 дома"),
        ("Тұран мен Орынбордың қиылысында", "Тұран мен Орынбордың"),
        ("в Есильском районе темно", "Есильском районе"),
        ("не люблю 46-шы автобусты", "46-шы автобусты"),
        ("в детской больнице №2 холодно", "больнице №2"),
    ],
)
def test_find_place_spans_all_words_that_tell_it(text, span):
    assert [told for _, _, told in found(text)] == [span]


def test_find_alias_of_a_street_gives_its_present_name():
    gazetteer = city(street("улица Бейбитшилик", "Бейбітшілік көшесі", "улица Карла Маркса"))
    text = "ул. Карла Маркса 5"
    assert found(text, gazetteer) == [("address", "улица Бейбитшилик, 5", text)]


def test_find_name_of_two_streets_takes_the_kind_that_is_told():
    gazetteer = city(street("улица Абая", "Абай көшесі"), street("проспект Абая", "Абай даңғылы"))
    assert found("пр. Абая 5", gazetteer)[0][1] == "проспект Абая, 5"
    assert found("Абай көшесі 5", gazetteer)[0][1] == "улица Абая, 5"


def test_find_name_of_two_streets_without_a_kind_is_less_sure():
    gazetteer = city(street("улица Абая", "Абай көшесі"), street("проспект Абая", "Абай даңғылы"))
    unsure, sure = gazetteer.find("Абая 5, проспект Абая 5")
    assert unsure.confidence < sure.confidence


def test_find_typo_is_less_sure_than_the_name():
    sure, unsure = starter().find("ул. Кошкарбаева 5, ул. Кашкарбаева 7")
    assert unsure.normal == "проспект Кошкарбаева, 7"
    assert unsure.confidence < sure.confidence


def test_find_number_beyond_the_registry_is_no_facility():
    schools = tuple(
        Enterprise(f"S{n}", "school", Bilingual(ru=f"Школа №{n}", kk=f"№{n} мектеп"), number=str(n))
        for n in (1, 40)
    )
    gazetteer = city(enterprises=schools)
    assert found("школа №80", gazetteer) == [("facility", "school:80", "школа №80")]
    assert found("школа №81", gazetteer) == []


def test_find_route_that_no_bus_park_has_is_no_route():
    park = Enterprise(
        "BUS", "bus_park", Bilingual(ru="Парк", kk="Парк"), aliases=("маршруты 10-19",)
    )
    gazetteer = city(enterprises=(park,))
    assert [normal for _, normal, _ in found("автобус 12, автобус 20", gazetteer)] == ["12"]


def test_find_in_a_city_without_streets_and_enterprises_finds_districts():
    assert [place.kind for place in city().find("Есіл ауданы, автобус 46")] == [
        Kind.DISTRICT,
        Kind.ROUTE,
    ]


@pytest.mark.parametrize(
    "told", ["автобус 46, ", "школа 5-й ", "Абая 5 дом ", "угол Абая и ", "12, ", "сто "]
)
def test_find_longest_text_takes_no_more_than_its_length_warrants(told):
    text = (told * MAX_TEXT_CHARS)[:MAX_TEXT_CHARS]
    gazetteer = starter()
    took = []
    for chars in (MAX_TEXT_CHARS // 8, MAX_TEXT_CHARS):
        start = thread_time()
        gazetteer.find(text[:chars])
        took.append(thread_time() - start)
    # Eight times the text; what grows with the square of it would take 64 times as long.
    assert took[1] < 32 * took[0] + 0.5
