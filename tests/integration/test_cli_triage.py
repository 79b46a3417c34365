from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from appeal_files import write_csv, write_jsonl, write_xlsx
from pyarrow import parquet
from typer.testing import CliRunner, Result

from api.bootstrap import build_service
from api.cli import app
from models import folder
from models.prediction import CANDIDATES
from models.registry import LoadedModel
from triage.appeal import Appeal
from triage.config import STARTER_DATA, Settings
from triage.store.sessions import make_engine

SNOW = "Во дворе третий день не убирают снег, коляску не провезти"
HEAT = "Пәтерде екі күннен бері жылу жоқ, батареялар мұздай"
TRIAGE = Path(sys.executable).with_name("triage")

Classify = Callable[..., Result]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_folder: Path) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRIAGE_MODEL", str(model_folder))
    return tmp_path


@pytest.fixture
def triage(home: Path) -> Classify:
    def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def said(result: Result) -> str:
    """Return the one line that an error is told in."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    [line] = [line for line in result.stderr.splitlines() if not line.endswith(" done")]
    assert line.startswith("error: ")
    return line


def check_answer(answer: dict[str, Any]) -> None:
    """Check that an answer has the shape that issue and MLflow signature promise."""
    assert answer.keys() == {"id", "language", "category", "topic", "enterprise"}
    assert answer["language"] in ("ru", "kk", "mixed", "other")
    for level in ("category", "topic", "enterprise"):
        found = answer[level]
        assert found.keys() == {"code", "probability", "candidates"}
        assert 1 <= len(found["candidates"]) <= CANDIDATES
        first = found["candidates"][0]
        assert first == {"code": found["code"], "probability": found["probability"]}
        shares = [one["probability"] for one in found["candidates"]]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1 + 1e-5
    assert answer["topic"]["code"].split(".")[0] == answer["category"]["code"]


def test_classify_text_answers_one_line(triage: Classify) -> None:
    result = triage("classify", SNOW)
    assert (result.exit_code, result.stderr) == (0, "")
    [answer] = lines_of(result.stdout)
    check_answer(answer)
    assert (answer["id"], answer["language"]) == (1, "ru")


def test_classify_text_and_file_answer_the_same(
    triage: Classify, home: Path, model_folder: Path
) -> None:
    source = write_jsonl(home / "a.jsonl", [{"text": text} for text in (SNOW, HEAT)])
    output = home / "new" / "out.jsonl"
    result = triage("classify", "--model", model_folder, "--input", source, "--output", output)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 appeals classified" in result.stderr
    answers = lines_of(output.read_text(encoding="utf-8"))
    for number, text in enumerate((SNOW, HEAT), start=1):
        [alone] = lines_of(triage("classify", text).stdout)
        assert answers[number - 1] == alone | {"id": number}
    assert [answer["language"] for answer in answers] == ["ru", "kk"]
    assert "\\u" not in output.read_text(encoding="utf-8")


def test_classify_every_kind_of_file_gives_the_same_answers(triage: Classify, home: Path) -> None:
    rows = [("7", SNOW), ("А-8", HEAT)]
    table = [["id", "text"], *rows]
    parquet.write_table(
        pa.table({"id": [row[0] for row in rows], "text": [row[1] for row in rows]}),
        home / "a.parquet",
    )
    write_csv(home / "a.csv", table)
    write_xlsx(home / "a.xlsx", table)
    write_jsonl(home / "a.jsonl", [{"id": row[0], "text": row[1]} for row in rows])
    outputs = {
        triage("classify", "--input", home / f"a.{ending}").stdout
        for ending in ("csv", "jsonl", "parquet", "xlsx")
    }
    assert len(outputs) == 1
    assert [answer["id"] for answer in lines_of(outputs.pop())] == ["7", "А-8"]


@pytest.mark.parametrize("content", [f'{{"text": "{SNOW}"}}\n', f"text\n{SNOW}\n"])
def test_classify_standard_input_is_read(triage: Classify, content: str) -> None:
    [answer] = lines_of(triage("classify", "--input", "-", stdin=content).stdout)
    check_answer(answer)


def test_classify_mapped_columns_and_delimiter_are_taken(triage: Classify, home: Path) -> None:
    source = write_csv(home / "a.csv", [["№", "Текст, ru", "text"], ["a1", SNOW, "x"]], ";")
    mapping = "text=Текст, ru"
    assert triage("classify", "--input", source, "--map", mapping).exit_code == 1  # a comma splits
    source = write_csv(home / "a.csv", [["№", "Текст", "text"], ["a1", SNOW, "x"]], ";")
    [answer] = lines_of(
        triage("classify", "--input", source, "--map", "id=№,text=Текст", "--delimiter", ";").stdout
    )
    [alone] = lines_of(triage("classify", SNOW).stdout)
    assert answer == alone | {"id": "a1"}


def test_classify_rows_without_text_are_in_the_output_and_say_so(
    triage: Classify, home: Path
) -> None:
    texts = [SNOW, "", None, "<br>&nbsp;", " ", HEAT]
    source = write_jsonl(home / "a.jsonl", [{"text": text} for text in texts])
    answers = lines_of(triage("classify", "--input", source).stdout)
    assert [answer["id"] for answer in answers] == [1, 2, 3, 4, 5, 6]
    empty = {"language": "other", "category": None, "topic": None, "enterprise": None}
    for answer in answers[1:5]:
        assert answer == {"id": answer["id"], **empty, "error": "text_empty"}
    check_answer(answers[0])
    check_answer(answers[5])


def test_classify_lines_that_leave_the_text_out_are_rows_without_text(
    triage: Classify, home: Path
) -> None:
    rows: list[dict[str, Any]] = [{"text": "снег"}] * 256 + [{"id": "x"}]
    source = write_jsonl(home / "a.jsonl", rows)
    answers = lines_of(triage("classify", "--input", source).stdout)
    assert len(answers) == 257
    assert answers[-1]["error"] == "text_empty"


def test_classify_language_hint_is_taken_where_it_is_one_of_ours(
    triage: Classify, home: Path
) -> None:
    hints = ["kk", "mixed", "русский", 5, None]
    source = write_jsonl(home / "a.jsonl", [{"text": SNOW, "language": hint} for hint in hints])
    answers = lines_of(triage("classify", "--input", source).stdout)
    assert [answer["language"] for answer in answers] == ["kk", "mixed", "ru", "ru", "ru"]


def test_classify_ids_of_any_kind_come_back(triage: Classify, home: Path) -> None:
    ids = [7, "7", 2.5, True, [1], None]
    source = write_jsonl(home / "a.jsonl", [{"id": one, "text": "снег"} for one in ids])
    found = [answer["id"] for answer in lines_of(triage("classify", "--input", source).stdout)]
    assert found == [7, "7", 2.5, True, [1], 6]
    column = pa.array([1], pa.timestamp("s"))
    parquet.write_table(pa.table({"id": column, "text": ["снег"]}), home / "a.parquet")
    [answer] = lines_of(triage("classify", "--input", home / "a.parquet").stdout)
    assert answer["id"] == "1970-01-01 00:00:01"


def test_classify_file_without_rows_gives_an_empty_file(triage: Classify, home: Path) -> None:
    source = write_csv(home / "a.csv", [["text"]])
    result = triage("classify", "--input", source, "--output", home / "out.jsonl")
    assert result.exit_code == 0
    assert (home / "out.jsonl").read_text(encoding="utf-8") == ""


REFUSED: dict[str, tuple[list[str], str]] = {
    "missing column": (["--input", "{}/no_text.csv"], "no column 'text' for text; there are id"),
    "missing mapped column": (
        ["--input", "{}/good.csv", "--map", "id=number"],
        "no column 'number' for id; there are text",
    ),
    "wrong map": (["--input", "{}/good.csv", "--map", "words=text"], "write NAME=COLUMN"),
    "missing file": (["--input", "{}/none.csv"], r"none\.csv: No such file"),
    "unknown ending": (["--input", "{}/a.doc"], r"a\.doc: not a \.csv"),
    "ragged row": (["--input", "{}/ragged.csv"], r"ragged\.csv:4: 1 fields"),
    "missing model folder": (["--model", "{}/none", "снег"], "no model here"),
    "output is a folder": (["--output", "{}", "снег"], "Is a directory"),
    "output lies under a file": (["--output", "{}/good.csv/out.jsonl", "снег"], "good.csv"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_classify_error_is_one_line_and_leaves_no_output(
    triage: Classify, home: Path, arguments: list[str], message: str
) -> None:
    write_csv(home / "good.csv", [["text"], [SNOW]])
    write_csv(home / "no_text.csv", [["id"], ["7"]])
    write_csv(home / "ragged.csv", [["id", "text"], ["7", "a\nb"], ["8"]])
    (home / "a.doc").touch()
    before = {path: path.read_bytes() for path in home.iterdir() if path.is_file()}
    output = [] if "--output" in arguments else ["--output", str(home / "out.jsonl")]
    result = triage("classify", *(part.format(home) for part in arguments), *output)
    assert re.search(message, said(result))
    assert {path: path.read_bytes() for path in home.iterdir() if path.is_file()} == before


def test_classify_failing_half_way_keeps_the_former_output(triage: Classify, home: Path) -> None:
    rows = [[str(number), SNOW] for number in range(600)]
    source = write_csv(home / "a.csv", [["id", "text"], *rows, ["no text"]])
    output = home / "out.jsonl"
    output.write_text("former\n", encoding="utf-8")
    assert "a.csv:602: " in said(triage("classify", "--input", source, "--output", output))
    assert output.read_text(encoding="utf-8") == "former\n"
    assert sorted(path.name for path in home.iterdir()) == ["a.csv", "out.jsonl"]


@pytest.mark.parametrize("arguments", [[], ["--input", "-", "снег"]])
def test_classify_needs_a_text_or_a_file_and_not_both(
    triage: Classify, arguments: list[str]
) -> None:
    result = triage("classify", *arguments)
    assert result.exit_code == 2
    assert "give either a text or --input" in result.stderr


def run_installed(home: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TRIAGE), *arguments], capture_output=True, text=True, check=False, cwd=home, **options
    )


def test_installed_triage_answers_on_standard_output_alone(home: Path) -> None:
    done = run_installed(home, "classify", "--input", "-", input=f"text\n{SNOW}\n")
    assert done.returncode == 0
    check_answer(json.loads(done.stdout))
    assert done.stderr == "classifying: 1 done\n1 appeals classified\n"


def test_installed_triage_tells_an_error_in_one_line(home: Path) -> None:
    done = run_installed(home, "classify", "--model", "models:/appeal-triage@champion", SNOW)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: .*champion.*\n", done.stderr)


def test_installed_triage_interrupted_leaves_no_output(home: Path) -> None:
    output, part = home / "out.jsonl", home / "out.jsonl.part"
    process = subprocess.Popen(
        [str(TRIAGE), "classify", "--input", "-", "--output", str(output)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        # A shell's background job is deaf to interrupts, and so are all that it starts.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(f"text\n{SNOW}\n".encode())
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while not part.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert part.exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) != 0
    finally:
        process.kill()
        process.wait()
        process.stdin.close() if process.stdin else None
    assert not output.exists()
    assert not part.exists()


def test_data_check_tells_each_wrong_line_and_install_changes_nothing(
    triage: Classify, home: Path
) -> None:
    source = home / "city"
    source.mkdir()
    for path in STARTER_DATA.glob("*.csv"):
        (source / path.name).write_bytes(path.read_bytes())
    checked = triage("data", "check", source)
    assert (checked.exit_code, checked.stdout, checked.stderr) == (0, "", "no problems\n")
    installed = triage("data", "install", source, home / "installed")
    assert installed.exit_code == 0
    assert "installed: taxonomy " in installed.stderr
    files = {path.name: path.read_bytes() for path in (home / "installed").iterdir()}

    write_jsonl(
        source / "appeals.jsonl",
        [{"id": "1", "text": " ", "topic": "no.topic", "enterprise_id": "AKIM-ESIL"}],
    )
    checked = triage("data", "check", source)
    assert checked.exit_code == 1
    assert len(checked.stdout.splitlines()) == 2
    assert all("appeals.jsonl:1: " in line for line in checked.stdout.splitlines())
    refused = triage("data", "install", source, home / "installed")
    assert refused.exit_code == 1
    assert "unknown topic" in refused.stderr
    assert {path.name: path.read_bytes() for path in (home / "installed").iterdir()} == files


def test_migrate_makes_the_database_and_again_changes_nothing(triage: Classify, home: Path) -> None:
    for _ in range(2):
        result = triage("migrate")
        assert (result.exit_code, result.stderr) == (0, "the database is up to date\n")
    assert (home / "home" / "triage.db").is_file()


def test_migrate_database_that_is_not_there_is_told_in_a_line(
    triage: Classify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/triage")
    result = triage("migrate")
    assert "s3cret" not in said(result)
    assert "can't be reached" in said(result)


def test_audit_verify_tells_an_intact_ledger_from_a_broken_one(
    triage: Classify, home: Path
) -> None:
    assert "none" in said(triage("audit", "verify"))  # no migrated database yet
    triage("migrate")
    assert triage("audit", "verify").stdout == "the ledger is intact: 0 entries\n"
    settings = Settings()
    engine = make_engine(settings.store_url)
    service = build_service(settings, engine)
    service.use(LoadedModel(folder.load(Path(settings.model)), "appeal-triage", "1"))
    decision = service.submit(Appeal(text=SNOW), actor="ikomek")
    assert triage("audit", "verify").stdout == "the ledger is intact: 2 entries\n"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE decisions SET reason_code = 'other' WHERE id = ?", (decision.id,)
        )
    engine.dispose()
    assert decision.id in said(triage("audit", "verify"))
