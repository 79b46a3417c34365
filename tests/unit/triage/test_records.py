from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from appeal_files import write_csv, write_xlsx
from pyarrow import parquet

from triage.errors import InvalidRecordsError
from triage.records import parse_mapping, read_records


def read(path: Path | str, **options: Any) -> list[tuple[int, dict[str, Any]]]:
    return [(record.line, dict(record.values)) for record in read_records(str(path), **options)]


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def give_stdin(monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    raw = content.encode() if isinstance(content, str) else content
    # What a terminal with another encoding would give must not matter.
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="latin-1"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_each_delimiter_is_told_from_the_header(tmp_path: Path, delimiter: str) -> None:
    path = write_csv(tmp_path / "a.csv", [["text", "topic"], ["a, b; c", "t"]], delimiter)
    assert read(path) == [(2, {"text": "a, b; c", "topic": "t"})]


def test_csv_single_column_may_hold_any_delimiter(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", 'text\nнет воды, света; тепла\n"в ""Есіл"", яма"\n')
    assert [values["text"] for _, values in read(path)] == [
        "нет воды, света; тепла",
        'в "Есіл", яма',
    ]


def test_csv_given_delimiter_overrules_the_header(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "text;a,b;c\nнет воды;1;2\n")
    assert read(path, delimiter=";") == [(2, {"text": "нет воды", "a,b": "1", "c": "2"})]


def test_csv_delimiter_written_as_a_shell_user_writes_a_tab_is_a_tab(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "text\ttopic\na\tb\n")
    assert read(path, delimiter="\\t") == [(2, {"text": "a", "topic": "b"})]


def test_csv_delimiter_of_two_characters_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "text;topic\na;b\n")
    with pytest.raises(InvalidRecordsError, match=r"a\.csv: delimiter ';;'"):
        read(path, delimiter=";;")


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "A.CSV"])
def test_csv_other_endings_are_read(tmp_path: Path, name: str) -> None:
    assert read(put(tmp_path / name, "text\ttopic\na\tb\n")) == [(2, {"text": "a", "topic": "b"})]


def test_csv_quoted_newlines_keep_physical_line_numbers(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", 'text,topic\r\n"one\r\ntwo\nthree",a\r\n\r\nfour,b\r\n')
    assert read(path) == [
        (2, {"text": "one\r\ntwo\nthree", "topic": "a"}),
        (6, {"text": "four", "topic": "b"}),
    ]


def test_csv_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "\ufefftext,topic\nнет воды,a\n")
    assert read(path) == [(2, {"text": "нет воды", "topic": "a"})]


def test_csv_spaces_around_names_are_no_part_of_them(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.csv", "text , topic\na,b\n")) == [
        (2, {"text": "a", "topic": "b"})
    ]


def test_csv_blank_cells_are_none(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "text,topic,id\na,, \n")
    assert read(path) == [(2, {"text": "a", "topic": None, "id": None})]


