from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.encoders import DenseEncoder, SentenceTransformerEncoder, Vectors, load_encoder
from training.encoders import STATIC, choose_encoder
from training.errors import TrainingError
from training.vectors import VectorCache, stored

TEXTS = ["Нет воды", "Көшеде жарық жоқ", "Яма на дороге", ""]


class Counting:
    """A real encoder, and how many texts it was given."""

    def __init__(self, encoder: DenseEncoder) -> None:
        self.name, self.save, self._encode = encoder.name, encoder.save, encoder.encode
        self.n_texts = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.n_texts += len(texts)
        return self._encode(texts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "vectors.sqlite"


def test_stored_encoder_computes_a_text_once_for_all_runs(
    transformer: SentenceTransformerEncoder, path: Path
) -> None:
    with VectorCache(path) as cache:
        first = stored(transformer, cache)
        assert first is not None
        vectors = first.encode(TEXTS)
    counting = Counting(transformer)
    with VectorCache(path) as cache:
        second = stored(counting, cache)
        assert second is not None
        assert (second.encode([*TEXTS, "Жаңа мәтін"])[:-1] == vectors).all()
    assert counting.n_texts == 2  # the new one, and the text that the encoder is known by
    assert vectors == pytest.approx(transformer.encode(TEXTS), abs=1e-3)


def test_stored_encoder_saves_the_encoder_itself(
    transformer: SentenceTransformerEncoder, path: Path, tmp_path: Path
) -> None:
    with VectorCache(path) as cache:
        encoder = stored(transformer, cache)
        assert encoder is not None
    encoder.save(tmp_path / "copy")
    assert encoder.name == transformer.name
    loaded = load_encoder(str(tmp_path / "copy"))
    assert loaded.encode(TEXTS) == pytest.approx(transformer.encode(TEXTS), abs=1e-6)


def test_stored_encoders_that_take_no_time_are_left_as_they_are(path: Path) -> None:
    static = choose_encoder(STATIC)
    with VectorCache(path) as cache:
        assert stored(static, cache) is static
        assert stored(None, cache) is None


def test_vector_cache_put_and_get_gives_half_precision_and_none_for_others(path: Path) -> None:
    vectors = np.array([[0.1, -0.2], [0.3, 0.4]], dtype=np.float32)
    with VectorCache(path) as cache:
        cache.put([b"one", b"two"], vectors)
        found = cache.get(b"two")
        assert found is not None
        assert found == pytest.approx(vectors[1], abs=1e-3)
        assert cache.get(b"three") is None


def test_vector_cache_other_file_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("не база данных " * 100, encoding="utf-8")
    with pytest.raises(TrainingError, match="not a cache of vectors"):
        VectorCache(path)
