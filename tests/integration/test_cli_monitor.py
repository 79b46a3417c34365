"""`triage-train monitor` over a filled store, with a real MLflow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from health_cases import MakeDecision, fill
from typer.testing import CliRunner, Result

from models.registry import ModelRegistry
from training.cli import app
from training.cli_monitor import BREACH
from triage.store.sessions import Sessions, make_engine, make_sessions
from triage.timezone import KAZAKHSTAN

N = 90
BEFORE = datetime(2026, 3, 2, tzinfo=KAZAKHSTAN)
SINCE = BEFORE + timedelta(days=5)
UNTIL = SINCE + timedelta(days=5)
DATES = ("--since", f"{SINCE:%Y-%m-%d}", "--until", f"{UNTIL:%Y-%m-%d}")

Run = Callable[..., Result]


@pytest.fixture
def home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path, model_folder: Path
) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path))
    monkeypatch.setenv("TRIAGE_MODEL", str(model_folder))
    shutil.copyfile(sqlite_template, tmp_path / "triage.db")
    return tmp_path


@pytest.fixture
def stored(home: Path, make_decision: MakeDecision) -> Sessions:
    """A store with decisions of the reference window."""
    sessions = make_sessions(make_engine(f"sqlite:///{home / 'triage.db'}"))
    fill(sessions, make_decision, since=BEFORE, n=N)
    return sessions


@pytest.fixture
def monitor(home: Path) -> Run:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["monitor", *(str(argument) for argument in arguments)])

    return run


def test_monitor_nothing_changed_ends_well(
    monitor: Run, stored: Sessions, make_decision: MakeDecision, home: Path
) -> None:
    fill(stored, make_decision, since=SINCE, n=N)

    result = monitor(*DATES)

    assert result.exit_code == 0, result.stderr
    assert "breach" not in result.stdout
    assert "mix of languages" in result.stdout
    assert json.loads((home / "monitor" / "health.json").read_text())["has_breaches"] is False


def test_monitor_breach_has_its_own_status_and_is_told_everywhere(
    monitor: Run, stored: Sessions, make_decision: MakeDecision, home: Path
) -> None:
    fill(stored, make_decision, since=SINCE, n=N, changed=True, n_wrong=N // 2)
    out = home / "out"

    result = monitor(*DATES, "--out", out)

    assert result.exit_code == BREACH == 3, result.stderr
    assert result.stdout.count("breach") == 7
    found = json.loads((out / "health.json").read_text(encoding="utf-8"))
    warned = {one["name"] for one in found["figures"] if one["state"] == "warn"}
    assert warned == {"languages", "topics", "confidence", "unknown_words", "embeddings"}
    assert found["counts"]["languages"]["window"] == {"kk": 68, "ru": 22}
    assert found["window"]["since"] == SINCE.isoformat()
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "| mix of languages |" in page
    assert "**breach**" in page
    html = (out / "report.html").read_text(encoding="utf-8")
    assert html.count("data:image/svg+xml;base64,") == 6
    run = run_of(home, result)
    assert run.data.metrics["languages"] > run.data.metrics["languages_threshold"]  # type: ignore[attr-defined]  # MLflow's own
    assert run.data.metrics["breaches"] == 2  # type: ignore[attr-defined]
    assert {"command", "code_version", "data_hash"} <= run.data.tags.keys()  # type: ignore[attr-defined]


def test_monitor_reference_may_begin_elsewhere(
    monitor: Run, stored: Sessions, make_decision: MakeDecision, home: Path
) -> None:
    fill(stored, make_decision, since=SINCE, n=N)

    result = monitor(*DATES, "--reference-since", f"{SINCE - timedelta(days=1):%Y-%m-%d}")

    assert result.exit_code == 0, result.stderr
    found = json.loads((home / "monitor" / "health.json").read_text())
    assert {one["n_reference"] for one in found["figures"]} == {0}
    assert {one["state"] for one in found["figures"]} == {"too_few"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--since", "2026-03-02", "--until", "2026-03-01"), 1, "ends before it begins"),
        (("--since", "2026-03-02", "--model", "none"), 1, "no model here"),
        ((), 2, "--since"),
    ],
)
def test_monitor_error_is_no_breach_and_writes_nothing(
    monitor: Run, home: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    result = monitor(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not (home / "monitor").exists()


def run_of(home: Path, result: Result) -> object:
    """Return the MLflow run that the command told of."""
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    return registry._client().get_run(result.stderr.partition(", run ")[2].split()[0])
