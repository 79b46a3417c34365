"""Masking, against tables that were written by hand.

A line is `masked TAB text`; where both are the same, nothing may be masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.appeal import MAX_TEXT_CHARS
from triage.masking import MARKS, Reader, mask
from triage.personal import Kind
from triage.personal.digits import is_card, is_iin

TABLES = Path(__file__).parent / "data" / "masking"
READERS: tuple[Reader, ...] = get_args(Reader)
MIN_LINES, MIN_TRAPS = 60, 20
MAX_SECONDS = 0.25
"""On a machine at work with other things; reading twice what was read takes minutes."""


@dataclass(frozen=True, slots=True)
class Line:
    where: str
    reader: Reader
    masked: str
    text: str


def read(reader: Reader) -> list[Line]:
    path = TABLES / f"{reader}.tsv"
    rows = enumerate(path.read_text("utf-8").splitlines(), start=1)
    split = [(number, *row.split("\t")) for number, row in rows if not row.startswith("#")]
    return [Line(f"{path.name}:{number}", reader, masked, text) for number, masked, text in split]


LINES = [*read("ru"), *read("kk")]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.where)
def test_mask_line_gives_what_the_table_says(line: Line) -> None:
    assert mask(line.text, line.reader).text == line.masked


@pytest.mark.parametrize("reader", ["ru", "kk"])
def test_tables_are_long_and_have_traps(reader: Reader) -> None:
    lines = [line for line in LINES if line.reader == reader]
    traps = [line for line in lines if line.masked == line.text]
    assert len(lines) >= MIN_LINES
    assert len(traps) >= MIN_TRAPS
    for mark in MARKS[reader].values():
        assert any(mark in line.masked for line in lines)


def test_mask_each_reader_has_marks_of_their_own_language() -> None:
    text = "Меня зовут Айгуль, ИИН 880512300124"
    assert [mask(text, reader).text for reader in READERS] == [
        "Меня зовут [ФИО], ИИН [ИИН]",
        "Меня зовут [аты-жөні], ИИН [ЖСН]",
        "Меня зовут [name], ИИН [IIN]",
    ]
    assert all(MARKS[reader].keys() == set(Kind) for reader in READERS)


@pytest.mark.parametrize(
    ("digits", "is_one"),
    [
        ("880512300124", True),
        ("880512300125", False),  # check digit
        ("160229500017", True),
        ("150229500018", False),  # no such day
        ("881332300129", False),  # no such month
        ("990440001234", False),  # a company's
        ("88051230012", False),
        ("8805123001240", False),
    ],
)
def test_is_iin_checks_date_and_digit(digits: str, is_one: bool) -> None:
    assert is_iin(digits) == is_one


def test_is_iin_first_weights_give_ten_takes_the_second() -> None:
    assert is_iin("880512300124"[:7] + _with_second_weights())


def _with_second_weights() -> str:
    """Return the end of an IIN of 12 May 1988 whose first weights give 10."""
    first = range(1, 12)
    second = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
    for serial in range(10_000):
        digits = [int(one) for one in f"8805123{serial:04}"]
        if sum(map(int.__mul__, digits, first)) % 11 == 10:
            check = sum(map(int.__mul__, digits, second)) % 11
            if check != 10:
                return f"{serial:04}{check}"
    raise AssertionError("there is none")


@pytest.mark.parametrize(
    ("digits", "is_one"),
    [
        ("4400430211111114", True),
        ("4400430211111115", False),
        ("378282246310005", True),
        ("2200700000000000", False),
        ("8805123001240000", False),
    ],
)
def test_is_card_checks_first_digit_and_sum(digits: str, is_one: bool) -> None:
    assert is_card(digits) == is_one


PIECES = st.sampled_from(
    [
        *("87011234567", "+7 701 123 45 67", "(7172) 55-66-77", "880512300124", "12", "3-4"),
        *("4400 4302 1111 1114", "KZ86125KZT5004100100", "a.b@mail.kz", "@", "[ФИО]", "[телефон]"),
        *("меня зовут", "Менің атым", "от", "Я,", "с уважением,", "ФИО:", "тел.", "улица"),
        *("Иван", "Иванович", "Серікұлы", "Петров", "А.", "көшесі", "иванова", "жоқ", "ДАНА"),
        *(" ", "  ", "\n", ",", ".", "-", "(", "İ", "ё", "\u0301", "👩‍👩‍👧"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=14).map("".join),
    st.lists(PIECES, max_size=14).map(" ".join),
)


@given(TEXTS, st.sampled_from(READERS))
@settings(max_examples=1500, deadline=None)
def test_mask_any_text_again_changes_nothing(text: str, reader: Reader) -> None:
    masked = mask(text, reader).text
    assert mask(masked, reader).text == masked
    assert not mask(masked, "en").spans


@given(TEXTS)
@settings(max_examples=1000, deadline=None)
def test_mask_any_text_spans_tell_what_was_replaced(text: str) -> None:
    masked = mask(text)
    rebuilt, end = [], 0
    for span in masked.spans:
        assert end <= span.start < span.end <= len(text)
        rebuilt += [text[end : span.start], MARKS["ru"][span.kind]]
        end = span.end
    assert "".join([*rebuilt, text[end:]]) == masked.text


@given(TEXTS, st.data())
@settings(max_examples=1000, deadline=None)
def test_masked_moved_span_holds_the_same_words(text: str, data: st.DataObject) -> None:
    masked = mask(text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = masked.moved(start, end)
    assert 0 <= first <= last <= len(masked.text)
    if not any(span.start < end and start < span.end for span in masked.spans):
        assert masked.text[first:last] == text[start:end]


def test_masked_moved_span_that_touches_a_mark_takes_it_in() -> None:
    text = "тел. 87011234567, дом 5"
    masked = mask(text)
    first, last = masked.moved(text.index("123"), text.index("дом") + 3)
    assert masked.text[first:last] == "[телефон], дом"


HOSTILE = [
    *("a", "1", "1 ", "8 7 ", "123 ", "@", "a@", "a@b.", "a.", "+7", "+", "((", "8701123", "4400 "),
    *("Иван ", "меня зовут ", "от Иванова ", "Иванович ", "А.Б.", "A-", "KZ12", "KZ", "[ИИН]"),
    *("тел ", "тел" * 9, "ұлы", "\u0301", "İ", "'", "Я, "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_mask_hostile_text_takes_no_longer_than_any(piece: str) -> None:
    text = (piece * MAX_TEXT_CHARS)[:MAX_TEXT_CHARS]
    took = []
    for _ in range(5):
        started = process_time()
        mask(text)
        took.append(process_time() - started)
    assert min(took) < MAX_SECONDS
