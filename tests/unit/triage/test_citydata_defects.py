"""Defects of a city's files, one at a time: each is told with its place and reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from spoilt_city import DATA, Defect, add, appeal, bounded, only, spoil, swap, told

from triage.appeal import MAX_TEXT_CHARS
from triage.citydata import check_appeals, check_city, load_city


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound city with one of everything, free to be spoilt."""
    return Path(shutil.copytree(DATA / "city", tmp_path / "city"))


WHOLE_FILE_DEFECTS = [
    ("districts.csv", only(b""), ": the file is empty"),
    ("streets.csv", only(b"\n\n"), ":1: no header row"),
    ("streets.csv", only(b"street_ru,street_kk,district\n"), ": no rows under the header"),
    (
        "taxonomy.csv",
        lambda content: content.replace(b",", b";"),
        ":1: columns are divided by semicolons, not commas",
    ),
    (
        "taxonomy.csv",
        lambda content: content.replace(b",", b"\t"),
        ":1: columns are divided by tabs, not commas",
    ),
    ("taxonomy.csv", swap("sla_hours", "topic_kk"), ":1: duplicate column 'topic_kk'"),
    ("taxonomy.csv", swap("sla_hours", "sla_hour"), ":1: missing column 'sla_hours'"),
    (
        "enterprises.csv",
        swap("active", "activ"),
        ":1: unknown column 'activ', did you mean 'active'?",
    ),
    (
        "districts.csv",
        lambda content: content.decode().replace("қ", "к").replace("і", "и").encode("cp1251"),
        ":2: not UTF-8 at byte offset 30: save the file as UTF-8",
    ),
    (
        "districts.csv",
        lambda content: b"\xef\xbb\xbf" + content.replace("Есиль".encode(), b"\xff", 1),
        ":2: not UTF-8 at byte offset 33: save the file as UTF-8",
    ),
    (
        "enterprises.csv",
        lambda content: content.decode().encode("utf-16"),
        ":1: not UTF-8 at byte offset 0: save the file as UTF-8",
    ),
]

