from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from appeal_files import corpus
from tiny_transformer import word_pieces

from models.encoders import (
    DenseEncoder,
    OnnxEncoder,
    SentenceTransformerEncoder,
    load_encoder,
)
from training.errors import InvalidTrainingDataError, TrainingError
from training.finetune.ensemble import Networks
from training.finetune.folds import FineTuning, fit_networks
from training.heads import Task
from triage.progress import Reporter, Silent

N_TEXTS = 24
ROWS = corpus()[:N_TEXTS]
TEXTS = [row["text"] for row in ROWS]
TOPICS = np.array([row["topic"] for row in ROWS], dtype=object)
CATEGORIES = np.array([f"{row % 3}" for row in range(N_TEXTS)], dtype=object)
URGENCY = np.array(["normal", "urgent"] * (N_TEXTS // 2), dtype=object)
HELD_OUT = np.arange(8)
SPLITS = [
    (np.arange(8, N_TEXTS), HELD_OUT),
    (np.arange(16), np.arange(16, N_TEXTS)),
]


class Steps:
    def __init__(self) -> None:
        self.told: list[str] = []

    def track(self, step: str, items: Iterable[Any], total: int | None = None) -> Iterable[Any]:
        self.told.append(step)
        return items


def tasks(topics: np.ndarray = TOPICS) -> list[Task]:
    return [Task("topic", topics), Task("category", CATEGORIES), Task("urgency", URGENCY)]


def networks(
    encoder: SentenceTransformerEncoder,
    *,
    topics: np.ndarray = TOPICS,
    quantised: bool = False,
    progress: Reporter | None = None,
) -> Networks:
    tuning = FineTuning.of(encoder, 1, quantised=quantised)
    progress = progress or Silent()
    return fit_networks(tuning, TEXTS, tasks(topics), SPLITS, seed=0, progress=progress)


def test_fit_networks_levels_are_trained_and_urgency_is_not(
    transformer: SentenceTransformerEncoder,
) -> None:
    fitted = networks(transformer)
    assert fitted.final.heads.keys() == {"topic", "category"}
    assert fitted.final.heads["topic"].classes == tuple(sorted(set(TOPICS)))
    assert fitted.n_dimensions == transformer.encode(["вода"]).shape[1]
    assert [fold["category"].shape for fold in fitted.held_out] == [(8, 3), (8, 3)]


def test_fit_networks_labels_of_held_out_texts_do_not_reach_their_margins(
    transformer: SentenceTransformerEncoder,
) -> None:
    swapped = TOPICS.copy()
    swapped[HELD_OUT] = TOPICS[HELD_OUT][::-1]
    first, second = (networks(transformer, topics=topics) for topics in (TOPICS, swapped))
    assert (first.held_out[0]["topic"] == second.held_out[0]["topic"]).all()
    assert (first.held_out[1]["topic"] != second.held_out[1]["topic"]).any()


def test_fit_networks_tells_every_training_it_takes(
    transformer: SentenceTransformerEncoder,
) -> None:
    steps = Steps()
    networks(transformer, progress=steps)
    assert [step for step in steps.told if step.startswith("fine-tuning")] == [
        "fine-tuning without fold 1 of 2",
        "fine-tuning without fold 2 of 2",
        "fine-tuning on all texts",
    ]


def test_fit_networks_quantised_encoder_is_the_one_that_judges_and_serves(
    transformer: SentenceTransformerEncoder,
) -> None:
    pytest.importorskip("onnxscript", reason="the onnx extra is not installed")
    plain, small = networks(transformer), networks(transformer, quantised=True)
    assert isinstance(small.final.encoder, OnnxEncoder)
    margins, others = plain.held_out[0]["category"], small.held_out[0]["category"]
    assert others == pytest.approx(margins, abs=0.1)
    assert (others != margins).any()


def test_fit_networks_one_label_at_every_level_is_an_error(
    transformer: SentenceTransformerEncoder,
) -> None:
    tuning = FineTuning.of(transformer, 1, quantised=False)
    one = [Task("topic", np.array(["вода"] * N_TEXTS, dtype=object)), Task("urgency", URGENCY)]
    with pytest.raises(InvalidTrainingDataError, match="two different labels"):
        fit_networks(tuning, TEXTS, one, SPLITS, seed=0, progress=Silent())


@pytest.mark.parametrize("chosen", ["none", "static"])
def test_fine_tuning_encoder_without_torch_is_an_error(
    chosen: str, static_encoder: DenseEncoder
) -> None:
    encoder = static_encoder if chosen == "static" else None
    with pytest.raises(TrainingError, match="needs a sentence-transformers model"):
        FineTuning.of(encoder, 1, quantised=False)


def test_fine_tuning_encoder_without_layers_is_an_error(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding

    tokenizer = word_pieces(TEXTS)
    table = np.ones((tokenizer.get_vocab_size(), 4), dtype=np.float32)
    modules = [StaticEmbedding(tokenizer, table), Dense(4, 3)]
    sentence_transformers.SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path))
    with pytest.raises(TrainingError, match="no transformer layers"):
        FineTuning.of(load_encoder(str(tmp_path)), 1, quantised=False)
