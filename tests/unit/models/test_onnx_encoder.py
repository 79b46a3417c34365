from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_transformer import make_transformer, word_pieces

from models.encoders import OnnxEncoder, SentenceTransformerEncoder, load_encoder
from models.errors import EncoderUnavailableError
from training.quantise import quantise

TEXTS = ["Нет воды", "Жарық жоқ", ""]

pytest.importorskip("onnxscript", reason="the onnx extra is not installed")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> OnnxEncoder:
    folder = tmp_path_factory.mktemp("bert")
    made = make_transformer(word_pieces(TEXTS), folder, n_dimensions=16, n_layers=1)
    return quantise(SentenceTransformerEncoder.load(str(made)))


@pytest.fixture
def saved(encoder: OnnxEncoder, tmp_path: Path) -> Path:
    encoder.save(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_onnx_encode_no_texts_gives_no_rows(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, 16)


def test_onnx_load_imports_no_torch(encoder: OnnxEncoder, saved: Path) -> None:
    program = f"""
import json, sys
from models.encoders import load_encoder
print(json.dumps(load_encoder({str(saved)!r}).encode({TEXTS!r}).tolist()))
print([name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    vectors, imported = done.stdout.splitlines()
    assert imported == "[]"
    assert np.array(json.loads(vectors)) == pytest.approx(encoder.encode(TEXTS), abs=1e-6)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "prompt.json"])
def test_onnx_load_cut_file_is_unavailable(saved: Path, name: str) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(EncoderUnavailableError, match=r"no ONNX encoder here|can't be read"):
        load_encoder(str(saved))


def test_onnx_load_missing_tokenizer_is_unavailable(saved: Path) -> None:
    (saved / "tokenizer.json").unlink()
    with pytest.raises(EncoderUnavailableError, match=f"{saved}: no ONNX encoder"):
        load_encoder(str(saved))


def test_onnx_load_without_its_runtime_says_what_to_install(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    with pytest.raises(EncoderUnavailableError, match=r"appeal-triage\[onnx\]"):
        load_encoder(str(saved))