ROW_DEFECTS = [
    ("districts.csv", add("NURA,Нура"), ":4: 2 fields, expected 3"),
    ("districts.csv", add("NURA,Нура,Нұра,x"), ":4: 4 fields, expected 3"),
    ("districts.csv", add("NURA,Ну\0ра,Нұра"), ":4: NUL character at character 8"),
    (
        "districts.csv",
        add('NURA,"Нура,Нұра\n\n'),
        ":4: broken CSV: a quote is opened here and never closed",
    ),
    ("districts.csv", add('NURA,"Ну"ра,Нұра'), ":4: broken CSV: ',' expected after '\"'"),
    ("districts.csv", add("ESIL,Нура,Нұра"), ":4: duplicate district 'ESIL', first in line 2"),
    ("districts.csv", add("NURA,,Нұра"), ":4: name_ru is empty"),
    (
        "districts.csv",
        bounded("POINT (71 51)"),
        ":2: boundary: no POLYGON ((lon lat, ...)) and no MULTIPOLYGON",
    ),
    ("districts.csv", add(" ,Нура,Нұра"), ":4: district is empty"),
    (
        "districts.csv",
        add("NURA,Нура,сарыарка ауданы"),
        ":4: 'сарыарка ауданы' is the name of district 'SARYARKA' already",
    ),
    (
        "streets.csv",
        swap("көшесі,SARYARKA", "көшесі,SARIARKA"),
        ":3: unknown district 'SARIARKA', did you mean 'SARYARKA'?",
    ),
    ("streets.csv", swap("көшесі,SARYARKA", "көшесі,esil"), ":3: unknown district 'esil', did you"),
    ("streets.csv", swap("көшесі,SARYARKA", "көшесі,XXXX"), ":3: unknown district 'XXXX'"),
    ("streets.csv", swap("даңғылы,SARYARKA", "даңғылы,"), ":5: district is empty"),
    (
        "streets.csv",
        swap("даңғылы,SARYARKA", "даңғылы,ESIL"),
        ":5: duplicate street 'проспект Мира', first in line 2",
    ),
    (
        "taxonomy.csv",
        swap("water.leak,water,Вода", "water.leak,water,Воды"),
        ":3: category 'water' has another name than in line 2",
    ),
    (
        "taxonomy.csv",
        swap("water.leak,water", "water.leak,watr"),
        ":3: unknown category 'watr' under a name that another one has, did you mean 'water'?",
    ),
    (
        "taxonomy.csv",
        add("water.leak,water,Вода,Су,Течь,Су ағуы,UTIL-WATER,6,,"),
        ":6: duplicate topic 'water.leak', first in line 3",
    ),
    ("taxonomy.csv", swap("Слабый напор", " "), ":2: topic_ru is empty"),
    ("taxonomy.csv", swap("number,120", "number,"), ":5: sla_hours is empty"),
    ("taxonomy.csv", swap("120,,", "120,yes,"), ":5: deprecated must be true or false, not 'yes'"),
    (
        "taxonomy.csv",
        swap("72,true,water.leak", "72,true,water.leek"),
        ":4: unknown replaced_by 'water.leek', did you mean 'water.leak'?",
    ),
    (
        "taxonomy.csv",
        swap("72,true,water.leak", "72,true,water.tap"),
        ":4: replaced_by names 'water.tap', which is deprecated itself",
    ),
    (
        "taxonomy.csv",
        swap("120,,", "120,,water.leak"),
        ":5: replaced_by stands beside a topic that is not deprecated",
    ),
    (
        "taxonomy.csv",
        swap("72,true,water.leak", "72,true,water.leak|water.leek"),
        ":4: unknown replaced_by 'water.leek', did you mean 'water.leak'?",
    ),
    (
        "taxonomy.csv",
        lambda content: content.replace(b"replaced_by", b"valid_to").replace(
            b"true,water.leak", b"true,31.01.2026"
        ),
        ":4: valid_to must be a date like 2026-01-31, not '31.01.2026'",
    ),
    (
        "taxonomy.csv",
        lambda content: (
            content.replace(b"replaced_by", b"valid_to")
            .replace(b"true,water.leak", b"true,2026-01-31")
            .replace(b"120,,", b"120,,2026-01-31")
        ),
        ":5: valid_to stands beside a topic that is not deprecated",
    ),
    (
        "enterprises.csv",
        swap("SCHOOL-007,school", "SCHOOL-007,scool"),
        ":3: unknown type 'scool', did you mean 'school'?",
    ),
    ("enterprises.csv", swap("SCHOOL-007,school", "SCHOOL-007,"), ":3: type is empty"),
    (
        "enterprises.csv",
        swap("SCHOOL-008", "SCHOOL-007"),
        ":4: duplicate enterprise_id 'SCHOOL-007', first in line 3",
    ),
    (
        "enterprises.csv",
        swap("ESIL", "ESILL"),
        ":3: unknown district 'ESILL', did you mean 'ESIL'?",
    ),
    (
        "enterprises.csv",
        swap("8,,false", "8,,closed"),
        ":4: active must be true or false, not 'closed'",
    ),
    *(
        (
            "taxonomy.csv",
            swap("number,120", f"number,{hours}"),
            f":5: sla_hours must be a positive whole number below 100000, not '{hours}'",
        )
        for hours in ("0", "-6", "1.5", "сутки", "٣", "9" * 9)
    ),
]

