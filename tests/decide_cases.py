"""A small city, predictions for it, and decisions on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from models.prediction import Candidate, Distribution, Prediction
from models.selective import Contract, Part
from triage.appeal import Appeal, Bilingual, Versions
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.decide import Context, decide
from triage.districts import District, Districts
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.joining import Join
from triage.policy import Policy
from triage.routing import Router
from triage.rules import NO_RULES
from triage.taxonomy import Category, Taxonomy, Topic
from triage.urgency import DangerWords

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


def make_context() -> Context:
    words = DangerWords.load(STARTER_DATA / "danger_words.tsv")
    return Context(CITY, Router.of(CITY, NO_RULES), Join(), words, Policy(), CONTRACT, {}, VERSIONS)


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