def test_csv_columns_without_a_name_are_passed_over(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", ",text,,\n0,нет воды,x,\n")
    assert read(path) == [(2, {"text": "нет воды"})]


BROKEN_CSV = {
    "ragged row after a quoted newline": ('text,topic\n"a\nb",c\nd\n', "4: 1 fields"),
    "ragged row with too many": ("text,topic\na,b,c\n", "2: 3 fields, the header has 2"),
    "quote left open": ('text,topic\na,b\n"c,d\ne,f\ng,h\n', "3: unexpected end of data"),
    "text after a closing quote": ('text,topic\n"a"b,c\n', "2: "),
    "quote left open in the header": ('"text,topic\na,b\n', "1: unexpected end of data"),
    "windows-1251": ("text,topic\nok,a\nпривет,a\n".encode("cp1251"), "3: not UTF-8 (byte 0xef)"),
    "UTF-16": ("text,topic\na,b\n".encode("utf-16"), "1: not UTF-8 (byte 0xff)"),
    "column twice": ("text,topic,text\na,b,c\n", "1: column 'text' stands twice"),
    "empty file": ("", "1: no header"),
    "only a byte order mark": ("\ufeff", "1: no header"),
    "blank header": (" \na\n", "1: no header"),
    "header of delimiters": (",,\na,b,c\n", "1: no header"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN_CSV.values(), ids=BROKEN_CSV)
def test_csv_broken_says_file_and_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = put(tmp_path / "a.csv", content)
    with pytest.raises(InvalidRecordsError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{message}")


def test_csv_rows_before_a_broken_one_are_given(tmp_path: Path) -> None:
    records = read_records(str(put(tmp_path / "a.csv", "text,topic\na,b\nc\n")))
    assert next(records).line == 2
    with pytest.raises(InvalidRecordsError):
        next(records)


def test_jsonl_blank_lines_are_passed_over_but_counted(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", '\ufeff{"text": "a"}\n\n  \n{"text": "b", "n": null}\n')
    assert read(path) == [(1, {"text": "a"}), (4, {"text": "b", "n": None})]


def test_jsonl_cells_that_mean_nothing_are_none(tmp_path: Path) -> None:
    path = put(tmp_path / "a.ndjson", '{"a": NaN, "b": "", "c": " \\n", "d": 3.0, "e": 2.5}\n')
    assert read(path) == [(1, {"a": None, "b": None, "c": None, "d": 3, "e": 2.5})]


def test_jsonl_half_of_a_character_can_be_written_again(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", '{"text": "нет воды \\ud83d", "id": "\\udca7"}\n')
    [(_, values)] = read(path)
    assert values["text"].startswith("нет воды ")
    json.dumps(values, ensure_ascii=False).encode()


BROKEN_JSONL = {
    "broken line": ('{"text": "a"}\n\n{"text": \n', "3: not JSON: "),
    "array": ('{"text": "a"}\n["text"]\n', "2: a JSON object is expected"),
    "string": ('"text"\n', "1: a JSON object is expected"),
    "two objects": ('{"text": "a"} {"text": "b"}\n', "1: not JSON: "),
    "nested beyond reason": ('{"a":' * 100_000, "1: not JSON: "),
    "number beyond reason": ('{"a": ' + "1" * 5_000 + "}", "1: not JSON: "),
    "windows-1251": ('{"text": "a"}\n{"text": "я"}\n'.encode("cp1251"), "2: not UTF-8"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN_JSONL.values(), ids=BROKEN_JSONL)
def test_jsonl_broken_says_file_and_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = put(tmp_path / "a.jsonl", content)
    with pytest.raises(InvalidRecordsError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{message}")


def test_parquet_rows_of_several_batches_are_numbered_on(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": [f"нет воды {n}" for n in range(1, 2_502)]}), path)
    rows = read(path)
    assert [line for line, _ in rows] == list(range(1, 2_502))
    assert rows[-1] == (2_501, {"text": "нет воды 2501"})


def test_parquet_cells_become_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        "text": pa.array(["нет воды", " "]),
        "binary": pa.array(["нет света".encode(), None]),
        "code": pa.array([3.0, float("nan")]),
        "urgent": pa.array([True, None]),
    }
    parquet.write_table(pa.table(columns), path)
    assert read(path) == [
        (1, {"text": "нет воды", "binary": "нет света", "code": 3, "urgent": True}),
        (2, {"text": None, "binary": None, "code": None, "urgent": None}),
    ]


def test_parquet_damaged_in_the_middle_says_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": [f"text number {n}" for n in range(5_000)]}), path)
    content = bytearray(path.read_bytes())
    content[100:4_000] = b"\xff" * 3_900
    path.write_bytes(content)
    with pytest.raises(InvalidRecordsError, match=r"a\.parquet: can't be read as Parquet"):
        read(path)


def test_xlsx_numbers_are_undone_and_empty_rows_passed_over(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["text", " enterprise ", "urgent", None],
        ["нет воды & <света>", 3.0, True],
        [None, None, None],
        ["яма", 2.5, False],
        [" ", "E-1"],
    ]
    assert read(write_xlsx(tmp_path / "a.xlsx", rows)) == [
        (2, {"text": "нет воды & <света>", "enterprise": 3, "urgent": True}),
        (4, {"text": "яма", "enterprise": 2.5, "urgent": False}),
        (5, {"text": None, "enterprise": "E-1", "urgent": None}),
    ]


BROKEN_XLSX: dict[str, tuple[list[list[Any]], str]] = {
    "empty": ([], "1: no header"),
    "begins below": ([[], [], ["text"], ["a"]], "1: no header"),
    "column twice": ([["text", "text"], ["a", "b"]], "1: column 'text' stands twice"),
}


@pytest.mark.parametrize(("rows", "message"), BROKEN_XLSX.values(), ids=BROKEN_XLSX)
def test_xlsx_broken_says_file_and_line(
    tmp_path: Path, rows: list[list[Any]], message: str
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    with pytest.raises(InvalidRecordsError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{message}")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_missing_file_says_so(tmp_path: Path, ending: str) -> None:
    with pytest.raises(InvalidRecordsError, match=f"none.{ending}: .*No such file"):
        read(tmp_path / f"none.{ending}")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_folder_in_place_of_a_file_says_so(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"folder.{ending}"
    path.mkdir()
    with pytest.raises(InvalidRecordsError, match=f"folder.{ending}: "):
        read(path)


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_file_of_another_kind_says_so(tmp_path: Path, ending: str) -> None:
    with pytest.raises(InvalidRecordsError, match=f"a.{ending}: can't be read as"):
        read(put(tmp_path / f"a.{ending}", "PK\x03\x04 text"))


@pytest.mark.parametrize("name", ["a.xls", "a.json", "a", "a.csv.gz"])
def test_unknown_ending_says_which_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRecordsError, match=r"not a \.csv"):
        read(put(tmp_path / name, "text\na\n"))


@pytest.mark.parametrize(
    "content", ['\ufeff{"text": "нет воды"}\n', "text\nнет воды\n", "\ufefftext\r\nнет воды\r\n"]
)
def test_stdin_json_or_csv_is_told_from_its_first_line(
    monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    give_stdin(monkeypatch, content)
    assert [values for _, values in read("-")] == [{"text": "нет воды"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "1: no header"),
        ("text,topic\na\n", "2: 1 fields"),
        ('{"text": "a"}\n{\n', "2: not JSON"),
        ("text\nя\n".encode("cp1251"), "2: not UTF-8"),
    ],
)
def test_stdin_broken_says_line(
    monkeypatch: pytest.MonkeyPatch, content: str | bytes, message: str
) -> None:
    give_stdin(monkeypatch, content)
    with pytest.raises(InvalidRecordsError) as caught:
        read("-")
    assert str(caught.value).startswith(f"standard input:{message}")


@pytest.mark.parametrize("text", [None, "", " , "])
def test_parse_mapping_nothing_given_is_empty(text: str | None) -> None:
    assert parse_mapping(text, ("text",)) == {}


def test_parse_mapping_names_with_spaces_and_equal_signs_are_kept() -> None:
    found = parse_mapping(" text = Текст обращения , topic=a=b", ("text", "topic"))
    assert found == {"text": "Текст обращения", "topic": "a=b"}


@pytest.mark.parametrize("text", ["text", "text=", "=a", "words=a", "text=a,topic"])
def test_parse_mapping_broken_pair_is_told(text: str) -> None:
    with pytest.raises(InvalidRecordsError, match="write NAME=COLUMN, with NAME one of text, id"):
        parse_mapping(text, ("text", "id"))
