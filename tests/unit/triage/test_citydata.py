"""A city's files: every kind of problem, told with its place and reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.appeal import MAX_TEXT_CHARS, Coordinates
from triage.citydata import Problem, check_appeals, check_city, load_city
from triage.config import STARTER_DATA
from triage.enterprises import ENTERPRISE_TYPES
from triage.errors import InvalidCityFileError

DATA = Path(__file__).parent / "data"
FILES = ("districts.csv", "streets.csv", "taxonomy.csv", "enterprises.csv", "appeals.jsonl")
Defect = Callable[[bytes], bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound city with one of everything, free to be spoilt."""
    return Path(shutil.copytree(DATA / "city", tmp_path / "city"))


def spoil(path: Path, defect: Defect) -> None:
    path.write_bytes(defect(path.read_bytes()))


def told(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def swap(old: str, new: str) -> Defect:
    def defect(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(), 1)

    return defect


def add(row: str) -> Defect:
    return lambda content: content + row.encode() + b"\n"


def only(content: bytes) -> Defect:
    return lambda _: content


def bounded(wkt: str) -> Defect:
    """Give the first district a boundary, and the others none."""

    def defect(content: bytes) -> bytes:
        header, first, *others = content.decode().splitlines()
        rows = [f"{header},boundary", f'{first},"{wkt}"', *(f"{row}," for row in others)]
        return "\n".join([*rows, ""]).encode()

    return defect


def drop_line(number: int) -> Defect:
    def defect(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(lines[: number - 1] + lines[number:])

    return defect


def appeal(**changes: object) -> Defect:
    fields = {"id": "A9", "text": "Снег", "topic": "water.leak", "enterprise_id": "UTIL-WATER"}
    return add(json.dumps(fields | changes))


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


def test_check_city_sound_folder_has_no_problem(folder: Path) -> None:
    assert check_city(folder) == []


def test_check_city_starter_data_has_no_problem() -> None:
    assert check_city(STARTER_DATA) == []


def test_check_city_byte_order_marks_and_crlf_are_accepted(folder: Path) -> None:
    for name in FILES:
        spoil(folder / name, lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert check_city(folder) == []
    assert load_city(folder).districts.get("ESIL") is not None


@pytest.mark.parametrize("name", FILES[:4])
def test_check_city_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert told(check_city(folder)) == [f"{name}: the file is missing"]


def test_check_city_folder_instead_of_file_is_named(folder: Path) -> None:
    (folder / "streets.csv").unlink()
    (folder / "streets.csv").mkdir()
    assert told(check_city(folder)) == ["streets.csv: the file can't be read: Is a directory"]


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


def test_check_appeals_csv_counts_physical_lines(folder: Path) -> None:
    path = folder / "history.csv"
    path.write_text(
        "id,text,topic,enterprise_id,lang,urgent\n"
        '1,"Нет воды,\nсовсем",water.leak,UTIL-WATER,ru,true\n'
        "\n"
        "2,Су жоқ,water.leek,UTIL-WATER,kk,\n"
        "2,Су жоқ,water.leak,UTIL-WATER,kz,да\n",
        encoding="utf-8",
    )
    assert told(check_appeals(path, load_city(folder))) == [
        "history.csv:5: unknown topic 'water.leek', did you mean 'water.leak'?",
        "history.csv:6: duplicate id '2', first in line 5",
        "history.csv:6: unknown lang 'kz', known are 'kk', 'mixed', 'other', 'ru'",
        "history.csv:6: urgent must be true or false, not 'да'",
    ]


def test_check_appeals_missing_file_is_named(folder: Path) -> None:
    problems = check_appeals(folder / "history.csv", load_city(folder))
    assert told(problems) == ["history.csv: the file is missing"]


def test_check_city_several_bad_files_are_told_in_one_go(folder: Path) -> None:
    spoil(folder / "streets.csv", swap("көшесі,SARYARKA", "көшесі,NURA"))
    spoil(folder / "taxonomy.csv", swap("number,120", "number,0"))
    spoil(folder / "enterprises.csv", swap("SCHOOL-007,school", "SCHOOL-007,lyceum"))
    spoil(folder / "appeals.jsonl", appeal(text="", lang="kz"))
    assert [(problem.file, problem.line) for problem in check_city(folder)] == [
        ("streets.csv", 3),
        ("taxonomy.csv", 5),
        ("enterprises.csv", 3),
        ("appeals.jsonl", 4),
        ("appeals.jsonl", 4),
    ]


def test_check_city_broken_table_does_not_make_its_codes_unknown(folder: Path) -> None:
    spoil(folder / "taxonomy.csv", drop_line(1))
    assert {problem.file for problem in check_city(folder)} == {"taxonomy.csv"}


def test_check_city_exactly_100_problems_are_all_told(folder: Path) -> None:
    spoil(folder / "districts.csv", add("X\n" * 99 + "X"))
    problems = check_city(folder)
    assert len(problems) == 100
    assert problems[-1].line == 103


def test_check_city_more_than_100_problems_says_so(folder: Path) -> None:
    spoil(folder / "districts.csv", add("X\n" * 500))
    problems = told(check_city(folder))
    assert len(problems) == 101
    assert problems[99] == "districts.csv:103: 1 fields, expected 3"
    assert problems[100] == "districts.csv: more problems were left out after the first 100"


def test_problem_hostile_value_is_printed_harmlessly(folder: Path) -> None:
    spoil(folder / "appeals.jsonl", appeal(topic="\x1b[2J" + "x" * 100_000))
    (problem,) = told(check_city(folder))
    assert problem.isprintable()
    assert len(problem) < 200


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary() | st.text().map(str.encode), cut=st.integers(0, 400))
def test_check_city_arbitrary_bytes_never_raise(
    folder: Path, name: str, content: bytes, cut: int
) -> None:
    sound = (DATA / "city" / name).read_bytes()
    (folder / name).write_bytes(sound[:cut] + content + sound[cut:])
    problems = check_city(folder)
    assert "\n".join(told(problems)).encode() or not problems
    (folder / name).write_bytes(content)
    assert name == "appeals.jsonl" or check_city(folder)


def test_load_city_bad_tables_raises_with_every_problem(folder: Path) -> None:
    (folder / "streets.csv").unlink()
    spoil(folder / "taxonomy.csv", swap("number,120", "number,0"))
    with pytest.raises(InvalidCityFileError) as caught:
        load_city(folder)
    assert caught.value.problems == told(check_city(folder))
    assert len(caught.value.problems) == 2


def test_readme_of_starter_data_names_every_column_and_type() -> None:
    readme = (STARTER_DATA / "README.md").read_text(encoding="utf-8")
    first = [(DATA / "city" / name).read_text(encoding="utf-8").splitlines()[0] for name in FILES]
    columns = [column for header in first[:4] for column in header.split(",")]
    names = {*columns, *json.loads(first[4]), *ENTERPRISE_TYPES}
    assert {name for name in names if f"`{name}`" not in readme} == set()


def test_load_city_boundary_tells_the_district_of_a_point(folder: Path) -> None:
    spoil(folder / "districts.csv", bounded("POLYGON ((71 51, 72 51, 72 52, 71 52, 71 51))"))
    districts = load_city(folder).districts
    assert districts.have_boundaries
    assert districts.around(Coordinates(51.5, 71.5)) == "ESIL"
    assert districts.around(Coordinates(43.2, 76.9)) is None
    assert not load_city(DATA / "city").districts.have_boundaries
