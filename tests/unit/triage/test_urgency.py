from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.config import STARTER_DATA
from triage.errors import InvalidCityFileError
from triage.urgency import DangerWords

DATA = Path(__file__).parent / "data"


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def starter() -> DangerWords:
    return DangerWords.load(STARTER_DATA / "danger_words.tsv")


@pytest.fixture
def load(tmp_path):
    def _load(content: str) -> DangerWords:
        path = tmp_path / "danger.tsv"
        path.write_text(content, encoding="utf-8")
        return DangerWords.load(path)

    return _load


@pytest.mark.parametrize(("spelling", "text"), rows("danger_positive.tsv"))
def test_find_danger_of_the_table_is_found(starter, spelling, text):
    assert starter.find(text), spelling


@pytest.mark.parametrize(("why", "text"), rows("danger_traps.tsv"))
def test_find_trap_of_the_table_finds_nothing(starter, why, text):
    assert starter.find(text) == (), why


def test_find_danger_returns_the_stretch_as_written(starter):
    assert starter.find("Абая 5. ЗАПАХ  Газа, помогите") == ("ЗАПАХ  Газа",)


def test_find_overlapping_patterns_returns_one_stretch(load):
    words = load("ru\tзапах газа\tgas\nru\tгаза подъезде\tgas\n")
    assert words.find("сильный запах газа в подъезде") == ("запах газа в подъезде",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("запах газа", True),
        ("газа сильный резкий запах", True),
        ("запах чего-то вроде газа", False),
        ("Запах. Газа нет", False),
        ("запах газета", False),
    ],
)
def test_find_two_words_need_the_gap_and_the_sentence(load, text, found):
    assert bool(load("ru\tзапах* газа\tgas\n").find(text)) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("отопления нет второй день. Дома у нас грудной младенец", True),
        ("отопления нет второй день", False),
        ("младенец спит", False),
    ],
)
def test_find_plus_needs_both_groups_anywhere(load, text, found):
    assert bool(load("ru\tотоплен* нет + младен*\tcold\n").find(text)) is found


def test_find_calming_words_nearby_cancel_the_danger(load):
    words = load("ru\tпрорвало трубу\tburst\nru\t!починили\tover\n")
    assert words.find("прорвало трубу, вчера починили") == ()
    assert words.find("прорвало трубу на углу, где в прошлом году уже чинили") == (
        "прорвало трубу",
    )
    assert words.find("Починили свет. И сразу за домом у магазина опять прорвало трубу")


def test_find_kazakh_pattern_is_found_in_every_spelling(load):
    words = load("kk\tқұбыр* жарылды\tburst\n")
    for text in ("құбыры жарылды", "кубыры жарылды", "qubyry jaryldy", "kubyry zharyldy"):
        assert words.find(text) == (text,)


@pytest.mark.parametrize(
    "line",
    [
        "ru\tзапах газа",
        "ru\t\tgas",
        "en\tgas leak\tgas",
        "ru\tзапах (газа)\tgas",
        "ru\tзапах + \tgas",
        "ru\t!\tgas",
        "ru\tга* запах\tgas",
        "ru\tзапах||газа\tgas",
    ],
)
def test_load_broken_line_tells_its_number(load, line):
    with pytest.raises(InvalidCityFileError) as error:
        load(f"# comment\nru\tзапах газа\tgas\n{line}\n")
    assert [problem.split(": ")[0] for problem in error.value.problems] == ["danger.tsv:3"]


def test_version_follows_the_content(load):
    first = load("ru\tзапах газа\tgas\n").version
    assert load("ru\tзапах газа\tgas\n").version == first
    assert load("ru\tутечка газа\tgas\n").version != first


@given(text=st.text(st.characters(codec=None), max_size=300))
def test_find_any_text_returns_parts_of_it(starter, text):
    assert all(part in text for part in starter.find(text))


def test_find_longest_repetitive_text_ends(starter):
    assert starter.find("запах газа люк вода " * 1_000)
