from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from appeal_files import corpus

from models import folder
from models.bundle import TriageModel
from models.prediction import Prediction
from training.benchmark.promise import contract_figures
from training.metrics import Choices
from triage.policy import Policy

POLICY = Policy(target_precision=0.9, confidence=0.9)


@pytest.fixture(scope="module")
def model(model_folder: Path) -> TriageModel:
    return folder.load(model_folder)


@pytest.fixture(scope="module")
def predictions(model: TriageModel) -> list[Prediction]:
    return model.predict([row["text"] for row in corpus()[700:900]])


def choices(predictions: list[Prediction], *, n_wrong: int) -> Choices:
    """Return choices of which the least probable are wrong and the most probable unlabelled."""
    found = [one.distributions["enterprise"].probabilities for one in predictions]
    classes = predictions[0].distributions["enterprise"].classes
    right = np.array([classes[row.argmax()] for row in found], dtype=object)
    order = np.argsort([row.max() for row in found], kind="stable")
    right[order[:n_wrong]] = "somebody else"
    right[order[-1]] = None
    return Choices.of(right, np.stack(found), classes)


def test_contract_figures_count_labelled_texts_that_go_unseen(
    model: TriageModel, predictions: list[Prediction]
) -> None:
    # The fixture's model goes by its probability and lets through from a half on.
    chosen = choices(predictions, n_wrong=100)
    found = contract_figures(model, "enterprise", predictions, chosen, POLICY)
    routed = chosen.labelled.probability >= 0.5
    assert 5 < routed.sum() < 100
    assert found["contract_coverage"] == pytest.approx(routed.mean(), abs=0.05)
    assert found["contract_precision"] == 1
    assert found["contract_precision_low"] < 1
    assert found["contract_target"] == 0.9
    assert found["contract_promised_coverage"] == pytest.approx(0.5, abs=0.06)
    assert found["hindsight_coverage"] == pytest.approx(99 / 0.9 / 199, abs=0.006)


def test_contract_figures_of_a_level_without_a_sample_route_nothing(
    model: TriageModel, predictions: list[Prediction]
) -> None:
    found = contract_figures(model, "topic", predictions, choices(predictions, n_wrong=0), POLICY)
    assert (found["contract_coverage"], found["contract_promised_coverage"]) == (0, 0)
    assert "contract_precision" not in found


def test_contract_figures_without_labels_are_none(
    model: TriageModel, predictions: list[Prediction]
) -> None:
    chosen = choices(predictions, n_wrong=0)
    unknown = Choices(np.full(200, None), chosen.best, chosen.probability, chosen.second)
    assert contract_figures(model, "enterprise", predictions, unknown, POLICY) == {}
