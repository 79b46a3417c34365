"""How much rules and history weigh, recovered from simulated appeals."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.classifier import LinearHead
from models.prediction import Distribution, Level, Prediction
from training.contract import Joiner
from training.join import Proposals, RoutedAppeals, fit_join
from triage.appeal import Appeal, Bilingual
from triage.citydata import City
from triage.districts import Districts
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.joining import Join
from triage.routing import Router
from triage.rules import Rule, RuleBook
from triage.taxonomy import Taxonomy
from triage.whereabouts import NOWHERE

NAME = Bilingual("имя", "аты")
CODES = ("A", "B", "C", "D")
TOPICS = ("ta", "tb", "tc", "td")
N_ROWS = 400
Probabilities = dict[Level, np.ndarray]
DAY = date(2026, 3, 2)


def make_router() -> Router:
    rules = [
        Rule(topic, line, frozenset({topic}), NAME, enterprise=code)
        for line, (topic, code) in enumerate(zip(TOPICS, CODES, strict=True))
    ]
    bodies = [Enterprise(code, "utility", NAME) for code in CODES]
    city = City(Taxonomy.of([], []), EnterpriseRegistry.of(bodies), Districts.of([]), streets=())
    return Router.of(city, RuleBook.of(tuple(rules), {}, "v"))


@pytest.fixture(scope="module")
def appeals() -> RoutedAppeals:
    return RoutedAppeals(
        router=make_router(),
        texts=("",) * N_ROWS,
        days=(DAY,) * N_ROWS,
        where=(NOWHERE,) * N_ROWS,
        topics=TOPICS,
        enterprises=CODES,
        codes=CODES,
    )


def told(labels: np.ndarray, right: float, seed: int) -> np.ndarray:
    """Return probabilities whose best is the label as often as told, and by chance else."""
    generator = np.random.default_rng(seed)
    chance = generator.integers(len(CODES), size=len(labels))
    columns = np.where(generator.random(len(labels)) < right, labels, chance)
    return np.where(np.eye(len(CODES))[columns] > 0, 0.91, 0.03)


def fitted(
    appeals: RoutedAppeals, rules_right: float, history_right: float
) -> tuple[Join, Probabilities, np.ndarray]:
    labels = np.random.default_rng(0).integers(len(CODES), size=N_ROWS)
    probabilities: Probabilities = {
        "topic": told(labels, rules_right, 1),
        "enterprise": told(labels, history_right, 2),
    }
    return fit_join(propose(appeals, probabilities), labels), probabilities, labels


def propose(appeals: RoutedAppeals, probabilities: Probabilities) -> Proposals:
    return appeals.propose(np.arange(len(probabilities["topic"])), probabilities)


def test_fit_join_good_rules_are_followed(appeals: RoutedAppeals) -> None:
    join, probabilities, labels = fitted(appeals, 0.95, 0.0)
    joint = propose(appeals, probabilities).joined(join)
    assert (joint.argmax(axis=1) == probabilities["topic"].argmax(axis=1)).all()
    assert (joint.argmax(axis=1) == labels).mean() > 0.93


def test_fit_join_good_history_is_followed_where_rules_are_random(appeals: RoutedAppeals) -> None:
    join, probabilities, labels = fitted(appeals, 0.0, 0.95)
    joint = propose(appeals, probabilities).joined(join)
    assert (joint.argmax(axis=1) == probabilities["enterprise"].argmax(axis=1)).all()
    assert (joint.argmax(axis=1) == labels).mean() > 0.93


def test_fit_join_probabilities_are_about_as_sure_as_they_are_right(
    appeals: RoutedAppeals,
) -> None:
    join, probabilities, labels = fitted(appeals, 0.6, 0.6)
    joint = propose(appeals, probabilities).joined(join)
    right = (joint.argmax(axis=1) == labels).mean()
    assert joint.max(axis=1).mean() == pytest.approx(right, abs=0.05)


def test_fit_join_no_example_gives_plain_rule_order(appeals: RoutedAppeals) -> None:
    nothing = np.zeros((0, len(CODES)))
    proposals = propose(appeals, {"topic": nothing, "enterprise": nothing})
    assert fit_join(proposals, np.arange(0)) == Join()


def test_joiner_asks_about_known_enterprises_alone(appeals: RoutedAppeals) -> None:
    labels = np.random.default_rng(0).integers(len(CODES), size=N_ROWS)
    labels[3] = -1
    languages = np.resize(["ru", "kk"], N_ROWS)
    rows, known = np.array([7, 3, 10]), np.array([7, 10])
    shares: Probabilities = {"topic": told(labels, 1.0, 1), "enterprise": told(labels, 0.0, 2)}
    joiner = Joiner(appeals, labels, languages)
    proposals = joiner.propose(rows, {level: found[rows] for level, found in shares.items()})
    alone = appeals.propose(known, {level: found[known] for level, found in shares.items()})
    assert proposals.rows.tolist() == known.tolist()
    assert (proposals.model == alone.model).all()
    assert (proposals.rules == alone.rules).all()
    sample = joiner.sample(Join(), proposals)
    assert sample.label.tolist() == [CODES[label] for label in labels[known]]
    assert sample.language.tolist() == ["kk", "ru"]
    assert sample.correct.all()


def test_joined_is_what_the_router_joins(appeals: RoutedAppeals) -> None:
    join, probabilities, _ = fitted(appeals, 0.7, 0.7)
    joint = propose(appeals, {k: v[:5] for k, v in probabilities.items()}).joined(join)
    for row in range(5):
        prediction = Prediction(
            "ru",
            {},
            None,
            1.0,
            {
                "topic": Distribution(TOPICS, probabilities["topic"][row]),
                "enterprise": Distribution(CODES, probabilities["enterprise"][row]),
            },
        )
        found = appeals.router.route(Appeal(text=""), prediction, join, DAY)[0]
        expected = dict(zip(CODES, joint[row], strict=True))
        assert {one.code: one.probability for one in found.candidates} == pytest.approx(expected)


def test_routed_appeals_labels_that_nobody_has_are_unknown() -> None:
    table = pd.DataFrame(
        {
            "text": ["а", "б", "в"],
            "received_at": np.array([None] * 3, dtype=object),
            "enterprise": np.array(["B", "GONE", None], dtype=object),
        }
    )
    weights, intercept = np.zeros((1, 2), np.float32), np.zeros(2, np.float32)
    heads: dict[Level, LinearHead] = {
        "topic": LinearHead(TOPICS[:2], weights, intercept),
        "enterprise": LinearHead(("B", "OLD"), weights, intercept),
    }
    found = RoutedAppeals.of(make_router(), table, heads, range(len(table)))
    assert found.codes == ("A", "B", "C", "D", "OLD")
    assert found.labels(table).tolist() == [1, -1, -1]
    history = found.history(np.array([[0.25, 0.75]]))
    assert history.tolist() == [[0.0, 0.25, 0.0, 0.0, 0.75]]
