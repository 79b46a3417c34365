"""`triage`: serves, classifies, and looks after the store, the ledger and the city's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.batch import COLUMNS, classify_records, write_lines
from api.bootstrap import build_service
from models.registry import ModelRegistry
from triage.citydata import check_city, install_city
from triage.config import Settings
from triage.console import log_to_stderr, told_errors
from triage.progress import on_terminal
from triage.records import Record, parse_mapping, read_records
from triage.store.sessions import check_store, make_engine, prepare_store

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None)
audit = typer.Typer(no_args_is_help=True, help="The decision ledger.")
data = typer.Typer(no_args_is_help=True, help="A city's own files.")
app.add_typer(audit, name="audit")
app.add_typer(data, name="data")


class _Server(uvicorn.Server):
    """Says when it is ready to be asked."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # passed through
        await super().startup(sockets)  # type: ignore[arg-type]  # passed through
        if self.started:
            typer.echo(f"ready: http://{self.config.host}:{self.config.port}", err=True)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="By default TRIAGE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="By default TRIAGE_PORT")] = None,
) -> None:
    """Serve API and pages; the database is migrated and the champion loaded first."""
    settings = Settings()
    log_to_stderr()
    with told_errors():
        config = uvicorn.Config(
            create_app(settings),
            host=host or settings.host,
            port=port or settings.port,
            log_level="warning",
            access_log=False,
        )
        _Server(config).run()


@app.command()
def classify(
    text: Annotated[str | None, typer.Argument(help="One appeal")] = None,
    model: Annotated[
        str | None, typer.Option(help="Model folder or models:/name@alias; by default TRIAGE_MODEL")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", help="CSV, JSONL, Parquet or XLSX; - is standard input")
    ] = None,
    output: Annotated[str, typer.Option(help="JSONL to write; - is standard output")] = "-",
    columns: Annotated[
        str | None, typer.Option("--map", help="Columns of the file: text=COL,id=COL,language=COL")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV file")] = None,
) -> None:
    """Classify one appeal or a file of them; nothing is stored."""
    if (text is None) == (source is None):
        raise typer.BadParameter("give either a text or --input")
    settings = Settings()
    with told_errors():
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        loaded = registry.load(model or settings.model).model
        if text is not None:
            write_lines(classify_records(loaded, [Record(1, {"text": text})], {}), output)
            return
        mapping = parse_mapping(columns, COLUMNS)
        records = read_records(str(source), delimiter=delimiter)
        with on_terminal() as progress:
            answers = progress.track("classifying", classify_records(loaded, records, mapping))
            count = write_lines(answers, output)
    typer.echo(f"{count} appeals classified", err=True)


@app.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    with told_errors():
        prepare_store(make_engine(Settings().store_url))
    typer.echo("the database is up to date", err=True)


@app.command()
def settings() -> None:
    """List every TRIAGE_* variable with its default."""
    for name, field in Settings.model_fields.items():
        typer.echo(f"TRIAGE_{name.upper():20} {field.description} [{field.default}]")


@audit.command()
def verify() -> None:
    """Check every entry of the ledger, and every row against the entry that recorded it."""
    settings = Settings()
    with told_errors():
        engine = make_engine(settings.store_url)
        check_store(engine)
        count = build_service(settings, engine).verify_ledger()
    typer.echo(f"the ledger is intact: {count} entries")


@data.command()
def check(folder: Annotated[Path, typer.Argument(help="Folder with the city's files")]) -> None:
    """Say which line of a city's files is wrong and why."""
    problems = check_city(folder)
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        raise typer.Exit(1)
    typer.echo("no problems", err=True)


@data.command()
def install(
    folder: Annotated[Path, typer.Argument(help="Folder with the city's files")],
    destination: Annotated[Path, typer.Argument(help="Folder that TRIAGE_DATA_DIR names")],
) -> None:
    """Check a city's files and put them in place in one step; a bad file changes nothing."""
    with told_errors(OSError):
        city = install_city(folder, destination)
    typer.echo(f"installed: taxonomy {city.taxonomy.version}", err=True)
