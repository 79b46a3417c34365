from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.bundle import TriageModel
from training.data import Examples, complete_levels, read_examples
from training.errors import InvalidTrainingDataError
from training.fit import fit_model
from training.halves import contract_over_splits, halves
from triage.config import STARTER_DATA
from triage.policy import Policy

N_ROWS = 300
POLICY = Policy(target_precision=0.5)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    corpus = tmp_path_factory.mktemp("corpus") / "appeals.jsonl"
    with (STARTER_DATA / "appeals.jsonl").open(encoding="utf-8") as lines:
        corpus.write_text("".join(next(lines) for _ in range(N_ROWS)), encoding="utf-8")
    found = read_examples([str(corpus)])
    table = found.table.assign(category=[t.split(".")[0] for t in found.table["topic"]])
    table.loc[::7, "topic"] = None
    return replace(found, table=table.assign(enterprise=None))


@pytest.fixture(scope="module")
def model(examples: Examples) -> TriageModel:
    return fit_model(examples, dense_encoder=None, seed=3)


def with_sample(model: TriageModel, **columns: Any) -> TriageModel:
    sample = replace(model.contract_samples["topic"], **columns)
    return replace(model, contract_samples={"topic": sample})


def test_halves_never_cut_a_cluster_and_are_halves() -> None:
    clusters = np.array([0, 0, 0, 1, 2, 3, 3, 4, 5, 6])
    found = list(halves(clusters, n_splits=20, seed=1))
    assert len(found) == 20
    for half in found:
        assert not set(clusters[half]) & set(clusters[~half])
        assert len(set(clusters[half])) == 4
    assert len({tuple(half) for half in found}) > 10


def test_contract_over_splits_figures_of_a_model_that_is_always_right(
    model: TriageModel, examples: Examples
) -> None:
    n_known = int(examples.table["topic"].notna().sum())
    ones = np.ones(n_known)
    sure = with_sample(model, probability=ones, correct=ones.astype(bool))
    figures = contract_over_splits(sure, examples, "topic", POLICY, n_splits=5)
    assert figures["n"] == n_known
    assert figures["n_splits"] == 5
    assert [figures[name] for name in ("concluded", "held", "refuted")] == [1.0, 1.0, 0.0]
    assert figures["coverage"] == figures["coverage_least"] == figures["coverage_largest"] == 1.0
    assert figures["precision"] == 1.0


def test_contract_over_splits_of_a_model_that_is_always_wrong_routes_nothing(
    model: TriageModel, examples: Examples
) -> None:
    n_known = int(examples.table["topic"].notna().sum())
    wrong = with_sample(model, correct=np.zeros(n_known, dtype=bool))
    figures = contract_over_splits(wrong, examples, "topic", POLICY, n_splits=5)
    assert [figures[name] for name in ("concluded", "held", "refuted")] == [0.0, 1.0, 0.0]
    assert figures["coverage"] == figures["precision"] == 0.0


@pytest.mark.parametrize("level", ["category", "topic"])
def test_contract_over_splits_finds_the_examples_of_each_level(
    model: TriageModel, examples: Examples, level: Any
) -> None:
    figures = contract_over_splits(model, examples, level, POLICY, n_splits=3)
    assert figures["n"] == complete_levels(examples.table)[level].notna().sum()
    assert figures["precision"] > 0.5 or not figures["concluded"]


def test_contract_over_splits_of_dated_appeals_takes_the_latest(examples: Examples) -> None:
    table = pd.concat([examples.table, examples.table.assign(text=examples.table["text"] + " 2")])
    days = pd.date_range("2026-01-01", periods=len(table), tz="UTC").to_pydatetime()
    dated = replace(examples, table=table.assign(received_at=days).reset_index(drop=True))
    model = fit_model(dated, dense_encoder=None)
    figures = contract_over_splits(model, dated, "topic", POLICY, n_splits=3)
    assert figures["n"] == len(model.contract_samples["topic"].label)
    assert 0 < figures["n"] < 0.2 * len(table)


def test_contract_over_splits_of_other_appeals_is_refused(
    model: TriageModel, examples: Examples
) -> None:
    turned = replace(examples, table=examples.table[::-1].reset_index(drop=True))
    with pytest.raises(InvalidTrainingDataError, match="not fitted on these"):
        contract_over_splits(model, turned, "topic", POLICY)
