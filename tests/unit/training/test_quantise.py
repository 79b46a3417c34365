from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from appeal_files import corpus
from tiny_transformer import make_transformer, word_pieces

from models.encoders import OnnxEncoder, SentenceTransformerEncoder, load_encoder
from models.errors import EncoderUnavailableError
from training import quantise as module
from training.quantise import quantise

TEXTS = [row["text"] for row in corpus()[:20]] + ["", "су", "Нет воды. " * 100]

pytest.importorskip("onnxscript", reason="the onnx extra is not installed")


@pytest.fixture(scope="module")
def quantised(transformer: SentenceTransformerEncoder) -> OnnxEncoder:
    return quantise(transformer)


def cosines(one: OnnxEncoder, other: SentenceTransformerEncoder, texts: Sequence[str]) -> list:
    return (one.encode(texts) * other.encode(texts)).sum(axis=1).tolist()


def test_quantise_vectors_stay_near_for_texts_of_every_length(
    quantised: OnnxEncoder, transformer: SentenceTransformerEncoder
) -> None:
    vectors = quantised.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert min(cosines(quantised, transformer, TEXTS)) > 0.98
    assert (vectors != transformer.encode(TEXTS)).any()


def test_quantise_text_alone_gets_the_vector_it_gets_in_company(quantised: OnnxEncoder) -> None:
    together = quantised.encode(TEXTS)
    alone = [quantised.encode([text])[0] for text in TEXTS]
    assert (together == np.array(alone)).all()


def test_quantise_prompt_of_the_model_is_kept(
    quantised: OnnxEncoder, transformer: SentenceTransformerEncoder, tmp_path: Path
) -> None:
    folder = make_transformer(word_pieces(TEXTS), tmp_path, n_dimensions=32, n_layers=1)
    bare = SentenceTransformerEncoder.load(str(folder))
    assert quantise(bare).encode(["вода"]) == pytest.approx(bare.encode(["вода"]), abs=0.05)
    unprompted = transformer.model.encode(["вода"], prompt="", normalize_embeddings=True)
    near, far = cosines(quantised, transformer, ["вода"])[0], quantised.encode(["вода"])
    assert near > (far @ unprompted.T).item() + 1e-3


def test_quantise_saved_and_loaded_gives_the_same_vectors(
    quantised: OnnxEncoder, tmp_path: Path
) -> None:
    quantised.save(tmp_path)
    loaded = load_encoder(str(tmp_path))
    assert isinstance(loaded, OnnxEncoder)
    assert (loaded.encode(TEXTS) == quantised.encode(TEXTS)).all()


def test_quantise_model_that_has_no_tokens_is_unavailable(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding

    tokenizer = word_pieces(TEXTS)
    table = np.ones((tokenizer.get_vocab_size(), 4), dtype=np.float32)
    modules = [StaticEmbedding(tokenizer, table), Dense(4, 3)]
    model = SentenceTransformer(modules=modules, device="cpu")
    with pytest.raises(EncoderUnavailableError, match="can't be exported"):
        quantise(SentenceTransformerEncoder(model))


def test_quantise_without_its_libraries_says_what_to_install(
    transformer: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEEDS", ("onnxruntime", "no_such_library"))
    with pytest.raises(EncoderUnavailableError, match=r"appeal-triage\[onnx\].*no_such_library"):
        quantise(transformer)
