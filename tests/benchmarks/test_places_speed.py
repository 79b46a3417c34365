"""How long it takes to find the places of an appeal in a city of full size."""

import json
import statistics
from dataclasses import replace
from itertools import product
from time import perf_counter

import pytest

from triage.appeal import Bilingual
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.districts import Street
from triage.enterprises import EnterpriseRegistry
from triage.places import Gazetteer

STREETS, ENTERPRISES, APPEALS, CHARS = 2_000, 1_500, 2_000, 350
MAX_MEDIAN_US = 1_000

_SYLLABLES = ("ба", "кар", "ту", "сен", "жол", "мир", "нур", "дала", "тал", "бек", "сар", "ман")


def grown_city():
    """Return the starter city with made-up streets and enterprises up to full size."""
    city = load_city(STARTER_DATA)
    made_up = [
        Street(Bilingual(ru=f"улица {name.title()}ова", kk=f"{name.title()}ов көшесі"), "ESIL")
        for name in map("".join, product(_SYLLABLES, repeat=4))
    ]
    streets = city.streets + tuple(made_up[: STREETS - len(city.streets)])
    enterprises = list(city.enterprises.enterprises.values())
    copies = [
        replace(enterprise, id=f"{enterprise.id}-{copy}")
        for copy in range(3)
        for enterprise in enterprises
    ]
    return replace(
        city,
        streets=streets,
        enterprises=EnterpriseRegistry.of([*enterprises, *copies][:ENTERPRISES]),
    )


def texts():
    """Return distinct texts of the length of an appeal, from the starter appeals."""
    lines = (STARTER_DATA / "appeals.jsonl").read_text("utf-8").splitlines()
    running = " ".join(json.loads(line)["text"] for line in lines)
    return [running[start : start + CHARS] for start in range(0, APPEALS * CHARS, CHARS)]


def median_us(gazetteer, appeals):
    """Return the median time of one appeal, in microseconds."""
    times = []
    for text in appeals:
        start = perf_counter()
        gazetteer.find(text)
        times.append(perf_counter() - start)
    return statistics.median(times) * 1e6


@pytest.mark.benchmark
def test_find_places_of_an_appeal_takes_well_under_a_millisecond(capsys):
    start = perf_counter()
    gazetteer = Gazetteer.of(grown_city())
    built = (perf_counter() - start) * 1e3
    appeals = texts()
    new, known = median_us(gazetteer, appeals), median_us(gazetteer, appeals)
    with capsys.disabled():
        print(  # noqa: T201  # the figure is what a benchmark is for
            f"\nplaces: {new:.0f} us an appeal of {CHARS} characters with new words,"
            f" {known:.0f} us with known ones; built in {built:.0f} ms"
        )
    assert new < MAX_MEDIAN_US
