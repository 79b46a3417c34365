"""`triage-train distil` from end to end, with a small teacher of random weights."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from appeal_files import corpus, write_jsonl
from tiny_transformer import make_transformer, word_pieces
from typer.testing import CliRunner, Result

from models.encoders import StaticEncoder
from training.cli import app
from training.distil.distil import Distilled, distil
from training.distil.teacher import load_teacher
from training.distil.texts import read_corpus
from training.vectors import VectorCache
from triage.progress import Silent

pytestmark = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="the encoders' extra is not installed"
)

N_TEXTS, N_TEACHER, DIM = 200, 32, 24
TEXTS = [row["text"] for row in corpus()[:N_TEXTS]]
PAIRS = "kk\tru\nКөшеде жарық жоқ, балалар қорқады\tНа улице нет света, дети боятся\n"


@pytest.fixture(scope="module")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers that has learnt nothing: its vectors still hang on the words."""
    return make_transformer(
        word_pieces(TEXTS),
        tmp_path_factory.mktemp("teacher"),
        n_dimensions=N_TEACHER,
        n_layers=2,
        max_tokens=64,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("texts")
    appeals = write_jsonl(folder / "appeals.jsonl", [{"text": text} for text in TEXTS])
    pairs = folder / "pairs.tsv"
    pairs.write_text(PAIRS, encoding="utf-8")
    return ["--text", str(appeals), "--pairs", str(pairs)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["distil", *arguments], env={"TRIAGE_HOME": str(home)})


def run_well(home: Path, teacher: Path, files: list[str], out: Path, *more: str) -> str:
    options = ["--dim", str(DIM), "--epochs", "2", "--soup", "2", "--out", str(out), *more]
    result = run(home, "--teacher", str(teacher), *files, *options)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def runs(home: Path, teacher_folder: Path, files: list[str]) -> tuple[str, str]:
    """What the command told, the first time and the second."""
    floats = ["--float", str(home / "float")]
    return (
        run_well(home, teacher_folder, files, home / "first", *floats),
        run_well(home, teacher_folder, files, home / "second"),
    )


@pytest.fixture(scope="module")
def distilled(
    tmp_path_factory: pytest.TempPathFactory, teacher_folder: Path, files: list[str]
) -> Distilled:
    texts = read_corpus([Path(files[1])], [Path(files[3])])
    with VectorCache(tmp_path_factory.mktemp("cache") / "vectors.sqlite") as cache:
        return distil(
            texts,
            load_teacher(str(teacher_folder), cache),
            dim=DIM,
            epochs=20,
            seed=0,
            soup=2,
            progress=Silent(),
        )


def test_distil_held_out_texts_come_nearer_to_the_teacher(distilled: Distilled) -> None:
    assert distilled.trained.keys() == distilled.untrained.keys() >= {"all", "ru", "kk", "ru_latin"}
    assert distilled.trained["all"] > distilled.untrained["all"] + 0.1
    assert distilled.trained["all"] > 0.5


def test_distil_kazakh_without_its_letters_is_as_near_as_with_them(distilled: Distilled) -> None:
    assert distilled.trained["kk_plain"] == pytest.approx(distilled.trained["kk"], abs=1e-6)


def test_distil_command_second_run_takes_the_teacher_from_the_cache(runs: tuple[str, str]) -> None:
    batches = [
        [line.rpartition(": ")[2] for line in told.splitlines() if line.startswith("teacher's")]
        for told in runs
    ]
    assert "0 done" not in batches[0]
    assert batches[1] == ["0 done", "0 done"]


def test_distil_command_same_seed_gives_the_same_files(home: Path, runs: tuple[str, str]) -> None:
    first, second = (
        {p.name: p.read_bytes() for p in (home / n).iterdir()} for n in ("first", "second")
    )
    assert first == second


@pytest.mark.parametrize("option", [("--seed", "5"), ("--soup", "1"), ("--epochs", "1")])
def test_distil_command_each_option_changes_the_vectors(
    home: Path,
    runs: tuple[str, str],
    teacher_folder: Path,
    files: list[str],
    tmp_path: Path,
    option: tuple[str, str],
) -> None:
    run_well(home, teacher_folder, files, tmp_path, *option)
    other, first = (
        StaticEncoder.load(folder).encode(TEXTS) for folder in (tmp_path, home / "first")
    )
    assert np.abs(other - first).max() > 1e-3


def test_distil_command_int8_stays_with_float(home: Path, runs: tuple[str, str]) -> None:
    int8, floats = (StaticEncoder.load(home / name).encode(TEXTS) for name in ("first", "float"))
    assert int8.shape == (N_TEXTS, DIM)
    assert (int8 * floats).sum(axis=1).min() > 0.999
    assert (int8 != floats).any()


def test_distil_command_float_folder_is_sentence_transformers_own(
    home: Path, runs: tuple[str, str]
) -> None:
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(home / "float"), device="cpu")
    expected = theirs.encode(TEXTS, normalize_embeddings=True)
    assert StaticEncoder.load(home / "float").encode(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_distil_command_folder_is_read_without_torch(home: Path, runs: tuple[str, str]) -> None:
    program = f"""
import sys
sys.modules["torch"] = sys.modules["sentence_transformers"] = None
from models.encoders import load_encoder
print(load_encoder({str(home / "first")!r}).encode(["Жарық жоқ"]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == f"(1, {DIM})"


def test_importing_the_command_line_imports_no_torch() -> None:
    program = """
import sys, training.cli
print([name for name in ("torch", "transformers") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--teacher", "/there/is/none"], "error: /there/is/none: no such encoder"),
        (["--dim", str(N_TEACHER + 1)], f"--dim {N_TEACHER + 1}: the teacher's vectors have only"),
        (["--text", "missing.txt"], "missing.txt"),
        (["--dim", "0"], "should be greater than or equal to 1"),
        (["--soup", "0"], "should be greater than or equal to 1"),
    ],
)
def test_distil_command_what_can_not_be_done_is_told(
    home: Path,
    teacher_folder: Path,
    files: list[str],
    tmp_path: Path,
    options: list[str],
    message: str,
) -> None:
    out = tmp_path / "out"
    result = run(home, "--teacher", str(teacher_folder), *files, "--out", str(out), *options)
    assert result.exit_code != 0
    assert message in result.output
    assert not out.exists()


def test_distil_command_static_folder_is_no_teacher(
    home: Path, runs: tuple[str, str], files: list[str], tmp_path: Path
) -> None:
    result = run(home, "--teacher", str(home / "first"), *files, "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "error: " in result.output
