"""On real appeals: halving the training data shows in the comparison, restoring it does too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.registry import LoadedModel
from training.compare import compare
from training.data import read_examples
from training.fit import fit_model
from training.gatefile import load_gates
from training.gates import judge_overall
from triage.policy import Policy

pytestmark = pytest.mark.statistical

KURSK = Path(__file__).parents[3] / "shared/data/kursk"


@pytest.fixture(scope="module")
def models():
    """A model of all training appeals and one of half of them, and appeals neither has seen."""
    if not KURSK.is_dir():
        pytest.skip("the Kursk appeals are not here: they may not be shipped")
    examples = read_examples([str(KURSK / "train.csv")])
    # Words alone and no enterprises: fitted in seconds.
    table = examples.table.assign(enterprise=None)
    order = np.random.default_rng(0).permutation(len(table))
    half = replace(examples, table=table.iloc[order[::2]].reset_index(drop=True))
    found = [
        LoadedModel(fit_model(one, dense_encoder=None), "kursk", version)
        for version, one in (("whole", replace(examples, table=table)), ("half", half))
    ]
    return (*found, read_examples([str(KURSK / "open_test.csv")]))


def test_compare_halved_training_data_is_caught(models, record_property):
    whole, half, tested = models
    comparison = compare(whole, half, tested, policy=Policy())
    for level in ("category", "topic"):
        found = comparison.whole(level)
        accuracy = found.differences["accuracy"]
        record_property(f"{level}_difference", (accuracy.value, accuracy.low, accuracy.high))
        record_property(f"{level}_p_value", found.p_value)
        assert accuracy.value < 0
    topic = comparison.whole("topic")
    assert topic.differences["accuracy"].high < 0
    assert topic.p_value < 0.05
    assert not judge_overall(comparison, **load_gates()["overall"])[0]
    worst = comparison.changes[0]
    assert worst.outcome == "lost"


def test_compare_restored_training_data_is_accepted(models):
    whole, half, tested = models
    comparison = compare(half, whole, tested, policy=Policy())
    assert comparison.whole("topic").differences["accuracy"].low > 0
    assert judge_overall(comparison, **load_gates()["overall"])[0]
