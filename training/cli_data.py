"""The commands that make and check training data: `triage-train snapshot` and `check`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import ModelNotFoundError
from models.registry import SCHEME, LoadedModel, ModelRegistry
from training.checking.check import Check, check_examples
from training.checking.writing import write_check
from training.data import COLUMNS, read_examples
from training.encoders import STATIC, choose_encoder
from training.errors import TrainingError
from training.evaluate import command_line
from training.page import HTML, MARKDOWN
from training.provenance import code_version
from training.snapshots.files import MANIFEST, beside
from training.snapshots.snapshot import Period, Snapshot, take_snapshot
from triage.citydata import load_city
from triage.config import CHAMPION, MODEL_NAME, Settings, load_settings
from triage.console import told_errors
from triage.progress import on_terminal
from triage.records import parse_mapping
from triage.store.sessions import check_store, make_engine, make_sessions
from triage.timezone import KAZAKHSTAN

SNAPSHOTS, CHECKS = "snapshots", "checks"
_CHAMPION = f"{SCHEME}{MODEL_NAME}@{CHAMPION}"

Map = Annotated[str | None, typer.Option("--map", help="Our columns in your files: text=COL,...")]


def snapshot(
    since: Annotated[
        datetime, typer.Option(help="First day whose reviews and checks are taken", show_default="")
    ],
    out: Annotated[Path, typer.Option(help="Parquet file to write; must not exist yet")],
    until: Annotated[
        datetime | None, typer.Option(help="Day before which they end; now where not given")
    ] = None,
    history: Annotated[
        list[str] | None, typer.Option(help="File of labelled appeals to add; repeatable")
    ] = None,
    columns: Map = None,
) -> None:
    """Write what people said of appeals as one file to fit on, without personal data."""
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        period = Period(_local(since), _local(until) if until else datetime.now(KAZAKHSTAN))
        engine = make_engine(settings.store_url)
        check_store(engine)
        taken = take_snapshot(
            make_sessions(engine),
            settings.city,
            load_city(settings.data_dir),
            period,
            out,
            history=history or (),
            mapping=parse_mapping(columns, COLUMNS),
            progress=progress,
        )
        run = _log_snapshot(settings, taken)
    _tell_snapshot(taken, run)


def check(
    data: Annotated[
        list[str], typer.Argument(help="CSV, JSONL, Parquet or XLSX; - is standard input")
    ],
    champion: Annotated[
        str | None, typer.Option(help="Model whose data this is compared with, as in MLflow")
    ] = None,
    city: Annotated[
        Path | None, typer.Option(help="A city's folder, for names and known labels")
    ] = None,
    encoder: Annotated[str, typer.Option(help="For likely label errors, as for fit")] = STATIC,
    columns: Map = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page and the lists")] = None,
    seed: Annotated[int, typer.Option(help="Of folds and solvers")] = 0,
) -> None:
    """Check labelled appeals before a model is fitted on them."""
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        registry = _registry(settings)
        out = out or settings.home / "check"
        tables = load_city(city or settings.data_dir)
        examples = read_examples(data, mapping=parse_mapping(columns, COLUMNS))
        found = check_examples(
            examples,
            tables,
            dense_encoder=choose_encoder(encoder),
            champion=_load_champion(registry, champion),
            seed=seed,
            progress=progress,
        )
        names = ", ".join(Path(path).name for path in data)
        facts = (f"{names}; data {examples.data_hash[:12]}; code {code_version()}",)
        asked = {"data": names, "champion": found.champion, "encoder": encoder, "seed": seed}
        with tempfile.TemporaryDirectory() as scratch:  # other files of `out` are not the run's
            write_check(found, Path(scratch), tables, facts=facts)
            run = _log_check(registry, found, asked, Path(scratch))
            shutil.copytree(scratch, out, dirs_exist_ok=True)
    for warning in examples.warnings:
        _tell(f"warning: {warning}")
    for name, value in found.metrics.items():
        typer.echo(f"{name:28}{value:g}")
    _tell(f"{out / MARKDOWN}, {out / HTML}, run {run}")


def _local(day: datetime) -> datetime:
    return day if day.tzinfo else day.replace(tzinfo=KAZAKHSTAN)


def _registry(settings: Settings) -> ModelRegistry:
    return ModelRegistry(settings.tracking_uri, settings.artifact_folder)


def _load_champion(registry: ModelRegistry, reference: str | None) -> LoadedModel | None:
    """Load the model that was named, else the champion if there is one."""
    try:
        return registry.load(reference or _CHAMPION)
    except ModelNotFoundError:
        if reference:
            raise
        return None


def _log_snapshot(settings: Settings, taken: Snapshot) -> str:
    """Log the manifest; the rows themselves stay where they were written."""
    manifest = taken.manifest
    counts = {f"rows_{source}": float(n) for source, n in manifest["rows_by_source"].items()}
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(beside(taken.path, MANIFEST), scratch)
        return _registry(settings).log_run(
            experiment=SNAPSHOTS,
            name=taken.path.name,
            parameters={name: manifest[name] for name in ("city", "since", "until")},
            metrics={
                "rows": float(manifest["rows"]),
                "left_out": float(sum(manifest["left_out"].values())),
                "unmapped": float(sum(manifest["unmapped"].values())),
                **counts,
            },
            tags=_tags(manifest["sha256"]),
            artifacts=Path(scratch),
        )


def _log_check(registry: ModelRegistry, found: Check, asked: Mapping[str, Any], out: Path) -> str:
    return registry.log_run(
        experiment=CHECKS,
        name=str(asked["data"]),
        parameters=asked,
        metrics=found.metrics,
        tags=_tags(found.examples.data_hash),
        artifacts=out,
    )


def _tags(data_hash: str) -> dict[str, str]:
    return {"command": command_line(), "code_version": code_version(), "data_hash": data_hash}


def _tell_snapshot(taken: Snapshot, run: str) -> None:
    manifest = taken.manifest
    sources = ", ".join(f"{source} {n}" for source, n in manifest["rows_by_source"].items())
    _tell(f"{manifest['rows']} appeals ({sources}), saved in {taken.path}, run {run}")
    for what in ("left_out", "unmapped"):
        for reason, n in manifest[what].items():
            name = manifest[f"{what}_file"]
            _tell(f"warning: {what.replace('_', ' ')}, {reason}: {n}, see {name}")


def _tell(message: str) -> None:
    typer.echo(message, err=True)
