import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tiny_transformer import make_transformer

from models.encoders import (
    MODULES,
    STATIC_WEIGHTS,
    TOKENIZER,
    SentenceTransformerEncoder,
    StaticEncoder,
    load_encoder,
)
from models.encoders.transformer import MAX_TOKENS
from models.errors import EncoderUnavailableError

TEXTS = ["нет воды", "су жоқ", "вода", "су " * 300, "фыва жоқ"]

E5 = Path(__file__).parents[4] / "shared" / "models" / "e5-small-cyrillic"

needs_torch = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="the encoders' extra is not installed"
)


@pytest.fixture
def encoder(tokenizer, table):
    return StaticEncoder(tokenizer, table)


@pytest.fixture
def static_folder(encoder, tmp_path):
    encoder.save(tmp_path / "static")
    return tmp_path / "static"


@pytest.fixture
def transformer_folder(tokenizer, tmp_path_factory):
    """A BERT of one layer with random weights, as a sentence-transformers folder."""
    return make_transformer(
        tokenizer,
        tmp_path_factory.mktemp("bert"),
        n_dimensions=8,
        n_layers=1,
        max_tokens=32,
    )


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_static_encode_by_hand_is_the_mean_subword_scaled_to_length_one(encoder, table):
    mean = table[[5, 6, 7]].mean(axis=0)  # нет, вод, ##ы
    assert encoder.encode(["нет воды"])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_static_encode_text_without_subwords_is_zero(encoder):
    vectors = encoder.encode(["", "су", " "])
    assert vectors.dtype == np.float32
    assert (vectors[[0, 2]] == 0).all()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1)


def test_static_encode_no_texts_gives_no_rows(encoder, table):
    assert encoder.encode([]).shape == (0, table.shape[1])


def test_static_encode_tokenizer_that_pads_and_cuts_is_told_not_to(tokenizer, table, encoder):
    tokenizer.enable_padding(length=20)
    tokenizer.enable_truncation(max_length=1)
    assert (StaticEncoder(tokenizer, table).encode(TEXTS) == encoder.encode(TEXTS)).all()


def test_static_encode_one_by_one_equals_together(encoder):
    together = encoder.encode(TEXTS)
    assert all(
        (encoder.encode([text])[0] == vector).all()
        for text, vector in zip(TEXTS, together, strict=True)
    )


def test_static_save_and_load_gives_the_same_vectors(encoder, static_folder):
    loaded = load_encoder(str(static_folder))
    assert isinstance(loaded, StaticEncoder)
    assert (loaded.encode(TEXTS) == encoder.encode(TEXTS)).all()


def test_static_save_table_in_column_order_is_read_back_as_it_was(tokenizer, table, tmp_path):
    encoder = StaticEncoder(tokenizer, np.asfortranarray(table))
    encoder.save(tmp_path)
    assert (StaticEncoder.load(tmp_path).encode(TEXTS) == encoder.encode(TEXTS)).all()


def test_static_quantised_vectors_stay_close_and_survive_saving(encoder, tmp_path):
    quantised = encoder.quantised()
    vectors = quantised.encode(TEXTS)
    assert (vectors * encoder.encode(TEXTS)).sum(axis=1) == pytest.approx(1, abs=1e-3)
    quantised.save(tmp_path)
    loaded = load_encoder(str(tmp_path))
    assert (loaded.encode(TEXTS) == vectors).all()
    assert (loaded.quantised().encode(TEXTS) == vectors).all()


def test_static_quantised_table_takes_a_byte_a_number(tokenizer, tmp_path):
    table = np.random.default_rng(0).normal(size=(11, 1_000)).astype(np.float32)
    table[3] = 0
    encoder = StaticEncoder(tokenizer, table)
    encoder.quantised().save(tmp_path)
    assert (tmp_path / STATIC_WEIGHTS).stat().st_size < table.nbytes / 3
    assert np.isfinite(StaticEncoder.load(tmp_path).encode(TEXTS)).all()


