"""`triage-train fit` with a transformer: as it is, quantised, fine-tuned; and what may go wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from appeal_files import corpus, write_jsonl
from tiny_transformer import make_transformer, word_pieces
from typer.testing import CliRunner, Result

from models import folder
from training.cli import app
from training.encoders import STATIC_FOLDER

N_ROWS = 40
TEXTS = [row["text"] for row in corpus()[:N_ROWS]]

needs_torch = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="the encoders' extra is not installed"
)
needs_onnx = pytest.mark.skipif(
    find_spec("onnxscript") is None, reason="the onnx extra is not installed"
)

Fit = Callable[..., Result]


@pytest.fixture(scope="module")
def transformer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transformer")
    return make_transformer(word_pieces(TEXTS), folder, n_dimensions=16, n_layers=2)


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fit:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    data = write_jsonl(tmp_path / "appeals.jsonl", corpus()[:N_ROWS])

    def run(*options: object) -> Result:
        arguments = ["fit", "--data", data, "--out", tmp_path / "model", *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def said(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.stderr
    return result.stderr[result.stderr.index("error: ") :]


@needs_torch
def test_fit_transformer_as_it_is_keeps_its_vectors_for_the_next_time(
    fit: Fit, transformer_folder: Path, tmp_path: Path
) -> None:
    first = fit("--encoder", transformer_folder)
    assert first.exit_code == 0, first.stderr
    fingerprint = folder.load(tmp_path / "model").fingerprint
    size = (tmp_path / "home" / "vectors.sqlite").stat().st_size
    assert fit("--encoder", transformer_folder).exit_code == 0
    assert folder.load(tmp_path / "model").fingerprint == fingerprint
    assert (tmp_path / "home" / "vectors.sqlite").stat().st_size == size > 0


@needs_torch
def test_fit_fine_tuned_says_what_it_trains_and_saves_what_it_trained(
    fit: Fit, transformer_folder: Path, tmp_path: Path
) -> None:
    result = fit("--encoder", transformer_folder, "--fine-tune", 1)
    assert result.exit_code == 0, result.stderr
    for step in ("without fold 1 of 3", "without fold 3 of 3", "on all texts"):
        assert f"fine-tuning {step}" in result.stderr
    model = folder.load(tmp_path / "model")
    assert model.info.parameters["fine_tune"] == 1
    assert model.info.encoder == "sentence-transformers"


@needs_onnx
@pytest.mark.parametrize("fine_tune", [0, 1])
def test_fit_quantised_model_serves_without_torch(
    fit: Fit, transformer_folder: Path, tmp_path: Path, fine_tune: int
) -> None:
    result = fit(
        "--encoder", transformer_folder, "--backend", "onnx-int8", "--fine-tune", fine_tune
    )
    assert result.exit_code == 0, result.stderr
    model = folder.load(tmp_path / "model")
    assert model.info.encoder == "onnx-int8"
    assert (tmp_path / "model" / "encoder" / "model.onnx").is_file()
    assert not list((tmp_path / "model" / "encoder").glob("*.safetensors"))
    assert model.predict(["Нет воды"])[0].top("topic") is not None


@pytest.mark.parametrize("encoder", ["static", "none", str(STATIC_FOLDER)])
@pytest.mark.parametrize("option", [("--fine-tune", "2"), ("--backend", "onnx-int8")])
def test_fit_option_for_transformers_with_another_encoder_is_an_error(
    fit: Fit, encoder: str, option: tuple[str, str]
) -> None:
    message = said(fit("--encoder", encoder, *option))
    assert message.startswith(f"error: {option[0]}")
    assert "needs a sentence-transformers model" in message


def test_fit_transformer_without_torch_says_what_to_install(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # as if not installed
    message = said(fit("--encoder", tmp_path / "any", "--fine-tune", 1))
    assert "pip install 'appeal-triage[encoders]'" in message


@pytest.mark.parametrize(
    "option", [("--fine-tune", "-1"), ("--fine-tune", "x"), ("--backend", "int4")]
)
def test_fit_option_of_no_sense_is_refused(fit: Fit, option: tuple[str, str]) -> None:
    result = fit("--encoder", "none", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr
