"""Numbers without a noun: `в 9-й`, `на пятьдесят первом`, `43-те`, `№23`.

Alone they tell no place; with what the appeal is about they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triage.places.children import FOR_CHILDREN, is_for_children, speaks_of_children
from triage.places.keys import is_locative
from triage.places.labels import Labels, ends_clause, is_plain
from triage.places.number import Number
from triage.places.reading import Reading

MARKED, ORDINAL, IN_CASE, DIGITS, UNSURE = 0.75, 0.7, 0.65, 0.6, 0.5
NOTHING = 0.0

_MASCULINE = frozenset(
    ["й", "м", "го", "му", "ый", "ий", "ой", "ом", "ого", "ому", "yi", "iy", "y"]
)
_FEMININE = frozenset(["я", "ю", "й", "ей", "ая", "ую", "ой", "aya"])
_COLLECTIVE = frozenset(["ка", "ки", "ку", "ке"])
_DATE = frozenset(["го", "ого", "е", "ое"])
_BEFORE_DATE = frozenset(["с", "до", "от", "после", "утром", "днем", "вечером", "ночью", "числа"])
_COMPANY = frozenset(["мен", "бен", "пен"])
_IN = frozenset(["в", "на", "v", "na"])
_COUNTED_WITH = frozenset(["х", "ых", "ми"])
_KAZAKH_ORDINAL = ("нш", "nsh")
_PAPER_GAPS = " №#,-"
_FEW = 5
_OCLOCK, _DAYS, _CLASSES = 24, 31, 11
_HOURS_BACK = 3


@dataclass(frozen=True, slots=True)
class BareNumber:
    """A number that nothing has claimed, and what it may stand for.

    Attributes
    ----------
    start, end
        Its span in the text.
    masculine, feminine
        Whether it can stand for a noun of this gender.
    for_children
        Whether a word beside it says so.
    """

    value: int
    letter: str
    start: int
    end: int
    masculine: bool
    feminine: bool
    for_children: bool
    confidence: float


def find_bare(labels: Labels) -> Iterator[BareNumber]:
    """Yield the numbers that may stand for something by themselves."""
    reading = labels.reading
    all_for_children = speaks_of_children(reading)
    for number in labels.numbers:
        sure = _confidence(labels, number)
        if not sure:
            continue
        ending = _russian_ending(reading, number)
        yield BareNumber(
            value=number.value,
            letter=number.letter,
            start=reading.tokens[number.first].start,
            end=reading.tokens[number.last].end,
            masculine=not ending or ending in _MASCULINE | _COLLECTIVE,
            feminine=not ending or ending in _FEMININE | _COLLECTIVE,
            for_children=all_for_children
            or is_for_children(reading, number.first, number.last + 1),
            confidence=sure,
        )


def _confidence(labels: Labels, number: Number) -> float:
    """Return how sure it is that a number is a name, from 0 to 1."""
    reading = labels.reading
    if not labels.is_free(number) or number.part or number.ranged or number.measured:
        return NOTHING
    if number.counted and not (number.in_case and number.value > _OCLOCK):
        return NOTHING
    if _is_other(reading, number) or _is_time(reading, number):
        return NOTHING
    if number.marked or _is_numbered(reading, number):
        return MARKED
    if number.ordinal:
        return _ordinal(reading, number)
    if number.spoken:
        return NOTHING
    if number.in_case:
        return IN_CASE if number.value > _OCLOCK or not is_locative(number.ending) else UNSURE
    return _digits(reading, number)


def _ordinal(reading: Reading, number: Number) -> float:
    before = reading.at(number.first - 1)
    if number.ending in _COUNTED_WITH:
        return NOTHING
    if number.ending in _DATE and number.value <= _DAYS and before.text in _BEFORE_DATE:
        return NOTHING
    if number.spoken and not _is_nominal(reading, number):
        return NOTHING
    if number.spoken and number.value <= _FEW:
        inside = "before_facility" in before.word.parts
        whole = ends_clause(reading, number.last) or reading.has(number.last + 1, FOR_CHILDREN)
        return UNSURE if inside and whole else NOTHING
    return ORDINAL


def _is_nominal(reading: Reading, number: Number) -> bool:
    """Tell an ordinal in words from a time (к восьми, без двадцати) and a class (жетіншіде)."""
    if any(part in reading.at(number.last).text for part in _KAZAKH_ORDINAL):
        return number.value > _CLASSES or not is_locative(number.ending)
    return bool(_russian_ending(reading, number))


def _digits(reading: Reading, number: Number) -> float:
    """Judge a number without an ending, which a time, a sum or an age may be as well."""
    before, after = reading.at(number.first - 1), reading.at(number.last + 1)
    plain = is_plain(after) and number.last + 1 < len(reading.tokens)
    if plain and "riding" in after.word.parts:
        return DIGITS
    company = after.text in _COMPANY and not reading.at(number.last + 2).is_number
    if plain and company:
        return UNSURE
    starts = before.sentence != reading.at(number.first).sentence
    alone = (starts or not is_plain(reading.at(number.first))) and not plain
    listed = starts and number.last + 1 < len(reading.tokens)
    if number.value <= _OCLOCK:
        return UNSURE if alone and not listed else NOTHING
    inside = before.text in _IN and is_plain(reading.at(number.first))
    leads = starts and bool({"filler", "before_street", "joining"} & after.word.parts)
    return UNSURE if alone or inside or leads else NOTHING


def _is_numbered(reading: Reading, number: Number) -> bool:
    """Tell whether the word for number follows (71 нөмір)."""
    if number.spoken and not number.ordinal:
        return False
    return reading.has(number.last + 1, "number_sign") and is_plain(reading.at(number.last + 1))


def _is_other(reading: Reading, number: Number) -> bool:
    """Tell whether a number is the name of what stands beside it (5-й Б, заявка № 12, дом 4)."""
    before, after = reading.at(number.first - 1), reading.at(number.last + 1)
    late = number.in_case and number.value > _OCLOCK  # no time, whatever stands beside it
    measures = set() if late else {"unit"}
    gap = reading.at(number.first).gap
    if "paper" in before.word.parts and not gap.strip(_PAPER_GAPS):
        return True
    if ({"house"} | measures) & before.word.parts and is_plain(reading.at(number.first)):
        return True
    if not is_plain(after) or "number_sign" in after.word.parts:
        return False
    is_class = len(after.text) == 1 and reading.is_capital(number.last + 1)
    return is_class or bool(({"label", "house"} | measures) & after.word.parts)


def _is_time(reading: Reading, number: Number) -> bool:
    if number.marked or number.value > _OCLOCK:
        return False
    back = range(number.first - _HOURS_BACK, number.first)
    return any(reading.has(position, "hour") for position in back)


def _russian_ending(reading: Reading, number: Number) -> str:
    """Return the ending of a Russian ordinal; empty where there is none."""
    if not number.ordinal:
        return ""
    if number.spoken:
        text = reading.at(number.last).text
        ends = (text[-3:], text[-2:])
        return next((end for end in ends if end in _MASCULINE | _FEMININE | _COLLECTIVE), "")
    return "" if number.ending.isascii() else number.ending
