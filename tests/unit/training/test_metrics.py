from __future__ import annotations

import numpy as np
import pytest

from training.metrics import level_metrics

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
