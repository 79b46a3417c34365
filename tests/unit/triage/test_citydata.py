"""A city's files: which are sound, and how the problems of the others are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spoilt_city import DATA, FILES, add, appeal, bounded, drop_line, spoil, swap, told

from triage.appeal import Coordinates
from triage.citydata import check_appeals, check_city, load_city
from triage.config import STARTER_DATA
from triage.enterprises import ENTERPRISE_TYPES
from triage.errors import InvalidCityFileError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound city with one of everything, free to be spoilt."""
    return Path(shutil.copytree(DATA / "city", tmp_path / "city"))


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