@needs_torch
def test_static_load_reads_what_sentence_transformers_saved(tokenizer, table, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    theirs = SentenceTransformer(modules=[StaticEmbedding(tokenizer, table)], device="cpu")
    theirs.save(str(tmp_path))
    ours = load_encoder(str(tmp_path))
    assert isinstance(ours, StaticEncoder)
    expected = theirs.encode(TEXTS, normalize_embeddings=True)
    assert ours.encode(TEXTS) == pytest.approx(expected, abs=1e-6)


@needs_torch
def test_static_save_is_read_by_sentence_transformers(encoder, static_folder):
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(static_folder), device="cpu")
    vectors = theirs.encode(TEXTS, normalize_embeddings=True)
    assert encoder.encode(TEXTS) == pytest.approx(vectors, abs=1e-6)


@needs_torch
def test_load_encoder_normalised_static_model_needs_no_torch(tokenizer, table, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    modules = [StaticEmbedding(tokenizer, table), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path))
    loaded = load_encoder(str(tmp_path))
    assert isinstance(loaded, StaticEncoder)
    expected = StaticEncoder(tokenizer, table).encode(TEXTS)
    assert loaded.encode(TEXTS) == pytest.approx(expected, abs=1e-6)


@needs_torch
def test_load_encoder_static_model_with_a_dense_layer_keeps_the_layer(tokenizer, table, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding

    modules = [StaticEmbedding(tokenizer, table), Dense(table.shape[1], 3)]
    theirs = SentenceTransformer(modules=modules, device="cpu")
    theirs.save(str(tmp_path))
    loaded = load_encoder(str(tmp_path))
    expected = theirs.encode(TEXTS, normalize_embeddings=True)
    assert loaded.encode(TEXTS) == pytest.approx(expected, abs=1e-6)


@needs_torch
def test_sentence_transformer_encode_equals_the_library(transformer_folder):
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(transformer_folder), device="cpu")
    ours = load_encoder(str(transformer_folder))
    assert isinstance(ours, SentenceTransformerEncoder)
    vectors = ours.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(theirs.encode(TEXTS, normalize_embeddings=True), abs=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@needs_torch
def test_sentence_transformer_default_prompt_is_kept(transformer_folder, tmp_path):
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(
        str(transformer_folder),
        device="cpu",
        prompts={"appeal": "вода "},
        default_prompt_name="appeal",
    )
    theirs.save(str(tmp_path))
    with_prompt = load_encoder(str(tmp_path)).encode(["су жоқ"])
    without = load_encoder(str(transformer_folder)).encode(["вода су жоқ", "су жоқ"])
    assert with_prompt[0] == pytest.approx(without[0], abs=1e-6)
    assert with_prompt[0] != pytest.approx(without[1], abs=1e-3)


@needs_torch
@pytest.mark.skipif(not E5.is_dir(), reason="the model is not there")
def test_sentence_transformer_e5_gets_its_query_prompt_and_no_more():
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(E5), device="cpu", model_kwargs={"dtype": "float32"})
    ours = load_encoder(str(E5)).encode(["Нет воды"])
    prompted = theirs.encode(["query: Нет воды"], prompt="", normalize_embeddings=True)
    assert ours == pytest.approx(prompted, abs=1e-5)


@needs_torch
def test_sentence_transformer_longer_texts_are_cut_at_a_bound(tokenizer, tmp_path):
    folder = make_transformer(tokenizer, tmp_path, n_dimensions=8, n_layers=1)
    encoder = load_encoder(str(folder))
    long, longer = "су " * (MAX_TOKENS + 10), "су " * MAX_TOKENS + "вода " * 100
    assert (encoder.encode([long]) == encoder.encode([longer])).all()
    encoder.save(tmp_path / "copy")
    assert load_encoder(str(tmp_path / "copy")).model.max_seq_length == MAX_TOKENS


