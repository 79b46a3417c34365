"""`triage-train tune`: study files, MLflow, fit with what was found, Ctrl-C in a real process."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from appeal_files import corpus, write_jsonl
from click.testing import Result
from typer.testing import CliRunner

from models import folder
from training.cli import app
from training.cli_tune import INTERRUPTED

BIN = Path(sys.executable).parent
PATIENCE = 300


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def data(home: Path) -> Path:
    return write_jsonl(home / "some.jsonl", corpus()[:300])


def command(data: Path, study: Path, *more: object) -> list[str]:
    asked = ["tune", "--data", data, "--study", study, "--level", "topic", "--encoder", "none"]
    return [str(one) for one in [*asked, *more]]


def tune(*arguments: object) -> Result:
    return CliRunner().invoke(app, command(*arguments))


def test_tune_writes_settings_goes_on_and_logs_each_trial_once(home: Path, data: Path) -> None:
    study = home / "study.db"
    done = tune(data, study, "--trials", 3)
    assert done.exit_code == 0, done.output
    assert "0 trials there, 3 more made, 3 in all" in done.stderr
    done = tune(data, study, "--trials", 5)
    assert done.exit_code == 0, done.output
    assert "3 trials there, 2 more made, 5 in all" in done.stderr
    assert "standard error" in done.stdout
    found = json.loads((home / "study.json").read_text(encoding="utf-8"))
    assert found["n_trials"] == 5
    assert found["best"]["value"] - found["default"]["value"] == pytest.approx(found["difference"])
    client = mlflow.MlflowClient(f"sqlite:///{home / 'var' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("tuning").experiment_id])
    parents = {run.info.run_id: run for run in runs if run.info.run_name == "tune topic"}
    of = [run.data.tags.get("mlflow.parentRunId") for run in runs]
    assert sorted(of.count(parent) for parent in parents) == [2, 3]
    names = sorted(run.info.run_name for run in runs if run.info.run_id not in parents)
    assert names == [f"trial {number}" for number in range(5)]
    assert all(run.data.tags["data_hash"] for run in runs)


def test_tune_study_of_other_data_is_refused_and_says_so(home: Path, data: Path) -> None:
    assert tune(data, home / "study.db", "--trials", 2).exit_code == 0
    other = write_jsonl(home / "other.jsonl", corpus()[300:600])
    done = tune(other, home / "study.db", "--trials", 3)
    assert done.exit_code == 1
    assert "a study of other data" in done.stderr
    assert "name another file" in done.stderr


def test_fit_settings_are_those_of_the_file_and_a_wrong_file_is_told(
    home: Path, data: Path
) -> None:
    written = home / "settings.json"
    written.write_text('{"settings": {"svm_c": 0.2, "max_features": 900}}', encoding="utf-8")
    fit = ["fit", "--data", str(data), "--encoder", "none", "--out", str(home / "model")]
    done = CliRunner().invoke(app, [*fit, "--settings", str(written)])
    assert done.exit_code == 0, done.output
    model = folder.load(home / "model")
    assert len(model.sparse_encoder.vocabulary) == 900
    assert model.info.parameters["svm_c"] == 0.2
    written.write_text('{"settings": {"svm_c": -1}}', encoding="utf-8")
    done = CliRunner().invoke(app, [*fit, "--settings", str(written)])
    assert done.exit_code == 1
    assert "svm_c: not a positive number: -1" in done.stderr


def test_tune_interrupted_process_keeps_finished_trials(home: Path, data: Path) -> None:
    study = home / "study.db"
    arguments = command(data, study, "--trials", 10_000)
    process = subprocess.Popen([str(BIN / "triage-train"), *arguments], stderr=subprocess.PIPE)
    wait_for_trials(study, 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == INTERRUPTED, said
    assert b"interrupted; the same command goes on from here" in said
    found = json.loads((home / "study.json").read_text(encoding="utf-8"))
    kept = found["n_trials"]
    assert kept >= 2
    done = tune(data, study, "--trials", kept + 1)
    assert done.exit_code == 0, done.output
    assert f"{kept} trials there, 1 more made" in done.stderr


def wait_for_trials(study: Path, n_trials: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if finished(study) >= n_trials:
            return
        time.sleep(0.2)
    raise TimeoutError(f"{study}: no {n_trials} trials")


def finished(study: Path) -> int:
    if not study.exists():
        return 0
    connection = sqlite3.connect(f"file:{study}?mode=ro", uri=True)
    try:
        query = "SELECT count(*) FROM trials WHERE state = 'COMPLETE'"
        return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # its tables are being made
        return 0
    finally:
        connection.close()
