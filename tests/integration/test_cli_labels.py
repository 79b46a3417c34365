"""`triage-train curve` and `suggest`: files, the store, MLflow, and what a user can get wrong."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import mlflow
import pytest
from appeal_files import corpus, write_jsonl
from typer.testing import CliRunner

from api.bootstrap import build_service
from models import folder
from models.registry import LoadedModel
from training.cli import app
from triage.appeal import Appeal, Verdict
from triage.config import STARTER_DATA, load_settings
from triage.reviewing import ReviewRequest
from triage.store.sessions import make_engine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_curve_writes_plot_and_list_and_logs_a_run(home):
    data = write_jsonl(home / "some.jsonl", corpus()[:600])
    command = ["curve", "--data", str(data), "--city", str(STARTER_DATA), "--level", "category"]
    done = CliRunner().invoke(app, [*command, "--encoder", "none", "--out", str(home / "out")])
    assert done.exit_code == 0, done.output
    assert "classes are under a recall of 0.8" in done.output
    assert b"<svg" in (home / "out" / "curve.svg").read_bytes()
    wanted = rows_of(home / "out" / "wanted.csv")
    assert wanted
    assert all(row["name_ru"] and row["name_kk"] for row in wanted)
    client = mlflow.MlflowClient(f"sqlite:///{home / 'var' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("learning-curves")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["data_hash"]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "curve.svg",
        "wanted.csv",
    }


def test_curve_unknown_level_is_told(home):
    done = CliRunner().invoke(app, ["curve", "--data", "x.csv", "--level", "mood"])
    assert done.exit_code == 2
    assert "mood" in done.output


def test_suggest_file_writes_masked_texts_with_names_in_both_languages(home, model_folder):
    rows = [{"text": one["text"]} for one in corpus()[700:900]]
    rows[0]["text"] += " Мой телефон +7 701 123 45 67"
    data = write_jsonl(home / "new.jsonl", rows)
    out = home / "label.csv"
    command = ["suggest", "--data", str(data), "--budget", "200", "--model", str(model_folder)]
    done = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = rows_of(out)
    assert {row["id"] for row in found} == {str(line) for line in range(1, len(rows) + 1)}
    assert all(row["topic_ru"] and row["or_topic_kk"] for row in found)
    assert "123 45 67" not in out.read_text(encoding="utf-8")


def test_suggest_other_column_is_named(home, model_folder):
    data = write_jsonl(home / "new.jsonl", [{"words": "Нет воды"}])
    command = ["suggest", "--data", str(data), "--budget", "1", "--model", str(model_folder)]
    done = CliRunner().invoke(app, [*command, "--out", str(home / "label.csv")])
    assert done.exit_code == 1
    assert "no column 'text'; there are words" in done.output
    assert not (home / "label.csv").exists()


@pytest.mark.parametrize("given", [[], ["--data", "new.jsonl", "--since", "2026-01-01"]])
def test_suggest_neither_or_both_sources_is_told(home, given):
    done = CliRunner().invoke(app, ["suggest", "--budget", "1", "--out", "x.csv", *given])
    assert done.exit_code == 2
    assert "--data" in done.output


def test_suggest_store_takes_what_nobody_has_reviewed(home, model_folder, sqlite_template):
    (home / "var").mkdir()
    shutil.copyfile(sqlite_template, home / "var" / "triage.db")
    engine = make_engine(load_settings().store_url)
    service = build_service(load_settings(), engine)
    service.use(LoadedModel(folder.load(model_folder), "small", "1"))
    made = [service.submit(Appeal(text=one["text"]), actor="intake") for one in corpus()[:4]]
    accepted = ReviewRequest(verdict=Verdict.ACCEPT, reviewer="Асель")
    service.review(made[0].id, accepted)
    engine.dispose()
    out = home / "label.csv"
    command = ["suggest", "--since", "2026-01-01", "--budget", "9", "--model", str(model_folder)]
    done = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert {row["id"] for row in rows_of(out)} == {decision.id for decision in made[1:]}
