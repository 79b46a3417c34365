"""How long it takes to find the places of an appeal, and to route it, in a city of full size."""

import json
import statistics
from dataclasses import replace
from datetime import date
from itertools import product
from time import perf_counter

import numpy as np
import pytest

from models.prediction import Distribution, Prediction
from triage.appeal import Appeal, Bilingual
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.districts import Street
from triage.enterprises import EnterpriseRegistry
from triage.joining import Join
from triage.places import Gazetteer
from triage.routing import Router
from triage.rulefile import load_city_rules

STREETS, ENTERPRISES, APPEALS, CHARS = 2_000, 1_500, 2_000, 350
MAX_MEDIAN_US, MAX_ROUTED_US = 1_000, 3_000

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


def predictions(city):
    """Return a prediction for each appeal: some topics likely, all enterprises possible."""
    topics, enterprises = tuple(city.taxonomy.topics), tuple(city.enterprises.enterprises)
    rng = np.random.default_rng(0)
    return [
        Prediction(
            language="ru",
            levels={},
            urgency=None,
            evidence=1.0,
            distributions={
                "topic": Distribution(topics, rng.dirichlet(np.full(len(topics), 0.05))),
                "enterprise": Distribution(
                    enterprises, rng.dirichlet(np.full(len(enterprises), 0.05))
                ),
            },
        )
        for _ in range(APPEALS)
    ]


def median_us(work, *inputs):
    """Return the median time of one appeal, in microseconds."""
    times = []
    for one in zip(*inputs, strict=True):
        start = perf_counter()
        work(*one)
        times.append(perf_counter() - start)
    return statistics.median(times) * 1e6


@pytest.mark.benchmark
def test_find_places_of_an_appeal_takes_well_under_a_millisecond(capsys):
    start = perf_counter()
    gazetteer = Gazetteer.of(grown_city())
    built = (perf_counter() - start) * 1e3
    appeals = texts()
    new, known = median_us(gazetteer.find, appeals), median_us(gazetteer.find, appeals)
    with capsys.disabled():
        print(  # noqa: T201  # the figure is what a benchmark is for
            f"\nplaces: {new:.0f} us an appeal of {CHARS} characters with new words,"
            f" {known:.0f} us with known ones; built in {built:.0f} ms"
        )
    assert new < MAX_MEDIAN_US


@pytest.mark.benchmark
def test_route_an_appeal_with_its_places_takes_about_a_millisecond(capsys):
    city = grown_city()
    router = Router.of(city, load_city_rules(STARTER_DATA, city))
    join, day = Join(model_weight=0.1, rules_weight=1.0, history_share=0.05), date(2026, 3, 2)
    appeals, predicted = [Appeal(text=text) for text in texts()], predictions(city)

    def route(appeal, prediction):
        router.route(appeal, prediction, join, day)

    new, known = (median_us(route, appeals, predicted) for _ in range(2))
    with capsys.disabled():
        print(  # noqa: T201  # the figure is what a benchmark is for
            f"\nplaces and routing: {new:.0f} us an appeal of {CHARS} characters with new words,"
            f" {known:.0f} us with known ones; {STREETS} streets, {ENTERPRISES} enterprises"
        )
    assert known < MAX_ROUTED_US
