"""`triage-spark`: scores a history of appeals of any size with Apache Spark."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import ModelNotFoundError
from models.registry import SCHEME, ModelRegistry
from training.dayfolders import DayFolders
from training.errors import SparkFailedError, SparkUnavailableError, TrainingError
from training.history import Scoring, score_days
from triage.config import load_settings
from triage.console import told_errors
from triage.records import parse_mapping
from triage.rows import COLUMNS
from triage.timezone import KAZAKHSTAN

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY_COLUMN = "received_at"

CONFIGURATION: dict[str, bool | float | int | str | None] = {
    "spark.sql.session.timeZone": str(KAZAKHSTAN),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback(help=__doc__)
def triage_spark() -> None:
    """Have `classify` be a command of its own beside others to come."""


@app.command()
def classify(
    source: Annotated[str, typer.Option("--input", help="Parquet: a file, a folder or a pattern")],
    output: Annotated[str, typer.Option(help="Folder for Parquet, a folder for each day in it")],
    model: Annotated[
        str | None,
        typer.Option(help="models:/name@alias or models:/name/version; by default TRIAGE_MODEL"),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--map", help="Columns of it: text=COL,id=COL,language=COL"),
    ] = None,
    day_column: Annotated[str, typer.Option(help="Column that says a row's day")] = DAY_COLUMN,
    master: Annotated[
        str | None,
        typer.Option(help="Spark's master; by default as Spark is configured"),
    ] = None,
) -> None:
    """Classify appeals by day; run again, it goes on with the days that are not there yet."""
    with told_errors(TrainingError):
        settings = load_settings()
        check_spark()
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        mapping = parse_mapping(columns, COLUMNS)
        scoring = describe(registry, model or settings.model, source, mapping, day_column)
        with spark_session(master) as spark:
            folders = DayFolders(spark, output)
            days = count = 0
            for day in score_days(registry.tracking_uri, spark, scoring, folders):
                typer.echo(
                    f"{day.day}: {day.count} appeals" + ("" if day.is_new else ", there already"),
                    err=True,
                )
                days, count = days + day.is_new, count + day.is_new * day.count
        typer.echo(f"{count} appeals of {days} days classified", err=True)


def describe(
    registry: ModelRegistry, reference: str, source: str, columns: dict[str, str], day_column: str
) -> Scoring:
    """Say what is scored with what; an alias becomes the version that it names now.

    Raises
    ------
    ModelNotFoundError
        The registry has no such model, or the reference is of no registered one.
    BrokenModelError, RegistryUnavailableError
    """
    if not reference.startswith(SCHEME):
        raise ModelNotFoundError(
            f"{reference}: Spark scores with a registered model:"
            f" {SCHEME}NAME@ALIAS or {SCHEME}NAME/VERSION"
        )
    loaded = registry.load(reference)
    return Scoring(
        source=source,
        model=f"{SCHEME}{loaded.name}/{loaded.version}",
        fingerprint=loaded.model.fingerprint,
        levels=tuple(loaded.model.heads),
        columns=columns,
        day_column=day_column,
    )


def check_spark() -> None:
    """Check that Spark could be started.

    Raises
    ------
    SparkUnavailableError
        Says what to install.
    """
    if find_spec("pyspark") is None:
        raise SparkUnavailableError("PySpark is missing: pip install 'appeal-triage[spark]'")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=Path(home, "bin") if home else None) is None:
        raise SparkUnavailableError(
            "Java is missing, which Spark runs on: install version 17 or newer (on Debian"
            " openjdk-17-jre-headless), or set JAVA_HOME to where it is"
        )


@contextmanager
def spark_session(master: str | None) -> Iterator[SparkSession]:
    """Start Spark, and stop it when the block ends.

    Raises
    ------
    SparkFailedError
        Spark gave up on what was asked of it in the block.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    # Else Spark would take the machine's own Python, without our packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("appeal-triage").config(map=CONFIGURATION)
    spark = (builder.master(master) if master else builder).getOrCreate()
    try:
        yield spark
    except PySparkException as error:
        # The rest is a stack trace, and may hold what the rows do.
        raise SparkFailedError(f"Spark failed: {str(error).partition(chr(10))[0]}") from error
    finally:
        spark.stop()
