from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from appeal_files import corpus, write_csv, write_jsonl
from typer.testing import CliRunner, Result

from models import folder
from training.buckets import ALL
from training.cli import app
from training.evaluate import Result as Measured
from triage.config import STARTER_DATA

BIN = Path(sys.executable).parent
TAXONOMY, ENTERPRISES = STARTER_DATA / "taxonomy.csv", STARTER_DATA / "enterprises.csv"
N_ROWS = 60

Train = Callable[..., Result]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def train(home: Path) -> Train:
    def run(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture
def jsonl(home: Path) -> Path:
    return write_jsonl(home / "appeals.jsonl", corpus()[:N_ROWS])


def said(result: Result) -> str:
    """Return what an error tells: a line, or a line for each bad row."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result.stderr[result.stderr.index("error: ") :]


def fingerprint(path: Path) -> str:
    return folder.load(path).fingerprint


def test_fit_every_way_to_read_the_same_rows_gives_the_same_model(train: Train, home: Path) -> None:
    rows = [[row["text"], row["topic"], row["enterprise_id"]] for row in corpus()[:N_ROWS]]
    write_csv(home / "ours.csv", [["text", "topic", "enterprise"], *rows])
    write_csv(home / "theirs.csv", [["Обращение", "Тема", "Кому"], *rows], ";")
    write_jsonl(
        home / "ours.jsonl",
        [dict(zip(("text", "topic", "enterprise"), row, strict=True)) for row in rows],
    )
    pd.DataFrame(rows, columns=["text", "topic", "enterprise"]).to_parquet(home / "ours.parquet")
    mapping = ("--map", "text=Обращение,topic=Тема,enterprise=Кому")
    ways: list[tuple[tuple[object, ...], str | None]] = [
        (("--data", home / "ours.csv"), None),
        (("--data", home / "theirs.csv", *mapping, "--delimiter", ";"), None),
        (("--data", home / "ours.jsonl"), None),
        (("--data", home / "ours.parquet"), None),
        (("--data", "-"), (home / "ours.jsonl").read_text(encoding="utf-8")),
        (("--data", "-"), (home / "ours.csv").read_text(encoding="utf-8")),
    ]
    found = set()
    for arguments, stdin in ways:
        out = home / "model"
        result = train("fit", *arguments, "--encoder", "none", "--out", out, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        assert f"fitted on {N_ROWS} appeals, saved in {out}" in result.stderr
        found.add(fingerprint(out))
    assert len(found) == 1


def test_fit_says_how_far_it_is_and_how_good_it_is(train: Train, home: Path, jsonl: Path) -> None:
    result = train("fit", "--data", jsonl, "--encoder", "none")
    assert result.stdout == ""
    steps = ("comparing texts", "reading words", "encoding texts", "fitting heads", "fitting folds")
    for step in steps:
        assert re.search(rf"^{step}: \d+ done$", result.stderr, re.MULTILINE)
    assert re.search(r"^topic: accuracy 0\.\d{3} out of fold; \d+%", result.stderr, re.MULTILINE)
    assert folder.is_model(home / "home" / "model")


def test_fit_with_the_citys_files_gives_category_and_urgency(
    train: Train, home: Path, jsonl: Path
) -> None:
    result = train(
        "fit", "--data", jsonl, "--taxonomy", TAXONOMY, "--enterprises", ENTERPRISES,
        "--encoder", "none", "--out", home / "model", "--seed", "3",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    model = folder.load(home / "model")
    assert list(model.heads) == ["category", "topic", "enterprise"]
    assert model.urgency is not None
    assert model.info.taxonomy_version
    assert model.info.parameters["seed"] == 3
    assert model.info.parameters["data"] == "appeals.jsonl"


def test_fit_several_files_are_fitted_on_together(train: Train, home: Path, jsonl: Path) -> None:
    more = write_csv(home / "more.csv", [["text", "enterprise"], ["нет воды, срочно", "E1"]])
    result = train("fit", "--data", jsonl, "--data", more, "--encoder", "none")
    assert f"fitted on {N_ROWS + 1} appeals" in result.stderr


def test_fit_rows_left_out_are_warned_of(train: Train, home: Path, jsonl: Path) -> None:
    with jsonl.open("a", encoding="utf-8") as file:
        file.write('{"text": "<br>", "topic": "roads.potholes"}\n')
    result = train("fit", "--data", jsonl, "--encoder", "none")
    assert result.exit_code == 0
    assert f"warning: {jsonl}:{N_ROWS + 1}: no text, left out" in result.stderr


def test_fit_into_an_older_model_replaces_it_and_into_anything_else_does_not(
    train: Train, home: Path, jsonl: Path
) -> None:
    out = home / "model"
    for seed in (1, 2):
        result = train("fit", "--data", jsonl, "--encoder", "none", "--out", out, "--seed", seed)
        assert result.exit_code == 0, result.stderr
    assert folder.load(out).info.parameters["seed"] == 2
    precious = home / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("keep me", encoding="utf-8")
    assert "precious" in said(train("fit", "--data", jsonl, "--encoder", "none", "--out", precious))
    assert (precious / "letter.txt").read_text(encoding="utf-8") == "keep me"


REFUSED: dict[str, tuple[list[str], str]] = {
    "missing file": (["--data", "{}/none.csv"], r"none\.csv: No such file"),
    "broken row": (["--data", "{}/ragged.csv"], r"ragged\.csv:2: 1 fields"),
    "no labels": (["--data", "{}/texts.csv"], "no labels: give at least one of category"),
    "no text column": (["--data", "{}/no_text.csv"], "no column 'text' for text"),
    "wrong map": (["--data", "{}/texts.csv", "--map", "subject=text"], "write NAME=COLUMN"),
    "unknown labels": (
        ["--data", "{}/labels.csv", "--taxonomy", str(TAXONOMY)],
        r"labels\.csv:2: unknown topic 'a'\n.*labels\.csv:3: unknown topic 'b'",
    ),
    "missing taxonomy": (["--data", "{}/labels.csv", "--taxonomy", "{}/none.csv"], r"none\.csv"),
    "out lies under a file": (["--data", "{}/labels.csv", "--out", "{}/labels.csv/m"], "labels"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_fit_error_is_told_and_nothing_is_written(
    train: Train, home: Path, arguments: list[str], message: str
) -> None:
    write_csv(home / "texts.csv", [["text"], ["нет воды"], ["яма"]])
    write_csv(home / "no_text.csv", [["id", "topic"], ["1", "a"]])
    write_csv(home / "labels.csv", [["text", "topic"], ["нет воды", "a"], ["яма", "b"]])
    (home / "ragged.csv").write_text("text,topic\nяма\n", encoding="utf-8")
    result = train("fit", *(part.format(home) for part in arguments), "--encoder", "none")
    assert re.search(message, said(result))
    assert not (home / "home" / "model").exists()


def test_fit_alias_without_a_name_is_refused_before_anything_is_read(train: Train) -> None:
    result = train("fit", "--data", "none.csv", "--alias", "champion")
    assert result.exit_code == 2
    assert "needs --register" in result.stderr


def test_evaluate_writes_a_result_file(train: Train, home: Path, jsonl: Path) -> None:
    model, result_file = home / "model", home / "results" / "test.json"
    fitted = train("fit", "--data", jsonl, "--encoder", "none", "--out", model)
    assert fitted.exit_code == 0, fitted.stderr
    test = write_jsonl(home / "test.jsonl", corpus()[N_ROWS : 2 * N_ROWS])
    result = train(
        "evaluate", "--model", model, "--data", test, "--name", "Astana", "--out", result_file
    )
    assert result.exit_code == 0, result.stderr
    measured = Measured.load(result_file)
    assert measured.name == "Astana"
    assert measured.data.keys() == {"test.jsonl"}
    assert measured.model["fingerprint"] == fingerprint(model)
    assert measured.metrics[ALL]["topic"]["n"] == N_ROWS
    assert measured.metrics.keys() >= {ALL, "ru", "kk"}
    assert "topic" in result.stdout


def test_evaluate_standard_input_is_measured_on(train: Train, home: Path, jsonl: Path) -> None:
    model = home / "model"
    train("fit", "--data", jsonl, "--encoder", "none", "--out", model)
    result = train(
        "evaluate", "--model", model, "--data", "-", stdin=jsonl.read_text(encoding="utf-8")
    )
    assert result.exit_code == 0, result.stderr
    assert f"n {N_ROWS}" in result.stdout


def test_fit_result_has_the_out_of_fold_figures(train: Train, home: Path, jsonl: Path) -> None:
    path = home / "result.json"
    result = train("fit", "--data", jsonl, "--encoder", "none", "--result", path, "--name", "CV")
    assert result.exit_code == 0, result.stderr
    measured = Measured.load(path)
    assert (measured.name, measured.metrics[ALL]["topic"]["n"]) == ("CV", N_ROWS)


def test_evaluate_and_report_errors_are_told(train: Train, home: Path, jsonl: Path) -> None:
    assert "no model here" in said(train("evaluate", "--model", home, "--data", jsonl))
    missing = train("report", "--results", home / "none.json")
    assert "no figures" in said(missing)


def run_installed(home: Path, name: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=home)


def test_installed_commands_fit_register_and_classify_by_reference(home: Path, jsonl: Path) -> None:
    done = run_installed(
        home, "triage-train", "fit", "--data", jsonl, "--encoder", "none", "--out", "model",
        "--register", "appeal-triage", "--alias", "champion",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "registered as appeal-triage version 1 @champion\n" in done.stderr
    text = corpus()[0]["text"]
    answers = []
    for reference in ("model", "models:/appeal-triage@champion"):
        done = run_installed(home, "triage", "classify", "--model", reference, text)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert answers[0] == answers[1]
    assert {path.name for path in home.iterdir()} == {"appeals.jsonl", "home", "model"}
