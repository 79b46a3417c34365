"""compare, promote, rollback and challenger over a real registry and a real store."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from appeal_files import corpus, write_jsonl
from typer.testing import CliRunner, Result

from models import folder
from models.registry import ModelRegistry
from training.cli import app
from training.data import read_examples
from training.fit import fit_model
from training.gatefile import GATES_FILE
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.promotion import gate_reports
from triage.store import events
from triage.store.sessions import make_engine, make_sessions

NAME = "appeal-triage"
N_FITTED, N_TESTED, N_WORSE = 600, 400, 100

Train = Callable[..., Result]


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Path]:
    """A home with three versions: a model that serves, a worse one, and the first one again."""
    import mlflow

    before = mlflow.get_tracking_uri()
    home = tmp_path_factory.mktemp("home")
    registry = registry_of(home)
    worse = write_jsonl(home / "worse.jsonl", corpus()[:N_WORSE])
    taxonomy = load_city(STARTER_DATA).taxonomy
    examples = read_examples([str(worse)], taxonomy=taxonomy)
    model = fit_model(examples, dense_encoder=None, taxonomy_version=taxonomy.version)
    folder.save(model, home / "worse")
    for path in (model_folder, home / "worse", model_folder):
        registry.log(path, experiment="appeals", tags={}, name=NAME)
    write_jsonl(home / "test.jsonl", corpus()[N_FITTED : N_FITTED + N_TESTED])
    yield home
    mlflow.set_tracking_uri(before)


@pytest.fixture
def home(registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home with version 1 as champion, for a test to change."""
    home = Path(shutil.copytree(registered, tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(home))
    registry_of(home).set_alias(NAME, "champion", "1")
    return home


@pytest.fixture
def train(home: Path) -> Train:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def registry_of(home: Path) -> ModelRegistry:
    return ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")


def reference(version: int) -> str:
    return f"models:/{NAME}/{version}"


def champion(home: Path) -> str:
    return registry_of(home).resolve(f"models:/{NAME}@champion")[1]


def kinds(home: Path) -> list[str]:
    engine = make_engine(f"sqlite:///{home / 'triage.db'}")
    with make_sessions(engine).read() as session:
        found = [
            one.kind for batch in events.batches(session, city="astana", size=9) for one in batch
        ]
    engine.dispose()
    return found


def test_compare_writes_a_report_and_a_run_that_names_both(train: Train, home: Path) -> None:
    from mlflow import MlflowClient

    out = home / "report"
    result = train(
        "compare", "--challenger", reference(2), "--data", home / "test.jsonl",
        "--city", STARTER_DATA, "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert re.search(
        r"^routed +accuracy -0\.\d{3} \(-0\.\d{3} to -0\.\d{3}\)$", result.stdout, re.M
    )
    assert "Review load" in (out / "report.md").read_text(encoding="utf-8")
    found = re.search(r"run (\w+)$", result.stderr.strip())
    assert found
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    run = client.get_run(found[1])
    assert (run.data.tags["champion"], run.data.tags["challenger"]) == (f"{NAME}/1", f"{NAME}/2")
    assert run.data.metrics["topic_accuracy_difference_high"] < 0
    assert {one.path for one in client.list_artifacts(found[1])} >= {"report.html", "changes.csv"}


def test_promote_worse_model_is_refused_and_its_gates_are_kept(train: Train, home: Path) -> None:
    result = train(
        "promote", "--model", reference(2), "--reason", "try", "--data", home / "test.jsonl"
    )
    assert result.exit_code == 1
    assert "FAILED  overall" in result.stderr
    assert "error: version 2 does not pass these gates:\noverall: " in result.stderr
    assert champion(home) == "1"
    version = registry_of(home).find_version(NAME, "2")
    assert version.tags["gates"] == "failed"
    assert version.tags["comparison.run"]
    assert {one.name for one in gate_reports(version)} >= {"overall", "contract", "self_test"}
    assert kinds(home) == []


def test_promote_worse_model_by_force_is_recorded(train: Train, home: Path) -> None:
    result = train("promote", "--model", reference(2), "--reason", "a test", "--force")
    assert result.exit_code == 0, result.stderr
    assert "version 2 serves now, 1 before, gates overruled" in result.stderr
    assert champion(home) == "2"
    assert kinds(home) == ["model.promoted"]


def test_promote_equal_model_passes_and_rolls_back(train: Train, home: Path) -> None:
    # The small model's contract is made up and does not hold, which its gate says.
    asked = ("promote", "--model", reference(3), "--reason", "refit", "--data", home / "test.jsonl")
    refused = train(*asked)
    assert refused.exit_code == 1
    assert re.findall(r"^FAILED  (\w+)", refused.stderr, re.MULTILINE) == ["contract"]
    lenient = GATES_FILE.read_text(encoding="utf-8").replace("risk: 0.05", "risk: 1.0e-30")
    (home / "gates.yaml").write_text(lenient, encoding="utf-8")
    result = train(*asked, "--gates", home / "gates.yaml")
    assert result.exit_code == 0, result.stderr
    assert champion(home) == "3"
    assert train("rollback", "--reason", "back").exit_code == 0
    assert champion(home) == "1"
    assert kinds(home) == ["model.promoted", "model.rolled_back"]


def test_promote_without_data_and_without_gates_is_refused(train: Train, home: Path) -> None:
    result = train("promote", "--model", reference(3), "--reason", "hurry")
    assert result.exit_code == 1
    assert "version 3 has not been through the gates" in result.stderr


def test_promote_broken_gates_are_told_before_anything_is_read(train: Train, home: Path) -> None:
    (home / "gates.yaml").write_text("overal: {}\n", encoding="utf-8")
    result = train(
        "promote", "--model", reference(3), "--reason", "x", "--data", home / "none.csv",
        "--gates", home / "gates.yaml",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "gates.yaml:1: unknown gate 'overal'" in result.stderr


def test_challenger_is_set_and_removed(train: Train, home: Path) -> None:
    assert train("challenger", "--model", reference(2)).exit_code == 0
    assert registry_of(home).has(NAME, "challenger")
    assert train("challenger", "--model", reference(2), "--remove").exit_code == 0
    assert not registry_of(home).has(NAME, "challenger")


def test_move_of_a_folder_is_refused(train: Train, home: Path) -> None:
    result = train("promote", "--model", home / "worse", "--reason", "x")
    assert result.exit_code == 2
    assert "name a registered model" in result.stderr
