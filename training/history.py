"""Scores a history of appeals with Apache Spark, a day at a time, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pandas as pd

from models.prediction import LEVELS
from models.spark import spark_function
from training.dayfolders import DayFolders
from triage.errors import InvalidRecordsError
from triage.records import clean_cell
from triage.rows import COLUMNS, EMPTY, TEXT_EMPTY, hint_of, text_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

DAY = "day"
UNDATED = "__HIVE_DEFAULT_PARTITION__"
"""Where rows without a date go; Spark and others read it back as a day that is null."""

ROWS_IN_JOB = 1_000_000
"""Days are scored together up to so many rows: every job looks for its days in the whole input."""

ROWS_IN_TASK = 10_000

DATES = ("date", "timestamp", "timestamp_ntz", "string")
"""Types that a column of days may have; a string that is no date is no error."""

_CANDIDATE = "code:string,probability:double"
LEVEL = f"struct<{_CANDIDATE},candidates:array<struct<{_CANDIDATE}>>>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What is scored with what; another scoring may not go on in the same folder.

    Attributes
    ----------
    source
        Folder or file of Parquet, or a pattern of them.
    model
        ``models:/name/version``.
    fingerprint
        Of that version.
    levels
        Those that it has a head for.
    columns
        The source's columns, by our names for them.
    day_column
        The source's column that says a row's day.
    """

    source: str
    model: str
    fingerprint: str
    levels: tuple[str, ...]
    columns: Mapping[str, str]
    day_column: str

    def as_json(self) -> dict[str, object]:
        """Return what is kept beside the answers."""
        return {**asdict(self), "levels": list(self.levels)}


@dataclass(frozen=True, slots=True)
class ScoredDay:
    """A day whose answers are in place: its name and how many appeals it has."""

    day: str
    count: int
    is_new: bool


def score_days(
    tracking_uri: str,
    spark: SparkSession,
    scoring: Scoring,
    folders: DayFolders,
    *,
    rows_in_job: int = ROWS_IN_JOB,
) -> Iterator[ScoredDay]:
    """Write the answers to each day's appeals, and yield the day once they are in place.

    Days that are in place already come first and are not scored again.

    Raises
    ------
    InvalidRecordsError
        The source has not the columns that are needed.
    OtherScoringError
        The folder is of another scoring, or a day has more or fewer rows than when it was scored.
    """
    appeals = _read(spark, scoring)
    counted = appeals.groupBy(DAY).count().collect()
    counts = {row[DAY] or UNDATED: int(row["count"]) for row in counted}
    folders.claim(scoring.as_json())
    done = folders.finished(counts)
    for day in done:
        yield ScoredDay(day, counts[day], is_new=False)
    answers = _answering(tracking_uri, spark, scoring)
    todo = {day: counts[day] for day in sorted(counts) if day not in done}
    for days in _jobs(todo, rows_in_job):
        n_tasks = -(-sum(todo[day] for day in days) // ROWS_IN_TASK)
        chosen = appeals.where(_is_of(days)).repartition(n_tasks)
        scored = answers(chosen).repartition(DAY)
        scored.write.mode("overwrite").partitionBy(DAY).parquet(folders.scratch)
        for day in days:
            folders.put(day, todo[day])
            yield ScoredDay(day, todo[day], is_new=True)
    folders.clear_scratch()


def plain_rows(texts: pd.Series, hints: pd.Series) -> pd.DataFrame:
    """Return texts and hints as `triage classify` takes them; runs on Spark's machines."""
    plain = [text_of(clean_cell(value)) or None for value in texts]
    known = [hint_of(clean_cell(value)) for value in hints]
    return pd.DataFrame({"text": plain, "language": known}, dtype=object)


def _read(spark: SparkSession, scoring: Scoring) -> DataFrame:
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as f

    try:
        source = spark.read.parquet(scoring.source)
    except PySparkException as error:
        reason = str(error).partition("\n")[0]
        raise InvalidRecordsError(
            f"{scoring.source}: can't be read as Parquet: {reason}"
        ) from error
    for name in ("id", "text", DAY):
        _check_column(source, scoring, name)
    given = {name: _column(scoring.columns.get(name, name)) for name in COLUMNS}
    if scoring.columns.get("language", "language") not in source.columns:
        given["language"] = f.lit(None).cast("string")
    return source.select(
        *(column.alias(name) for name, column in given.items()),
        # By way of a moment: a text may give another zone, and the day is ours.
        _column(scoring.day_column).try_cast("timestamp").cast("date").cast("string").alias(DAY),
    )


def _check_column(source: DataFrame, scoring: Scoring, name: str) -> None:
    column = scoring.day_column if name == DAY else scoring.columns.get(name, name)
    option = "--day-column COLUMN" if name == DAY else f"--map {name}=COLUMN"
    if column not in source.columns:
        raise InvalidRecordsError(
            f"{scoring.source}: no column {column!r} for {name}; there are"
            f" {', '.join(source.columns)}: name it with {option}"
        )
    kind = source.schema[column].dataType.simpleString()
    if name == DAY and kind not in DATES:
        raise InvalidRecordsError(
            f"{scoring.source}: column {column!r} is {kind}, which has no day"
        )


def _column(name: str) -> Column:
    from pyspark.sql import functions as f

    escaped = name.replace("`", "``")
    return f.col(f"`{escaped}`")


def _answering(
    tracking_uri: str, spark: SparkSession, scoring: Scoring
) -> Callable[[DataFrame], DataFrame]:
    """Return what turns rows of id, day, text and language into their answers."""
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.functions import pandas_udf

    fields = ["language:string", *(f"{level}:{LEVEL}" for level in scoring.levels)]
    predict = spark_function(tracking_uri, spark, scoring.model, f"struct<{','.join(fields)}>")
    schema = "struct<text:string,language:string>"
    plain = pandas_udf(plain_rows, schema)  # type: ignore[call-overload]  # knows no frames

    def answers(appeals: DataFrame) -> DataFrame:
        rows = appeals.select("id", DAY, plain("text", "language").alias("row"))
        text, hint = f.col("row.text"), f.col("row.language")
        asked = f.struct(f.coalesce(text, f.lit("")).alias("text"), hint.alias("language"))
        answered = rows.withColumn("answer", predict(asked))
        has_text = text.isNotNull()
        levels = [
            (f.when(has_text, f.col(f"answer.{level}")) if level in scoring.levels else f.lit(None))
            .cast(LEVEL)
            .alias(level)
            for level in LEVELS
        ]
        language = f.when(has_text, f.col("answer.language")).otherwise(EMPTY["language"])
        error = f.when(~has_text, f.lit(TEXT_EMPTY))
        return answered.select("id", language.alias("language"), *levels, error.alias("error"), DAY)

    return answers


def _is_of(days: Sequence[str]) -> Column:
    from pyspark.sql import functions as f

    dated = f.col(DAY).isin([day for day in days if day != UNDATED])
    return dated | f.col(DAY).isNull() if UNDATED in days else dated


def _jobs(counts: Mapping[str, int], rows_in_job: int) -> Iterator[list[str]]:
    """Yield days to score together: as many as stay under the limit, at least one."""
    days: list[str] = []
    n_rows = 0
    for day, count in counts.items():
        if days and n_rows + count > rows_in_job:
            yield days
            days, n_rows = [], 0
        days.append(day)
        n_rows += count
    if days:
        yield days
