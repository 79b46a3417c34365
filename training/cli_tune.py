"""The command that searches settings for a fit: `triage-train tune`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.prediction import LEVELS, Level
from models.registry import ModelRegistry
from training.data import COLUMNS, Examples, read_examples
from training.encoders import NONE, STATIC, choose_encoder
from training.errors import TrainingError
from training.evaluate import command_line
from training.provenance import code_version
from training.settings import SETTINGS
from training.vectors import CACHE, VectorCache, stored
from triage.citydata import load_city
from triage.config import load_settings
from triage.console import told_errors
from triage.progress import Reporter, on_terminal
from triage.records import parse_mapping

if TYPE_CHECKING:
    from training.tune import Trial, Tuned

EXPERIMENT = "tuning"
INTERRUPTED = 130
"""Exit status of what Ctrl-C ended."""


def tune(
    data: Annotated[list[str], typer.Option(help="CSV, JSONL, Parquet or XLSX; repeatable")],
    trials: Annotated[int, typer.Option(min=2, help="How many there are to be in the end")] = 30,
    study: Annotated[
        Path | None, typer.Option(help="SQLite file to go on with; tune.db in TRIAGE_HOME")
    ] = None,
    level: Annotated[str, typer.Option(help=f"One of {', '.join(LEVELS)}")] = "topic",
    city: Annotated[Path | None, typer.Option(help="Check against this city's files")] = None,
    encoder: Annotated[str, typer.Option(help=f"{STATIC}, {NONE}, a folder or a name")] = STATIC,
    columns: Annotated[
        str | None, typer.Option("--map", help="Our columns in your files: text=COL,...")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Settings to write, for fit; by default beside the study")
    ] = None,
    experiment: Annotated[
        str, typer.Option("--register-experiment", help="Of MLflow, to log the trials in")
    ] = EXPERIMENT,
    seed: Annotated[int, typer.Option(help="Of folds, solvers and the search")] = 0,
) -> None:
    """Search the settings that do best on appeals which were not fitted on."""
    from training.tune import tune as search  # Optuna is slow to load

    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        chosen, study = _level(level), study or settings.home / "tune.db"
        out = out or study.with_suffix(".json")
        examples = _read(data, columns, city)
        try:
            with VectorCache(settings.home / CACHE) as cache:
                found = search(
                    examples,
                    chosen,
                    study,
                    n_trials=trials,
                    dense_encoder=stored(choose_encoder(encoder), cache),
                    seed=seed,
                    progress=progress,
                )
        except KeyboardInterrupt:
            _tell(f"interrupted before the default settings were through; {study} is kept")
            raise SystemExit(INTERRUPTED) from None
        asked = {"data": " ".join(Path(name).name for name in data), "level": level}
        asked |= {"encoder": encoder, "seed": str(seed), "trials": str(trials)}
        _write(out, found, asked | {"data_hash": examples.data_hash})
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        _log(registry, experiment, found, asked, _tags(examples), out, progress)
    _tell_found(found, study, out)
    if found.interrupted:
        raise SystemExit(INTERRUPTED)


def _level(name: str) -> Level:
    for level in LEVELS:
        if level == name:
            return level
    raise typer.BadParameter(f"no {name!r}", param_hint="--level")


def _read(data: list[str], columns: str | None, city: Path | None) -> Examples:
    tables = load_city(city) if city else None
    return read_examples(
        data,
        mapping=parse_mapping(columns, COLUMNS),
        taxonomy=tables.taxonomy if tables else None,
        enterprises=tables.enterprises if tables else None,
    )


def _write(path: Path, found: Tuned, asked: Mapping[str, str]) -> None:
    """Write the best settings, and beside them what there is to judge them by."""
    content = {
        SETTINGS: asdict(found.best.settings),
        "best": _figures(found.best),
        "default": {SETTINGS: asdict(found.default.settings), **_figures(found.default)},
        "difference": found.gain.difference,
        "standard_error": found.gain.standard_error,
        "is_clear": found.gain.is_clear,
        "validation": found.validation,
        "n_trials": len(found.trials),
        "asked": dict(asked),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _figures(trial: Trial) -> dict[str, float]:
    return {
        "value": trial.value,
        "accuracy": fmean(score.accuracy for score in trial.scores),
        "macro_f1": fmean(score.macro_f1 for score in trial.scores),
        "n_folds": float(len(trial.scores)),
    }


def _log(
    registry: ModelRegistry,
    experiment: str,
    found: Tuned,
    asked: Mapping[str, str],
    tags: Mapping[str, str],
    settings_file: Path,
    progress: Reporter,
) -> None:
    """Log the search as a run, and each trial that this run made as a part of it."""
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(settings_file, scratch)
        best: dict[str, Any] = {
            f"best_{name}": value for name, value in asdict(found.best.settings).items()
        }
        parent = registry.log_run(
            experiment=experiment,
            name=f"tune {found.level}",
            parameters={**asked, "validation": found.validation, **best},
            metrics={
                "best": found.best.value,
                "default": found.default.value,
                "difference": found.gain.difference,
                "standard_error": found.gain.standard_error,
                "n_trials": float(len(found.trials)),
            },
            tags=tags,
            artifacts=Path(scratch),
        )
    made = found.trials[found.n_before :]
    for trial in progress.track("logging trials", made, len(made)):
        registry.log_run(
            experiment=experiment,
            name=f"trial {trial.number}",
            parameters=asdict(trial.settings),
            metrics=_figures(trial),
            tags={**tags, "pruned": str(trial.pruned).lower()},
            parent=parent,
        )


def _tags(examples: Examples) -> dict[str, str]:
    return {
        "command": command_line(),
        "code_version": code_version(),
        "data_hash": examples.data_hash,
    }


def _tell_found(found: Tuned, study: Path, out: Path) -> None:
    n_trials, n_made = len(found.trials), len(found.trials) - found.n_before
    _tell(f"{study}: {found.n_before} trials there, {n_made} more made, {n_trials} in all")
    if found.interrupted:
        _tell("interrupted; the same command goes on from here")
    for name, trial in (("default", found.default), ("best", found.best)):
        figures = _figures(trial)
        typer.echo(
            f"{name:8}accuracy {figures['accuracy']:.4f}  macro-F1 {figures['macro_f1']:.4f}"
            f"  mean {trial.value:.4f}  {_described(trial)}"
        )
    gain = found.gain
    verdict = "more than noise" if gain.is_clear else "may be noise: keep the default settings"
    typer.echo(
        f"difference {gain.difference:+.4f}, standard error {gain.standard_error:.4f}: {verdict}"
    )
    _tell(f"best settings: {out}")


def _described(trial: Trial) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in asdict(trial.settings).items())


def _tell(message: str) -> None:
    typer.echo(message, err=True)