@needs_torch
def test_sentence_transformer_shorter_bound_of_the_model_is_kept(transformer_folder):
    assert load_encoder(str(transformer_folder)).model.max_seq_length == 32


@needs_torch
def test_sentence_transformer_save_needs_its_source_no_more(transformer_folder, tmp_path):
    first = load_encoder(str(transformer_folder))
    first.save(tmp_path / "copy")
    second = load_encoder(str(tmp_path / "copy"))
    assert isinstance(second, SentenceTransformerEncoder)
    assert second.encode(TEXTS) == pytest.approx(first.encode(TEXTS), abs=1e-6)
    pickles = {".bin", ".pt", ".pkl", ".pickle"}
    assert not [path for path in (tmp_path / "copy").rglob("*") if path.suffix in pickles]


@pytest.mark.parametrize("name", [TOKENIZER, STATIC_WEIGHTS])
@pytest.mark.parametrize("damage", [cut, Path.unlink], ids=["cut", "missing"])
def test_load_encoder_damaged_static_folder_is_unavailable(static_folder, name, damage):
    damage(static_folder / name)
    with pytest.raises(EncoderUnavailableError, match=f"{static_folder}: no static encoder"):
        load_encoder(str(static_folder))


def test_static_load_weights_without_a_table_is_unavailable(static_folder):
    from safetensors.numpy import save_file

    save_file({"other": np.zeros(3)}, static_folder / STATIC_WEIGHTS)
    with pytest.raises(EncoderUnavailableError, match=r"embedding\.weight"):
        load_encoder(str(static_folder))


@needs_torch
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (MODULES, cut),
        ("config.json", cut),
        ("config.json", Path.unlink),
        ("model.safetensors", cut),
        ("model.safetensors", Path.unlink),
        (TOKENIZER, cut),
        ("1_Pooling/config.json", Path.unlink),
    ],
)
def test_load_encoder_damaged_transformer_folder_is_unavailable(
    transformer_folder, tmp_path, name, damage
):
    load_encoder(str(transformer_folder)).save(tmp_path / "copy")
    damage(tmp_path / "copy" / name)
    with pytest.raises(EncoderUnavailableError, match=f"{tmp_path}/copy: no such encoder"):
        load_encoder(str(tmp_path / "copy"))


@needs_torch
@pytest.mark.parametrize("modules", ["", "{}", "[]", "[1]", '[{"path": ""}]', "null"])
def test_load_encoder_modules_of_another_shape_are_unavailable(static_folder, modules):
    (static_folder / MODULES).write_text(modules)
    with pytest.raises(EncoderUnavailableError, match=str(static_folder)):
        load_encoder(str(static_folder))


@needs_torch
def test_load_encoder_missing_folder_is_unavailable(tmp_path):
    with pytest.raises(EncoderUnavailableError, match=f"{tmp_path}/none: no such encoder"):
        load_encoder(str(tmp_path / "none"))


@needs_torch
def test_load_encoder_hub_name_without_a_hub_is_unavailable_at_once():
    # In a process of its own: the library reads the switch when it is imported.
    program = """
import time
from models.encoders import load_encoder
from models.errors import EncoderUnavailableError
import sentence_transformers
start = time.monotonic()
try:
    load_encoder("someone/there-is-no-such-encoder")
except EncoderUnavailableError as error:
    print(time.monotonic() - start)
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"HF_HUB_OFFLINE": "1"},
        timeout=60,
    )
    seconds, message = done.stdout.split("\n", 1)
    assert float(seconds) < 5
    assert message.startswith("someone/there-is-no-such-encoder: no such encoder")


def test_importing_the_models_imports_neither_torch_nor_mlflow():
    program = """
import sys
import models.bundle, models.folder, models.registry, models.output, models.encoders
print([name for name in ("torch", "transformers", "sentence_transformers", "mlflow")
       if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_static_save_modules_name_one_static_embedding(static_folder):
    modules = json.loads((static_folder / MODULES).read_text(encoding="utf-8"))
    assert [module["path"] for module in modules] == [""]
