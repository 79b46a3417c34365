from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.classifier import LinearHead
from models.hierarchy import START_WEIGHT
from training.calibrate import fit_chain, fit_hierarchy, fit_link, fit_weight
from training.heads import OutOfFold, Task

N_ROWS = 400
TOPICS = ("лифт", "снег", "яма")
PARENTS = {"лифт": "дом", "снег": "двор", "яма": "двор"}


def head(*classes: str) -> LinearHead:
    """A head of which the classes alone count here."""
    n_classes = len(classes)
    return LinearHead(
        classes, np.zeros((1, n_classes), np.float32), np.zeros(n_classes, np.float32)
    )


def one_fold(**margins: np.ndarray) -> OutOfFold:
    n_rows = len(next(iter(margins.values())))
    halves = np.split(np.arange(n_rows), 2)
    splits = [(halves[1], halves[0]), (halves[0], halves[1])]
    return OutOfFold(
        splits, {name: [values[half] for half in halves] for name, values in margins.items()}
    )


@pytest.fixture
def topics() -> np.ndarray:
    return np.random.default_rng(0).integers(0, len(TOPICS), N_ROWS)


def margins_of(columns: np.ndarray, n_classes: int, right: float) -> np.ndarray:
    """Margins of a head that is right this often, and always just as sure."""
    generator = np.random.default_rng(1)
    is_wrong = generator.random(len(columns)) > right
    chosen = np.where(is_wrong, (columns + 1) % n_classes, columns)
    return np.where(np.eye(n_classes, dtype=bool)[chosen], 1.0, -1.0)


@pytest.mark.parametrize("right", [0.6, 0.9])
def test_fit_weight_makes_the_probability_the_share_that_is_right(
    topics: np.ndarray, right: float
) -> None:
    task = Task("topic", np.array(TOPICS, dtype=object)[topics])
    found = one_fold(topic=margins_of(topics, 3, right))
    weight = fit_weight(head(*TOPICS), task, found)
    stated = np.exp(weight) / (np.exp(weight) + 2 * np.exp(-weight))
    observed = (found.stacked("topic").argmax(axis=1) == topics).mean()
    assert stated == pytest.approx(observed, abs=0.01)


def test_fit_weight_without_a_label_that_is_known_stays_at_the_start() -> None:
    task = Task("topic", np.array(["снег", None, None, "нет такой"], dtype=object))
    found = OutOfFold([(np.array([0]), np.array([1, 2, 3]))], {"topic": [np.zeros((3, 3))]})
    assert fit_weight(head(*TOPICS), task, found) == START_WEIGHT
    nothing = OutOfFold([], {"topic": []})
    assert fit_weight(head(*TOPICS), task, nothing) == START_WEIGHT


def test_fit_chain_each_topic_finds_its_category(topics: np.ndarray) -> None:
    names = np.array(TOPICS, dtype=object)[topics]
    tasks = {
        "topic": Task("topic", names),
        "category": Task("category", np.array([PARENTS[name] for name in names], dtype=object)),
    }
    heads = {"category": head("двор", "дом"), "topic": head(*TOPICS)}
    categories = tasks["category"].columns(("двор", "дом"))
    found = one_fold(category=margins_of(categories, 2, 0.9), topic=margins_of(topics, 3, 0.8))
    chain = fit_chain(heads, tasks, found)
    assert chain.parents.tolist() == [1, 0, 0]
    assert (chain.category_weight, chain.topic_weight) != (START_WEIGHT, START_WEIGHT)


def test_fit_link_rows_own_label_does_not_speak_for_it() -> None:
    # Each topic comes once: what the counts say of it, they say from the row itself.
    n_rows = 40
    names = tuple(f"t{number:02}" for number in range(n_rows))
    generator = np.random.default_rng(0)
    enterprises = np.array(["E0", "E1"], dtype=object)[generator.integers(0, 2, n_rows)]
    tasks = {
        "topic": Task("topic", np.array(names, dtype=object)),
        "enterprise": Task("enterprise", enterprises),
    }
    heads = {"topic": head(*names), "enterprise": head("E0", "E1")}
    right = tasks["enterprise"].columns(("E0", "E1"))
    found = one_fold(
        topic=margins_of(np.arange(n_rows), n_rows, 1.0), enterprise=margins_of(right, 2, 0.9)
    )
    hierarchy = fit_hierarchy(heads, tasks, found)
    link = fit_link(heads, tasks, found, hierarchy)
    assert link.head_weight > 0.5
    by_counts_alone = link.shares.argmax(axis=1) == right
    assert by_counts_alone.all()
    log_shares = link.shares_weight * np.log(link.shares)
    assert np.ptp(log_shares, axis=1).max() < link.head_weight


def test_fit_hierarchy_levels_that_are_there_decide_its_shape(topics: np.ndarray) -> None:
    values = {
        "category": np.array(["двор", "дом"], dtype=object)[(topics == 0).astype(int)],
        "topic": np.array(TOPICS, dtype=object)[topics],
        "enterprise": np.array(["E0", "E1", "E2"], dtype=object)[topics],
    }
    heads = {name: head(*sorted(set(found))) for name, found in values.items()}
    shapes = {
        ("category",): (False, False, {"category"}),
        ("enterprise",): (False, False, {"enterprise"}),
        ("category", "enterprise"): (False, False, {"category", "enterprise"}),
        ("topic", "enterprise"): (False, True, {"topic"}),
        ("category", "topic"): (True, False, set()),
        ("category", "topic", "enterprise"): (True, True, set()),
    }
    for names, shape in shapes.items():
        tasks = {name: Task(name, values[name]) for name in names}
        columns = {name: tasks[name].columns(heads[name].classes) for name in names}
        found = one_fold(
            **{name: margins_of(columns[name], len(heads[name].classes), 0.8) for name in names}
        )
        hierarchy = fit_hierarchy({name: heads[name] for name in names}, tasks, found)
        assert (
            hierarchy.chain is not None,
            hierarchy.link is not None,
            set(hierarchy.weights),
        ) == shape
        margins: dict[Any, np.ndarray] = {name: found.stacked(name) for name in names}
        probabilities = hierarchy.probabilities(margins)
        assert probabilities.keys() == set(names)
        for values_of in probabilities.values():
            assert values_of.sum(axis=1) == pytest.approx(1)
