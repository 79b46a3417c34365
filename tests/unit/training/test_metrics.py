from __future__ import annotations

import numpy as np
import pytest

from training.metrics import Choices, joined, level_metrics, measure, wilson_interval

CLASSES = ("a", "b", "c", "d")


def probabilities(*chosen: tuple[str, float]) -> np.ndarray:
    """Rows in which one class has this probability and the others share the rest."""
    rows = []
    for name, probability in chosen:
        row = np.full(len(CLASSES), (1 - probability) / (len(CLASSES) - 1))
        row[CLASSES.index(name)] = probability
        rows.append(row)
    return np.array(rows)


def labels(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


def test_level_metrics_agree_with_figures_by_hand() -> None:
    true = labels("a", "a", "b", None, "never seen")
    given = probabilities(("a", 0.9), ("b", 0.9), ("b", 0.9), ("c", 0.4), ("a", 0.4))
    found = level_metrics(true, given, CLASSES)
    # F1 of a: 1 of 2 said and 1 of 2 there; of b: 1 of 2 and 1 of 1; of the unseen one: 0.
    assert found == pytest.approx(
        {
            "n": 4,
            "accuracy": 2 / 4,
            "top3_accuracy": 3 / 4,
            "macro_f1": (1 / 2 + 2 / 3 + 0) / 3,
            "ece": (3 * abs(0.9 - 2 / 3) + 1 * 0.4) / 4,
        }
    )


def test_level_metrics_third_candidate_counts_and_fourth_does_not() -> None:
    given = np.array([[0.4, 0.3, 0.2, 0.1]] * 4)
    found = level_metrics(labels(*CLASSES), given, CLASSES)
    assert found["top3_accuracy"] == 3 / 4
    assert found["accuracy"] == 1 / 4


def test_level_metrics_without_labels_are_none() -> None:
    assert level_metrics(labels(None, None), np.eye(4)[:2], CLASSES) == {}


def test_level_metrics_two_classes_and_one_example_work() -> None:
    found = level_metrics(labels("b"), np.array([[0.2, 0.8]]), ("a", "b"))
    assert (found["accuracy"], found["top3_accuracy"], found["macro_f1"]) == (1, 1, 1)


def test_measure_choices_without_probabilities_has_no_calibration_error() -> None:
    margins = np.array([[2.0, -1.0, -3.0], [-1.0, 0.5, -0.2]])
    choices = Choices.of(labels("a", "c"), margins, CLASSES[:3], probable=False)
    assert measure(choices) == {"n": 2, "accuracy": 1 / 2, "top3_accuracy": 1, "macro_f1": 1 / 3}


def test_choices_with_fewer_classes_than_candidates_leave_the_rest_empty() -> None:
    choices = Choices.of(labels("a"), np.array([[0.3, 0.7]]), ("a", "b"))
    assert choices.best.tolist() == [["b", "a", None]]
    assert choices.probability.tolist() == [0.7]


def test_choices_know_the_two_largest_probabilities() -> None:
    choices = Choices.of(labels("a"), np.array([[0.1, 0.6, 0.3]]), CLASSES[:3])
    assert (choices.probability.tolist(), choices.second.tolist()) == ([0.6], [0.3])
    single = Choices.of(labels("a"), np.array([[1.0]]), CLASSES[:1])
    assert (single.probability.tolist(), single.second.tolist()) == ([1.0], [0.0])


def test_joined_brings_rows_back_into_their_order() -> None:
    first = Choices.of(labels("a", None), np.eye(4)[:2], CLASSES)
    second = Choices.of(labels("d"), np.eye(4)[3:], CLASSES)
    ends, start = np.array([1, 2]), np.array([0])
    both = joined([first, second], [(start, ends), (ends, start)])
    assert both.true.tolist() == ["d", "a", None]
    assert both.best[:, 0].tolist() == ["d", "a", "b"]
    assert both.labelled.correct.tolist() == [True, True]


@pytest.mark.parametrize(
    ("share", "n", "interval"),
    # From the closed form, worked out with a desk calculator.
    [(0.5, 10, (0.2366, 0.7634)), (1.0, 10, (0.7225, 1.0)), (0.0, 10, (0.0, 0.2775))],
)
def test_wilson_interval_agrees_with_the_closed_form(
    share: float, n: int, interval: tuple[float, float]
) -> None:
    assert wilson_interval(share, n) == pytest.approx(interval, abs=1e-4)
