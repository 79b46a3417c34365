from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from appeal_files import corpus, write_jsonl

from models.encoders import Vectors
from training.benchmark.workbench import NamedEncoder, Workbench, named_encoder
from training.data import Examples, read_examples
from training.encoders import NONE, STATIC
from training.vectors import VectorCache
from triage.policy import Policy
from triage.progress import Silent


class CountingEncoder:
    """Two dimensions: how long a text is, and one."""

    name = "counting"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        vectors = np.array([[len(text) / 100, 1.0] for text in texts], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def save(self, folder: Path) -> None:
        folder.mkdir()


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    rows = [{"text": row["text"], "topic": row["topic"]} for row in corpus()[:50]]
    return read_examples([str(write_jsonl(tmp_path / "appeals.jsonl", rows))])


def make_bench(limit: int | None) -> Workbench:
    return Workbench(Path("none"), Policy(), limit, seed=0, progress=Silent())


def test_limited_keeps_some_rows_in_their_order_and_the_same_each_time(examples: Examples) -> None:
    some = make_bench(20).limited(examples)
    texts = examples.table["text"].tolist()
    places = [texts.index(text) for text in some.table["text"]]
    assert len(places) == 20
    assert places == sorted(places) != list(range(20))
    assert make_bench(20).limited(examples).table.equals(some.table)


@pytest.mark.parametrize("limit", [None, 50, 51])
def test_limited_without_need_changes_nothing(examples: Examples, limit: int | None) -> None:
    assert make_bench(limit).limited(examples) is examples


def test_fit_gives_the_same_model_again_for_a_name_and_an_encoder(examples: Examples) -> None:
    bench, encoder = make_bench(None), named_encoder(NONE)
    model = bench.fit("a", examples, encoder)
    assert bench.fit("a", examples, encoder) is model
    assert bench.fit("b", examples, encoder) is not model


def test_named_encoder_is_called_by_its_folder_and_known_by_its_weights(tmp_path: Path) -> None:
    static = named_encoder(STATIC)
    assert static.dense is not None
    static.dense.save(tmp_path / "ours")
    ours = named_encoder(str(tmp_path / "ours"))
    assert ours.name == "ours"
    assert [path.name for path in ours.files] == ["model.safetensors"]
    assert named_encoder(NONE) == NamedEncoder("none", None, ())


def test_stored_encoder_computes_each_text_once_even_in_another_run(tmp_path: Path) -> None:
    counting = CountingEncoder()
    expected = counting.encode(["яма", "нет воды"])
    for _ in range(2):
        counting.encoded.clear()
        with VectorCache(tmp_path / "vectors.sqlite") as cache:
            stored = NamedEncoder("counting", counting, ()).stored(cache)
            assert stored.dense is not None
            for _ in range(2):
                found = stored.dense.encode(["яма", "нет воды"])
            assert np.allclose(found, expected, atol=1e-3)
    assert not {"яма", "нет воды"} & set(counting.encoded)


@pytest.mark.parametrize("name", [NONE, STATIC])
def test_stored_leaves_quick_encoders_alone(tmp_path: Path, name: str) -> None:
    encoder = named_encoder(name)
    with VectorCache(tmp_path / "vectors.sqlite") as cache:
        assert encoder.stored(cache).dense is encoder.dense
