"""A small real transformer, for what needs one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from appeal_files import corpus
from tiny_transformer import make_transformer, word_pieces

from models.encoders import SentenceTransformerEncoder

TEXTS = [row["text"] for row in corpus()[:300]]


@pytest.fixture(scope="session")
def transformer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of three layers that wants a prompt; skips where there is no torch."""
    if find_spec("sentence_transformers") is None:
        pytest.skip("the encoders' extra is not installed")
    folder = tmp_path_factory.mktemp("transformer")
    return make_transformer(
        word_pieces(TEXTS),
        folder,
        n_dimensions=32,
        n_layers=3,
        max_tokens=48,
        prompts={"query": "query: "},
    )


@pytest.fixture(scope="session")
def transformer(transformer_folder: Path) -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder.load(str(transformer_folder))
