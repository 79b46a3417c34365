"""Small real models and encoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace

from models import folder
from models.bundle import TriageModel
from models.encoders import StaticEncoder
from training.data import read_examples
from training.fit import fit_model
from triage.citydata import load_city
from triage.config import STARTER_DATA

SUBWORDS = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "нет", "вод", "##ы", "##а", "су", "жоқ"]
N_DIMENSIONS = 6
N_EXAMPLES = 240


def make_tokenizer() -> Tokenizer:
    numbers = {subword: number for number, subword in enumerate(SUBWORDS)}
    tokenizer = Tokenizer(WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


def make_table() -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.normal(size=(len(SUBWORDS), N_DIMENSIONS)).astype(np.float32)


@pytest.fixture
def tokenizer() -> Tokenizer:
    return make_tokenizer()


@pytest.fixture
def table() -> np.ndarray:
    return make_table()


@pytest.fixture(scope="session")
def model(model_folder: Path) -> TriageModel:
    """A model of all levels and urgency, with sparse features alone."""
    return folder.load(model_folder)


@pytest.fixture(scope="session")
def fitted_model(tmp_path_factory: pytest.TempPathFactory) -> TriageModel:
    """A model just fitted, with a static encoder, that has never been on disk."""
    corpus = tmp_path_factory.mktemp("corpus") / "appeals.jsonl"
    with (STARTER_DATA / "appeals.jsonl").open(encoding="utf-8") as lines:
        corpus.write_text("".join(next(lines) for _ in range(N_EXAMPLES)), encoding="utf-8")
    city = load_city(STARTER_DATA)
    return fit_model(
        read_examples([str(corpus)], taxonomy=city.taxonomy, enterprises=city.enterprises),
        dense_encoder=StaticEncoder(make_tokenizer(), make_table()),
        taxonomy_version=city.taxonomy.version,
        parameters={"encoder": "tiny"},
    )


@pytest.fixture
def saved(fitted_model: TriageModel, tmp_path: Path) -> Path:
    """A folder of the fitted model, to damage."""
    folder.save(fitted_model, tmp_path / "model")
    return tmp_path / "model"
