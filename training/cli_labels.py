"""The commands that tell where labels are wanted: `triage-train curve` and `suggest`."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from models.prediction import LEVELS, Level
from models.registry import ModelRegistry
from training.curve import TARGET_RECALL, Curve, learning_curve
from training.data import read_examples
from training.encoders import NONE, STATIC, choose_encoder
from training.errors import TrainingError
from training.evaluate import command_line
from training.provenance import code_version
from training.suggest import Suggestion, suggest
from training.unlabelled import Unlabelled, of_file, of_store
from triage.citydata import City, load_city
from triage.config import Settings, load_settings
from triage.console import told_errors
from triage.masking import mask
from triage.progress import on_terminal
from triage.store.sessions import check_store, make_engine, make_sessions
from triage.timezone import KAZAKHSTAN

CURVES = "learning-curves"
PLOT, WANTED = "curve.svg", "wanted.csv"
WANTS = ("label", "name_ru", "name_kk", "examples", "recall", "more")
SUGGESTED = (
    *("id", "language", "text", "topic", "topic_ru", "topic_kk", "probability"),
    *("or_topic", "or_topic_ru", "or_topic_kk", "or_probability"),
)


def curve(
    data: Annotated[list[str], typer.Option(help="CSV, JSONL, Parquet or XLSX; repeatable")],
    level: Annotated[str, typer.Option(help=f"One of {', '.join(LEVELS)}")] = "topic",
    city: Annotated[Path | None, typer.Option(help="Check against this city's files")] = None,
    encoder: Annotated[str, typer.Option(help=f"{STATIC}, {NONE}, a folder or a name")] = STATIC,
    seed: Annotated[int, typer.Option(help="Of folds and parts")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the plot and the list")] = Path("var/curve"),
) -> None:
    """Plot accuracy against examples, and list the classes that want more of them."""
    from training.curveplot import save_curve  # matplotlib takes half a second to load

    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        chosen = _level(level)
        tables = load_city(city or settings.data_dir)
        examples = read_examples(
            data,
            taxonomy=tables.taxonomy if city else None,
            enterprises=tables.enterprises if city else None,
        )
        found = learning_curve(
            examples, chosen, dense_encoder=choose_encoder(encoder), seed=seed, progress=progress
        )
        out.mkdir(parents=True, exist_ok=True)
        save_curve(found, out / PLOT)
        _write_wants(found, tables, out / WANTED)
        _log_curve(settings, found, out, {"encoder": encoder, "seed": seed}, examples.data_hash)
    for point in found.points:
        typer.echo(f"{point.n:8} examples   accuracy {point.accuracy:.3f}")
    under = f"{len(found.wants)} classes are under a recall of {TARGET_RECALL}"
    typer.echo(f"{under}: {out / WANTED}")


def suggest_labels(
    budget: Annotated[int, typer.Option(min=1, help="How many appeals to pick")],
    out: Annotated[Path, typer.Option(help="CSV to write, texts masked")],
    data: Annotated[
        str | None, typer.Option(help="File of appeals; without it, those not yet reviewed")
    ] = None,
    column: Annotated[str, typer.Option(help="Of the texts in the file")] = "text",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Without --data: decided since")
    ] = None,
    model: Annotated[str | None, typer.Option(help="By default TRIAGE_MODEL")] = None,
    seed: Annotated[int, typer.Option(help="Of the choice among doubtful ones")] = 0,
) -> None:
    """Pick the appeals most worth labelling: doubtful ones that are unlike each other."""
    if (data is None) == (since is None):
        raise typer.BadParameter("give either --data or --since")
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        appeals = list(_appeals(settings, data, column, since))
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        loaded = registry.load(model or settings.model).model
        texts = [appeal.text for appeal in appeals]
        found = suggest(loaded, texts, budget, seed=seed, progress=progress)
        _write_suggestions(found, appeals, load_city(settings.data_dir), out)
    typer.echo(f"{len(found)} of {len(appeals)} appeals: {out}", err=True)


def _level(name: str) -> Level:
    for level in LEVELS:
        if level == name:
            return level
    raise typer.BadParameter(f"no {name!r}", param_hint="--level")


def _appeals(
    settings: Settings, data: str | None, column: str, since: datetime | None
) -> Iterator[Unlabelled]:
    if data is not None:
        yield from of_file(data, column)
    if since is not None:
        engine = make_engine(settings.store_url)
        check_store(engine)
        first = since.replace(tzinfo=KAZAKHSTAN)
        yield from of_store(make_sessions(engine), settings.city, first)


def _names(city: City, code: str) -> tuple[str, str]:
    named = (
        city.taxonomy.topics.get(code)
        or city.taxonomy.categories.get(code)
        or city.enterprises.get(code)
    )
    return (named.name.ru, named.name.kk) if named else ("", "")


def _write_wants(found: Curve, city: City, path: Path) -> None:
    rows = [
        (want.label, *_names(city, want.label), want.n, f"{want.recall:.3f}", want.more)
        for want in found.wants
    ]
    _write(path, WANTS, rows)


def _write_suggestions(
    found: Sequence[Suggestion], appeals: Sequence[Unlabelled], city: City, path: Path
) -> None:
    rows = []
    for one in found:
        appeal = appeals[one.row]
        told = [appeal.id, one.language, mask(appeal.text).text]
        for candidate in (one.first, one.second):
            names = _names(city, candidate.code)
            told += [candidate.code, *names, f"{candidate.probability:.3f}"]
        rows.append(told)
    _write(path, SUGGESTED, rows)


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _log_curve(
    settings: Settings, found: Curve, folder: Path, parameters: dict[str, object], data_hash: str
) -> None:
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    with tempfile.TemporaryDirectory() as scratch:
        for name in (PLOT, WANTED):
            (Path(scratch) / name).write_bytes((folder / name).read_bytes())
        registry.log_run(
            experiment=CURVES,
            name=f"curve {found.level}",
            parameters={"level": found.level, **parameters},
            metrics={f"accuracy_{point.n}": point.accuracy for point in found.points},
            tags={
                "command": command_line(),
                "data_hash": data_hash,
                "code_version": code_version(),
            },
            artifacts=Path(scratch),
        )
