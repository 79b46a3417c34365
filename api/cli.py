"""`triage`: serves, classifies, and looks after the store, the ledger and the city's files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from api import cli_access, cli_settings, cli_store
from api.app import create_app
from api.batch import classify_records, write_lines
from api.bootstrap import build_service
from api.moves import HEADER, Totals, as_json, table_row
from api.server import server_options
from api.workers import serve_workers
from models.output import encode_json
from models.registry import ModelRegistry
from triage.access import Access
from triage.citydata import check_city, install_city, load_city
from triage.config import Settings, load_settings
from triage.console import log_to_stderr, told_errors
from triage.errors import InvalidCityFileError
from triage.progress import OnTerminal, on_terminal
from triage.records import Record, parse_mapping, read_records
from triage.rows import COLUMNS
from triage.rulefile import load_city_rules, load_rules
from triage.store.sessions import check_store, make_engine, prepare_store
from triage.timezone import KAZAKHSTAN
from triage.whatif import Move

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None)
data = typer.Typer(no_args_is_help=True, help="A city's own files.")
routes = typer.Typer(no_args_is_help=True, help="Routing rules.")
app.add_typer(cli_store.audit, name="audit")
app.add_typer(data, name="data")
app.add_typer(routes, name="routes")
app.add_typer(cli_access.people, name="people")
app.add_typer(cli_access.keys, name="keys")
app.command()(cli_settings.settings)
app.command()(cli_store.purge)
app.command()(cli_store.backup)
app.command()(cli_store.restore)


class _Server(uvicorn.Server):
    """Says when it is ready to be asked."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # passed through
        await super().startup(sockets)  # type: ignore[arg-type]  # passed through
        if self.started:
            _say_ready(self.config.host, self.config.port)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="By default TRIAGE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="By default TRIAGE_PORT")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="By default TRIAGE_WORKERS")] = None,
) -> None:
    """Serve API and pages; the database is migrated and the champion loaded first."""
    log_to_stderr()
    with told_errors():
        given = {"host": host or None, "port": port, "workers": workers}
        settings = load_settings().model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        options = server_options(settings)
        if settings.workers == 1:
            served = create_app(settings)
            _let_in(settings, served.state.backend.access)
            _Server(uvicorn.Config(served, **options)).run()
            return
        # Once, before there are several who would.
        _let_in(settings, cli_access.prepare_access(settings))
        say_ready = partial(_say_ready, settings.host, settings.port)
        if not serve_workers(settings, say_ready, **options):
            raise typer.Exit(1)


def _let_in(settings: Settings, access: Access) -> None:
    """Refuse to serve unguarded, and print the link of an admin who has no password yet."""
    cli_access.check_guarded(settings, access)
    if link := cli_access.first_link(settings, access):
        typer.echo(f"sign in as {cli_access.LOCAL_ADMIN}, once: {link}", err=True)


def _say_ready(host: str, port: int) -> None:
    typer.echo(f"ready: http://{host}:{port}", err=True)


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
    with told_errors():
        settings = load_settings()
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
        prepare_store(make_engine(load_settings().store_url))
    typer.echo("the database is up to date", err=True)


@data.command()
def check(folder: Annotated[Path, typer.Argument(help="Folder with the city's files")]) -> None:
    """Say which line of a city's files is wrong and why."""
    _refuse(_city_problems(folder))
    typer.echo("no problems", err=True)


@data.command()
def install(
    folder: Annotated[Path, typer.Argument(help="Folder with the city's files")],
    destination: Annotated[Path, typer.Argument(help="Folder that TRIAGE_DATA_DIR names")],
) -> None:
    """Check a city's files and put them in place in one step; a bad file changes nothing."""
    with told_errors(OSError):
        if problems := _city_problems(folder):
            raise InvalidCityFileError(problems)
        city = install_city(folder, destination)
    typer.echo(f"installed: taxonomy {city.taxonomy.version}", err=True)


@routes.command(name="check")
def check_routes(file: Annotated[Path, typer.Argument(help="Rules to check")]) -> None:
    """Check a file of rules against the city in TRIAGE_DATA_DIR."""
    with told_errors():
        city = load_city(load_settings().data_dir)
    try:
        book = load_rules(file, city)
    except InvalidCityFileError as error:
        _refuse(error.problems)
    else:
        typer.echo(f"no problems: {len(book.rules)} rules", err=True)


@routes.command()
def diff(
    file: Annotated[Path, typer.Argument(help="Rules that might come into force")],
    since: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="First day of decisions to replay"),
    ],
    output: Annotated[
        str | None, typer.Option("--json", help="JSONL to write as well; - is standard output")
    ] = None,
) -> None:
    """List the stored appeals that other rules would move; nothing is stored."""
    with told_errors():
        settings = load_settings()
        engine = make_engine(settings.store_url)
        check_store(engine)
        service = build_service(settings, engine)
        rules = load_rules(file, service.city)
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        loaded = registry.load(settings.model)
        first = since.replace(tzinfo=KAZAKHSTAN)
        # A bar would stand among the rows.
        moves = service.replay(loaded, rules, since=first, progress=OnTerminal(None))
        _tell_moves(moves, output)


def _tell_moves(moves: Iterator[Move], output: str | None) -> None:
    """Print a table as moves are found, and write them as JSONL where that is wanted."""
    totals = Totals()

    def told() -> Iterator[str]:
        for move in totals.count(moves):
            typer.echo(table_row(move), err=output == "-")
            yield encode_json(as_json(move))

    typer.echo(HEADER, err=output == "-")
    if output is None:
        for _ in told():
            pass
    else:
        write_lines(told(), output)
    for row in totals.rows():
        typer.echo(row, err=output == "-")


def _city_problems(folder: Path) -> list[str]:
    """Return every problem of a city's files, its rules among them."""
    problems = [str(problem) for problem in check_city(folder)]
    try:
        load_city_rules(folder, load_city(folder))
    except InvalidCityFileError as error:
        # Rules can't be checked beside broken tables, whose problems are told already.
        problems += [problem for problem in error.problems if problem not in problems]
    return problems


def _refuse(problems: list[str]) -> None:
    """Print problems and end the process with status 1, if there are any."""
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
