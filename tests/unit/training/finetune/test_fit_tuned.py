from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from appeal_files import corpus, write_jsonl

from models import folder
from models.bundle import TriageModel
from models.encoders import SentenceTransformerEncoder
from training.data import Examples, read_examples
from training.finetune.folds import N_TUNED_FOLDS, FineTuning
from training.fit import fit_model
from training.halves import contract_over_splits
from triage.policy import Policy

N_ROWS = 60


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    path = tmp_path_factory.mktemp("corpus") / "appeals.jsonl"
    rows = [{**row, "urgent": number % 4 == 0} for number, row in enumerate(corpus()[:N_ROWS])]
    return read_examples([str(write_jsonl(path, rows))])


@pytest.fixture(scope="module")
def model(examples: Examples, transformer: SentenceTransformerEncoder) -> TriageModel:
    tuning = FineTuning.of(transformer, 1, quantised=False)
    return fit_model(examples, dense_encoder=None, tuning=tuning)


def test_fit_model_fine_tuned_encoder_is_part_of_the_model(
    examples: Examples, model: TriageModel, transformer: SentenceTransformerEncoder
) -> None:
    texts = list(examples.table["text"])
    assert model.dense_encoder is not None
    assert (model.dense_encoder.encode(texts) != transformer.encode(texts)).any()
    assert model.info.encoder == transformer.name
    assert model.info.parameters["n_folds"] == N_TUNED_FOLDS


def test_fit_model_fine_tuned_heads_listen_to_words_and_to_the_network(
    examples: Examples, model: TriageModel
) -> None:
    texts = list(examples.table["text"][:5])
    matrix, _ = model.encode(texts)
    n_words = len(model.sparse_encoder.vocabulary)
    for level, head in model.heads.items():
        assert head.coef.shape[0] == matrix.shape[1], level
        assert np.abs(head.coef[:n_words]).max() > 0
        assert np.abs(head.coef[n_words:]).max() > 0
    assert model.urgency is not None
    assert (model.urgency.coef[n_words:] == 0).all()


def test_fit_model_fine_tuned_contract_sample_has_every_appeal_once(model: TriageModel) -> None:
    assert {len(sample.probability) for sample in model.contract_samples.values()} == {N_ROWS}


def test_fit_model_fine_tuned_contract_can_be_tried_on_halves(
    examples: Examples, model: TriageModel
) -> None:
    tried = contract_over_splits(model, examples, "topic", policy=Policy(), n_splits=3, seed=0)
    assert tried["n"] == N_ROWS


def test_fit_model_fine_tuned_saved_and_loaded_answers_alike(
    examples: Examples, model: TriageModel, tmp_path: Path
) -> None:
    folder.save(model, tmp_path / "model")
    texts = list(examples.table["text"][:10])
    for ours, theirs in zip(
        model.predict(texts), folder.load(tmp_path / "model").predict(texts), strict=True
    ):
        assert theirs.top("topic") == ours.top("topic")
