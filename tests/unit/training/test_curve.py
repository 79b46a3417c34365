from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.curve import SHARES, Curve, Point, learning_curve
from training.curveplot import save_curve
from training.data import read_examples
from training.errors import InvalidTrainingDataError
from triage.citydata import load_city
from triage.config import STARTER_DATA


@pytest.fixture(scope="module")
def examples():
    city = load_city(STARTER_DATA)
    path = STARTER_DATA / "appeals.jsonl"
    found = read_examples([str(path)], taxonomy=city.taxonomy, enterprises=city.enterprises)
    return replace(found, table=found.table.iloc[:1_200].reset_index(drop=True))


@pytest.fixture(scope="module")
def curve(examples):
    return learning_curve(examples, "category", dense_encoder=None)


def test_learning_curve_more_examples_give_a_higher_accuracy(curve):
    assert [point.n for point in curve.points] == sorted(point.n for point in curve.points)
    assert len(curve.points) == len(SHARES)
    assert curve.points[-1].accuracy > curve.points[0].accuracy + 0.1
    assert all(point.low <= point.accuracy <= point.high for point in curve.points)


def test_learning_curve_law_passes_near_the_points(curve):
    told = curve.accuracy_at(np.array([point.n for point in curve.points]))
    measured = [point.accuracy for point in curve.points]
    assert np.abs(told - measured).max() < 0.06
    assert told[-1] < curve.accuracy_at(np.array(10_000)) <= 1


def test_learning_curve_weaker_class_wants_more(curve):
    wanting = [want for want in curve.wants if want.more is not None]
    assert wanting
    assert all(want.recall < 0.8 and want.more >= 1 for want in wanting)
    assert [want.more for want in wanting] == sorted(want.more for want in wanting)


def test_learning_curve_same_seed_gives_the_same(examples):
    few = replace(examples, table=examples.table.iloc[:300])
    first, second = (learning_curve(few, "category", dense_encoder=None) for _ in range(2))
    assert first == second


def test_learning_curve_one_class_says_there_is_too_little(examples):
    table = examples.table.assign(category="roads", topic=None)
    with pytest.raises(InvalidTrainingDataError, match="too few examples with a category"):
        learning_curve(replace(examples, table=table), "category", dense_encoder=None)


def test_accuracy_at_without_a_law_is_not_known():
    curve = Curve("topic", (Point(10, 0.5, 0.4, 0.6),), None, ())
    assert np.isnan(curve.accuracy_at(np.array([10.0]))).all()


def test_save_curve_writes_the_same_file_twice(curve, tmp_path):
    save_curve(curve, tmp_path / "one.svg")
    save_curve(curve, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert b"<svg" in (tmp_path / "one.svg").read_bytes()
