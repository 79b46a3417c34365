"""The chosen label's probability is corrected; choices and sums stay as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.calibration import expected_calibration_error, fit_curve
from models.toplabel import BetaCurve, correct, correct_all

CURVES = st.builds(BetaCurve, a=st.floats(0.05, 3), b=st.floats(0.05, 3), c=st.floats(-3, 3))


def distributions(n_classes: int) -> st.SearchStrategy[np.ndarray]:
    positive = st.floats(0.001, 1)
    return arrays(np.float64, (4, n_classes), elements=positive).map(
        lambda rows: rows / rows.sum(axis=1, keepdims=True)
    )


def test_curve_by_default_changes_nothing() -> None:
    claimed = np.linspace(0.01, 0.99, 9)
    assert BetaCurve().apply(claimed) == pytest.approx(claimed)


def test_curve_by_hand() -> None:
    # logit q = 2 ln 0.5 - 1 ln 0.5 + 1 = 1 - ln 2
    assert BetaCurve(2.0, 1.0, 1.0).apply(np.array([0.5]))[0] == pytest.approx(
        1 / (1 + np.exp(np.log(2) - 1))
    )


@given(distributions(6), CURVES)
def test_correct_keeps_choice_and_sum(probabilities: np.ndarray, curve: BetaCurve) -> None:
    corrected = correct(probabilities, curve)
    assert corrected.sum(axis=1) == pytest.approx(np.ones(4))
    assert (corrected >= 0).all()
    assert (corrected.argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_correct_never_lets_the_next_label_overtake() -> None:
    corrected = correct(np.array([[0.51, 0.49]]), BetaCurve(c=-3.0))
    assert corrected[0] == pytest.approx([0.5, 0.5])
    assert corrected[0, 0] > corrected[0, 1]


def test_correct_with_one_class_stays_certain() -> None:
    assert correct(np.ones((3, 1)), BetaCurve(c=-2.0)).tolist() == [[1.0]] * 3


@given(distributions(7), CURVES, CURVES)
def test_correct_all_topics_still_sum_to_categories(
    topics: np.ndarray, of_category: BetaCurve, of_topic: BetaCurve
) -> None:
    parents = np.array([0, 0, 0, 1, 1, 2, 2])
    categories = topics @ np.eye(3)[parents]
    agreeing = parents[topics.argmax(axis=1)] == categories.argmax(axis=1)
    corrected = correct_all(
        {"category": categories[agreeing], "topic": topics[agreeing]},
        {"category": of_category, "topic": of_topic},
        parents,
    )
    assert corrected["topic"] @ np.eye(3)[parents] == pytest.approx(corrected["category"])
    assert (corrected["topic"].argmax(axis=1) == topics[agreeing].argmax(axis=1)).all()
    assert (corrected["category"].argmax(axis=1) == categories[agreeing].argmax(axis=1)).all()


def test_fit_curve_mends_boasts() -> None:
    rng = np.random.default_rng(0)
    claimed = rng.uniform(0.2, 0.999, 4_000)
    correct_ = rng.random(4_000) < claimed**2
    curve = fit_curve(claimed, correct_)
    before = expected_calibration_error(claimed, correct_)
    after = expected_calibration_error(curve.apply(claimed), correct_)
    assert before > 0.12
    assert after < 0.02


def test_fit_curve_without_examples_changes_nothing() -> None:
    assert fit_curve(np.zeros(0), np.zeros(0, dtype=bool)) == BetaCurve()


@given(st.integers(1, 30), st.integers(0, 10_000))
def test_fit_curve_on_few_examples_stays_rising(n_examples: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    curve = fit_curve(rng.random(n_examples), rng.random(n_examples) < 0.5)
    assert (np.diff(curve.apply(np.linspace(0, 1, 50))) >= 0).all()
