"""Spark in local mode, over a real registry: a JVM is started once for the whole module."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import dataset, parquet
from results_page import PERFORMANCE
from typer.testing import CliRunner, Result

from api.cli import app as triage_app
from training.history import UNDATED
from training.spark import app
from triage.config import STARTER_DATA

pytest.importorskip("pyspark", reason="needs the extra `spark`")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas:FutureWarning"
)

REFERENCE = "models:/appeal-triage@champion"
FIRST = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
N_ROWS, SOAK_ROWS, N_DAYS = 2_000, 200_000, 4
MASTER = "local[2]"
COMMAND = "pytest -m soak tests/integration/test_spark.py"
ODD_TEXTS = ("", None, "<br>&nbsp;", " ", "🥶")

Spark = Callable[..., Result]


@pytest.fixture
def spark(home: Path, monkeypatch: pytest.MonkeyPatch) -> Spark:
    monkeypatch.setenv("TRIAGE_HOME", str(home))
    monkeypatch.delenv("TRIAGE_MODEL", raising=False)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)

    def run(*arguments: object) -> Result:
        given = ["classify", "--master", MASTER, *map(str, arguments)]
        return CliRunner().invoke(app, given)

    return run


def history(path: Path, n_rows: int = N_ROWS, **columns: Any) -> Path:
    """Write appeals of some days, with hints and with odd texts among them."""
    lines = (STARTER_DATA / "appeals.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    given = {
        "id": [f"109-{row}" for row in range(n_rows)],
        "text": [
            ODD_TEXTS[row // 100 % len(ODD_TEXTS)]
            if row % 100 == 7
            else f"{texts[row % len(texts)]} {row}"
            for row in range(n_rows)
        ],
        "language": [("kk", None, "martian", None)[row % 4] for row in range(n_rows)],
        "received_at": [
            None if row % 500 == 3 else FIRST + timedelta(days=row * (N_DAYS - 1) / n_rows)
            for row in range(n_rows)
        ],
    }
    parquet.write_table(pa.table(given | columns), path)
    return path


def answers(output: Path) -> dict[Any, dict[str, Any]]:
    """Return what Spark wrote, by id, in the shape of `triage classify`."""
    rows = dataset.dataset(output, partitioning="hive").to_table().to_pylist()
    found = {}
    for row in rows:
        del row["day"]
        if row["error"] is None:
            del row["error"]
        assert row["id"] not in found
        found[row["id"]] = row
    return found


def days(output: Path) -> list[str]:
    return sorted(path.name.removeprefix("day=") for path in output.glob("day=*"))


def told(result: Result, status: int = 1) -> str:
    assert result.exit_code == status, result.output
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    return line


def test_spark_answers_as_triage_classify_does(spark: Spark, tmp_path: Path) -> None:
    source, output = history(tmp_path / "history.parquet"), tmp_path / "answers"

    result = spark("--model", REFERENCE, "--input", source, "--output", output)

    assert result.exit_code == 0, result.output
    expected_file = tmp_path / "expected.jsonl"
    arguments = ["--model", REFERENCE, "--input", str(source), "--output", str(expected_file)]
    CliRunner().invoke(triage_app, ["classify", *arguments])
    lines = expected_file.read_text("utf-8").splitlines()
    assert answers(output) == {row["id"]: row for row in map(json.loads, lines)}
    assert len(lines) == N_ROWS
    assert days(output) == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", UNDATED]
    assert f"{N_ROWS} appeals of 5 days classified" in result.stderr


@pytest.mark.soak
def test_spark_answers_200_000_appeals_as_triage_classify_does(
    spark: Spark, tmp_path: Path
) -> None:
    source, output = history(tmp_path / "history.parquet", SOAK_ROWS), tmp_path / "answers"
    started = time.perf_counter()
    assert spark("--model", REFERENCE, "--input", source, "--output", output).exit_code == 0
    seconds = time.perf_counter() - started
    expected = tmp_path / "expected.jsonl"
    arguments = ["--model", REFERENCE, "--input", str(source), "--output", str(expected)]
    CliRunner().invoke(triage_app, ["classify", *arguments])

    found = answers(output)
    with expected.open(encoding="utf-8") as lines:
        differing = sum(found.pop(row["id"]) != row for row in map(json.loads, lines))
    differing += len(found)
    assert differing == 0
    PERFORMANCE.record(
        "spark",
        "`triage-spark classify`",
        {
            "appeals": SOAK_ROWS,
            "days": len(days(output)),
            "seconds": round(seconds),
            "a second": round(SOAK_ROWS / seconds),
            "unlike `triage classify`": differing,
        },
        command=COMMAND,
        details={
            "spark": version("pyspark"),
            "master": MASTER,
            "model": "600 appeals of the starter corpus, without an encoder",
        },
    )


def test_spark_goes_on_where_it_stopped(spark: Spark, tmp_path: Path) -> None:
    source, output = history(tmp_path / "history.parquet", 200), tmp_path / "answers"
    given = ("--model", REFERENCE, "--input", source, "--output", output)
    assert spark(*given).exit_code == 0
    whole = answers(output)
    kept = output / "day=2026-03-01" / "_SUCCESS"
    written = kept.stat().st_mtime_ns
    # One day is gone, one was cut off while it was put in place, and a job left its scratch behind.
    shutil.rmtree(output / "day=2026-03-02")
    (output / "day=2026-03-03" / "_SUCCESS").unlink()
    (output / "_scratch").mkdir()

    result = spark(*given)

    assert result.exit_code == 0, result.output
    assert answers(output) == whole
    assert kept.stat().st_mtime_ns == written
    assert "of 2 days classified" in result.stderr
    assert result.stderr.count(", there already") == len(days(output)) - 2
    assert sorted(path.name for path in output.iterdir() if path.name[0] == "_") == [
        "_scoring.json"
    ]

    history(source, 190)
    assert "now: remove it" in told(spark(*given))
    others = ("--model", "models:/appeal-triage/2", "--input", source, "--output", output)
    assert "model: 'models:/appeal-triage/1'" in told(spark(*others))
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "a.txt").write_text("mine")
    assert "not empty, and no answers by day" in told(
        spark("--model", REFERENCE, "--input", source, "--output", foreign)
    )


def test_spark_days_are_those_of_kazakhstan(spark: Spark, tmp_path: Path) -> None:
    written = ["2026-03-01T22:30:00Z", "2026-03-02", "2026-03-02 23:59:59", "вчера", None]
    source = tmp_path / "history.parquet"
    columns = {"№": [1, 2, 3, 4, 5], "текст": ["нет воды"] * 5, "дата": written}
    parquet.write_table(pa.table(columns), source)

    result = spark(
        *("--model", REFERENCE, "--input", source, "--output", tmp_path / "out"),
        *("--map", "id=№,text=текст", "--day-column", "дата"),
    )

    assert result.exit_code == 0, result.output
    assert days(tmp_path / "out") == ["2026-03-02", UNDATED]
    assert "2026-03-02: 3 appeals" in result.stderr
    assert answers(tmp_path / "out").keys() == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"id": ["a"], "received_at": [date(2026, 3, 1)]}, (), "no column 'text' for text"),
        (
            {"id": ["a"], "text": ["b"], "n": [1]},
            ("--day-column", "n"),
            "is bigint, which has no day",
        ),
        ({"id": ["a"], "text": ["b"]}, ("--map", "body=text"), "write NAME=COLUMN"),
        (None, (), "can't be read as Parquet"),
    ],
)
def test_spark_source_that_cannot_be_scored_is_named(
    spark: Spark, tmp_path: Path, columns: dict[str, Any] | None, options: Any, message: str
) -> None:
    source = tmp_path / "history.parquet"
    if columns is not None:
        parquet.write_table(pa.table(columns), source)

    result = spark("--model", REFERENCE, "--input", source, "--output", tmp_path / "out", *options)

    assert message in told(result)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("models:/appeal-triage@nobody", "nobody"),
        ("models:/appeal-triage/99", "99"),
        ("var/starter", "Spark scores with a registered model"),
    ],
)
def test_spark_model_that_is_not_registered_is_named(
    spark: Spark, tmp_path: Path, reference: str, message: str
) -> None:
    result = spark("--model", reference, "--input", tmp_path, "--output", tmp_path / "out")

    assert message in told(result)


def test_spark_without_java_says_what_to_install(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    result = spark("--model", REFERENCE, "--input", tmp_path, "--output", tmp_path / "out")

    assert "openjdk-17" in told(result)
