from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from models.encoders import Vectors
from training.distil.teacher import Teacher
from training.vectors import BATCH, VectorCache
from triage.progress import Silent

TEXTS = [f"{'очень ' * (number % 7)}длинный текст {number}" for number in range(2 * BATCH + 50)]


class HashingEncoder:
    """Vectors of the letters of a text; counts texts, and can break off like a killed process."""

    def __init__(self, n_dimensions: int = 12, breaks_after: int | None = None) -> None:
        self.n_dimensions = n_dimensions
        self.breaks_after = breaks_after
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.breaks_after is not None and len(self.seen) >= self.breaks_after:
            raise KeyboardInterrupt
        self.seen += texts
        counts = np.array(
            [
                [text.count(chr(ord("а") + place)) for place in range(self.n_dimensions)]
                for text in texts
            ]
        )
        lengths = np.linalg.norm(counts + 0.1, axis=1, keepdims=True)
        vectors: Vectors = ((counts + 0.1) / lengths).astype(np.float32)
        return vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "vectors.sqlite"


def look(path: Path, encoder: HashingEncoder, texts: Sequence[str] = TEXTS) -> Vectors:
    with VectorCache(path) as cache:
        teacher = Teacher(encoder, Tokenizer(models.WordLevel({"?": 0}, "?")), cache)
        encoder.seen.clear()
        return teacher.encode(texts, "texts", Silent())


def test_teacher_encode_vectors_are_the_encoders_in_order(path: Path) -> None:
    found = look(path, HashingEncoder())
    assert found.dtype == np.float32
    assert found == pytest.approx(HashingEncoder().encode(TEXTS), abs=1e-3)


def test_teacher_encode_second_time_takes_all_from_the_cache(path: Path) -> None:
    first = look(path, HashingEncoder())
    encoder = HashingEncoder()
    assert (look(path, encoder) == first).all()
    assert encoder.seen == []


def test_teacher_encode_after_a_break_goes_on_where_it_was(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        look(path, HashingEncoder(breaks_after=BATCH))
    encoder = HashingEncoder()
    look(path, encoder)
    assert len(encoder.seen) == len(TEXTS) - BATCH


def test_teacher_encode_a_text_twice_is_computed_once(path: Path) -> None:
    encoder = HashingEncoder()
    found = look(path, encoder, ["яма", "вода", "яма"])
    assert sorted(encoder.seen) == ["вода", "яма"]
    assert (found[0] == found[2]).all()


def test_teacher_encode_another_teacher_gets_its_own_vectors(path: Path) -> None:
    look(path, HashingEncoder(n_dimensions=12))
    assert look(path, HashingEncoder(n_dimensions=7)).shape == (len(TEXTS), 7)
