"""`triage-train snapshot` and `check`, with a real store and MLflow."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from appeal_files import corpus, write_jsonl
from typer.testing import CliRunner, Result

from models.registry import ModelRegistry
from training.cli import app

N_ROWS = 60
TOPICS = ("roads.potholes", "healthcare.appointment")

Train = Callable[..., Result]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path))
    shutil.copyfile(sqlite_template, tmp_path / "triage.db")
    return tmp_path


@pytest.fixture
def train(home: Path) -> Train:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def appeals(home: Path) -> Path:
    rows = [row for row in corpus() if row["topic"] in TOPICS]
    return write_jsonl(home / "appeals.jsonl", rows[:N_ROWS])


def run_of(home: Path, result: Result) -> object:
    """Return the MLflow run that a command told of."""
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    run_id = result.stderr.partition(", run ")[2].split()[0]
    return registry._client().get_run(run_id)


def test_snapshot_of_history_is_written_logged_and_fitted_on(
    train: Train, home: Path, appeals: Path
) -> None:
    out = home / "data" / "s.parquet"
    result = train("snapshot", "--since", "2026-01-01", "--out", out, "--history", appeals)
    assert result.exit_code == 0, result.stderr
    assert f"{N_ROWS} appeals (history {N_ROWS}), saved in {out}" in result.stderr
    run = run_of(home, result)
    manifest = json.loads(out.with_name("s.parquet.manifest.json").read_text(encoding="utf-8"))
    assert run.data.metrics["rows"] == N_ROWS  # type: ignore[attr-defined]  # MLflow's own
    assert run.data.tags["data_hash"] == manifest["sha256"]  # type: ignore[attr-defined]
    assert manifest["since"] == "2026-01-01T00:00:00+05:00"
    fitted = train("fit", "--data", out, "--encoder", "none", "--out", home / "model")
    assert fitted.exit_code == 0, fitted.stderr


def test_check_writes_page_and_lists_and_compares_with_the_model(
    train: Train, home: Path, appeals: Path
) -> None:
    fitted = train("fit", "--data", appeals, "--encoder", "none", "--out", home / "model")
    assert fitted.exit_code == 0, fitted.stderr
    out = home / "check"
    result = train(
        "check", appeals, "--champion", home / "model", "--encoder", "none", "--out", out
    )
    assert result.exit_code == 0, result.stderr
    assert "topic_psi " in result.stdout
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "This file against the data of model folder." in page
    with (out / "label-errors-topic.csv").open(encoding="utf-8-sig") as file:
        assert {"row", "text", "label_kk", "likely_ru"} <= set(next(csv.reader(file)))
    assert run_of(home, result).data.metrics["rows"] == N_ROWS  # type: ignore[attr-defined]


def test_check_without_a_champion_says_so(train: Train, home: Path, appeals: Path) -> None:
    result = train("check", appeals, "--encoder", "none")
    assert result.exit_code == 0, result.stderr
    page = (home / "check" / "report.md").read_text(encoding="utf-8")
    assert "There is no champion to compare with." in page


REFUSED = {
    "nothing labelled": (["snapshot", "--since", "2026-01-01", "--out", "{}/s.parquet"], "nothing"),
    "dates reversed": (
        ["snapshot", "--since", "2026-02-01", "--until", "2026-01-01", "--out", "{}/s.parquet"],
        "is not before --until",
    ),
    "unreadable history": (
        ["snapshot", "--since", "2026-01-01", "--out", "{}/s.parquet", "--history", "{}/none.csv"],
        "none.csv: No such file",
    ),
    "check of a missing file": (["check", "{}/none.csv"], "none.csv: No such file"),
    "unknown champion": (["check", "{}/a.csv", "--champion", "{}/none"], "no model here"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_error_is_told_and_nothing_is_written(
    train: Train, home: Path, arguments: list[str], message: str
) -> None:
    (home / "a.csv").write_text("text,topic\nяма,a\n", encoding="utf-8")
    result = train(*(part.format(home) for part in arguments))
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (home / "s.parquet").exists()
    assert not (home / "check").exists()