APPEAL_DEFECTS = [
    (only(b""), ": the file is empty"),
    (add('{"id": "A9",'), ":4: broken JSON at character 13: Expecting property name"),
    (add('{"id": "A9"} {}'), ":4: broken JSON at character 14: Extra data"),
    (add("[" * 100_000), ":4: broken JSON: a number is too long or brackets are too deep"),
    (add("9" * 5_000), ":4: broken JSON: a number is too long or brackets are too deep"),
    (add("[1]"), ":4: a list instead of a JSON object"),
    (add("null"), ":4: null instead of a JSON object"),
    (lambda content: content + b"\n\xff\n", ":5: not UTF-8 at byte offset"),
    (appeal(text=None), ":4: text must be a string, not null"),
    (appeal(id=7), ":4: id must be a string, not a number"),
    (appeal(district=["ESIL"]), ":4: district must be a string, not a list"),
    (appeal(urgent="true"), ":4: urgent must be true or false, not a string"),
    (appeal(topics="x"), ":4: unknown field 'topics', did you mean 'topic'?"),
    (add('{"id": "A9", "text": "Снег", "topic": "water.leak"}'), ":4: missing field 'enter"),
    (appeal(text=""), ":4: text is empty"),
    (appeal(text=" \n\t "), ":4: text holds only spaces"),
    (appeal(text="я" * MAX_TEXT_CHARS), None),
    (appeal(text="я" * (MAX_TEXT_CHARS + 1)), ":4: text has 20001 characters, more than 20000"),
    (appeal(text="a\0b"), ":4: text holds a NUL character"),
    (appeal(text="\ud83d"), ":4: text holds half of a character"),
    (appeal(id=""), ":4: id is empty"),
    (appeal(id="A2"), ":4: duplicate id 'A2', first in line 2"),
    (appeal(topic=""), ":4: topic is empty"),
    (appeal(topic="water.leek"), ":4: unknown topic 'water.leek', did you mean 'water.leak'?"),
    (appeal(topic="water.leak "), ":4: unknown topic 'water.leak ', did you mean 'water.leak'?"),
    (appeal(secondary_topic="school.meal"), ":4: unknown secondary_topic 'school.meal', did"),
    (appeal(enterprise_id="UTIL-WATERS"), ":4: unknown enterprise_id 'UTIL-WATERS', did you"),
    (appeal(enterprise_id=""), ":4: enterprise_id is empty"),
    (appeal(district="NURA"), ":4: unknown district 'NURA', known are 'ESIL', 'SARYARKA'"),
    (appeal(lang="kz"), ":4: unknown lang 'kz', known are 'kk', 'mixed', 'other', 'ru'"),
    (appeal(lang="other"), None),
    (appeal(channel="fax"), ":4: unknown channel 'fax'"),
    (appeal(received_at="вчера"), ":4: received_at must be an ISO 8601 date or time"),
    (appeal(received_at="2026-02-03"), None),
]


@pytest.mark.parametrize(("name", "defect", "problem"), WHOLE_FILE_DEFECTS)
def test_check_city_unusable_file_tells_where_and_why(
    folder: Path, name: str, defect: Defect, problem: str
) -> None:
    spoil(folder / name, defect)
    found = told(check_city(folder))
    assert f"{name}{problem}" in found
    assert {line.split(":")[0] for line in found} == {name}


@pytest.mark.parametrize(("name", "defect", "problem"), ROW_DEFECTS)
def test_check_city_bad_row_is_the_only_problem(
    folder: Path, name: str, defect: Defect, problem: str
) -> None:
    spoil(folder / name, defect)
    found = told(check_city(folder))
    assert len(found) == 1
    assert found[0].startswith(f"{name}{problem}")


@pytest.mark.parametrize(("defect", "problem"), APPEAL_DEFECTS)
def test_check_appeals_bad_line_is_the_only_problem(
    folder: Path, defect: Defect, problem: str | None
) -> None:
    spoil(folder / "appeals.jsonl", defect)
    found = told(check_appeals(folder / "appeals.jsonl", load_city(folder)))
    assert len(found) == (problem is not None)
    assert all(line.startswith(f"appeals.jsonl{problem}") for line in found)
    assert told(check_city(folder)) == found
