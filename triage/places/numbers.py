"""The numbers of a text, in digits or words, that can be a name: no times, dates, sums, counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.places.keys import is_kazakh_ending, key
from triage.places.reading import Reading, Token

MAX_VALUE = 999
"""Nothing is numbered beyond it; longer ones are years, sums and telephone numbers."""

_MAX_DIGITS = 3
_MAX_PART_DIGITS = 2
_HUNDRED, _TEN = 100, 10

_HYPHENS = ("-", "‑", "–", "")
_FRACTIONS = (".", ",", ":")
_MEASURES = tuple("%°₸$€₽")
_MARKS = ("№", "#")
_PLAIN_GAPS = re.compile(r"\s?[-‑]?|\s+")
_SIGNED = re.compile(r"(?:^|[\s(])[-−–+±]$|\+$")

_RUSSIAN_SUFFIXES = frozenset(
    "й ый ой ий я ая ю ую е ое го ого му ому м ом ым х ых ми ей ка ку ки ке".split()
)
_KAZAKH_ORDINAL = re.compile("(?:i?n)?sh[ie](.*)")
_LETTERS = {
    "а": "А", "б": "Б", "в": "В", "г": "Г", "д": "Д",
    "a": "А", "b": "Б", "v": "В", "g": "Г", "d": "Д",
}  # fmt: skip
_QUOTES = "\"«»“”„'"


@dataclass(frozen=True, slots=True)
class Number:
    """A number and its place among the tokens.

    Attributes
    ----------
    first, last
        Its first and last token.
    letter, part
        Of ``15А`` and ``15/2``.
    ending
        The key of its Kazakh ending or Russian ordinal's, as in ``4-шіде``, ``9-й``.
    ordinal, spoken, marked, ranged
        Whether it is an ordinal, in words, has ``№`` before it, is the first of ``44-52``.
    counted
        Whether it measures or counts something.
    """

    value: int
    first: int
    last: int
    letter: str = ""
    part: str = ""
    ending: str = ""
    ordinal: bool = False
    spoken: bool = False
    marked: bool = False
    ranged: bool = False
    counted: bool = False

    @property
    def in_case(self) -> bool:
        """Whether it is no ordinal and in a Kazakh case (58де)."""
        return bool(self.ending) and not self.ordinal


def read_numbers(reading: Reading) -> list[Number]:
    """Return the numbers of a text in their order."""
    numbers = []
    position = 0
    while position < len(reading.tokens):
        number, position = _number(reading, position)
        if number:
            numbers.append(number)
    return numbers


def _number(reading: Reading, position: int) -> tuple[Number | None, int]:
    """Return the number that begins at a token, if one does, and where to read on."""
    token = reading.tokens[position]
    if token.is_number:
        return _written(reading, position)
    if token.word.numeral:
        return _spoken(reading, position)
    return None, position + 1


def _written(reading: Reading, position: int) -> tuple[Number | None, int]:
    group = _digit_group(reading, position)
    token = reading.tokens[position]
    if not _is_number(reading, group):
        return None, group[-1] + 1
    ranged, part = False, ""
    last = position
    if len(group) > 1:
        second = reading.tokens[group[1]]
        ranged = second.gap != "/"
        part = "" if ranged else second.text
        last = group[-1]
    last, letter = _letter(reading, last)
    ending, ordinal = "", False
    if not letter:
        last, ending, ordinal = _suffix(reading, last)
    if not part:
        last, part = _corpus(reading, last)
    number = Number(
        value=int(token.text),
        first=position,
        last=last,
        letter=letter,
        part=part,
        ending=ending,
        ordinal=ordinal,
        marked=any(mark in token.gap for mark in _MARKS) or reading.has(position - 1, "number_sign"),
        ranged=ranged,
        counted=_is_counted(reading, position, last),
    )
    return number, last + 1


def _digit_group(reading: Reading, position: int) -> list[int]:
    """Return the tokens of digits that are written together: ``10:30``, ``15/2``, ``44-52``."""
    group = [position]
    while (after := reading.at(group[-1] + 1)).is_number and (
        after.gap in (*_HYPHENS, *_FRACTIONS, "/", "—")
        or (after.gap == " " and len(after.text) == _MAX_DIGITS and after.text == "000")
    ):
        group.append(group[-1] + 1)
    return group


def _is_number(reading: Reading, group: list[int]) -> bool:
    """Tell whether digits can be a name: no time, date, telephone, temperature, decimal."""
    first, last = reading.tokens[group[0]], reading.tokens[group[-1]]
    if len(first.text) > _MAX_DIGITS or int(first.text) == 0 or _SIGNED.search(first.gap):
        return False
    if reading.text[last.end : last.end + 1].startswith(_MEASURES):
        return False
    if len(group) == 1:
        return True
    if len(group) > 2 or last.gap in _FRACTIONS or last.gap == " ":
        return False
    return len(last.text) <= (_MAX_PART_DIGITS if last.gap == "/" else _MAX_DIGITS)


def _letter(reading: Reading, last: int) -> tuple[int, str]:
    """Return the letter of ``12А`` and the token that it is, as the last of its number."""
    token = reading.at(last + 1)
    letter = _LETTERS.get(token.text, "")
    if not letter:
        return last, ""
    if token.gap in _HYPHENS:
        return last + 1, letter
    after = reading.at(last + 2)
    quoted = token.gap.strip() in _QUOTES and bool(token.gap.strip())
    apart = token.gap == " " and reading.is_capital(last + 1)
    ends = after.gap != " " or bool({"house", "flat", "entrance", "bus"} & after.word.parts)
    return (last + 1, letter) if quoted or (apart and ends) else (last, "")


def _suffix(reading: Reading, last: int) -> tuple[int, str, bool]:
    """Return a number's last token with its ending, the ending, whether it makes an ordinal."""
    token = reading.at(last + 1)
    if token.gap not in _HYPHENS or token.is_number or not token.text:
        return last, "", False
    if token.text in _RUSSIAN_SUFFIXES:
        return last + 1, token.text, True
    ending = key(token.text)
    ordinal = _KAZAKH_ORDINAL.fullmatch(ending)
    if ordinal and (not ordinal[1] or is_kazakh_ending(ordinal[1])):
        return last + 1, ordinal[1], True
    if is_kazakh_ending(ending) and not token.word.parts - {"joining", "filler", "before_street"}:
        return last + 1, ending, False
    return last, "", False


def _corpus(reading: Reading, last: int) -> tuple[int, str]:
    """Return the number of a building's part, told as ``к2`` or ``корпус 2``."""
    token, after = reading.at(last + 1), reading.at(last + 2)
    told = "corpus" in token.word.parts and token.gap.strip(", ") == ""
    if (told or (token.text == "к" and token.gap == "")) and after.is_number:
        if len(after.text) <= _MAX_PART_DIGITS and after.gap.strip(". ") == "":
            return last + 2, after.text
    return last, ""


def _spoken(reading: Reading, position: int) -> tuple[Number | None, int]:
    """Read a number in words: each word must be smaller than what the last one leaves open."""
    value, last, room = 0, position - 1, MAX_VALUE
    ending, part = "", ""
    while (numeral := reading.at(last + 1).word.numeral) and numeral.value < room:
        if value and reading.at(last + 1).gap not in (" ", "-"):
            break
        value, last, part = value + numeral.value, last + 1, numeral.part
        ending = reading.at(last).word.numeral_ending
        room = _room(reading.at(last), numeral.value, numeral.part)
    if part == "head" or value > MAX_VALUE or not _is_kazakh_four(reading, position, last):
        return None, last + 1
    number = Number(
        value=value,
        first=position,
        last=last,
        ending=ending,
        ordinal=part == "ordinal",
        spoken=True,
        marked=reading.has(position - 1, "number_sign"),
        counted=_is_counted(reading, position, last),
    )
    return number, last + 1


def _room(token: Token, value: int, part: str) -> int:
    """Return below what the next word of a number must be; 0 if this one is the last."""
    if part == "ordinal" or token.word.numeral_ending or value < _TEN:
        return 0
    if part == "cardinal" and _TEN <= value < 2 * _TEN:
        return 0
    return _HUNDRED if value == _HUNDRED else _TEN


def _is_kazakh_four(reading: Reading, first: int, last: int) -> bool:
    """Tell a four from a cake: торт alone is төрт only with its own letter."""
    return first != last or reading.tokens[first].text != "торт"


def _is_counted(reading: Reading, first: int, last: int) -> bool:
    """Tell whether a number has its measure beside it: ``10 минут``, ``минут 10``, ``5 этаж``."""
    before, after = reading.at(first - 1), reading.at(last + 1)
    if "unit" in before.word.parts and reading.tokens[first].gap == " ":
        return True
    if {"flat", "floor", "entrance", "block"} & before.word.parts:
        return reading.tokens[first].gap.strip(" .-№") == ""
    if not _PLAIN_GAPS.fullmatch(after.gap) or "\n" in after.gap:
        return False
    if "unit" in after.word.parts:
        return True
    told = {"entrance", "floor", "flat"} & after.word.parts
    return bool(told) and not reading.at(last + 2).is_number and "flat" not in told


def by_first(numbers: list[Number]) -> dict[int, Number]:
    """Return numbers by their first token."""
    return {number.first: number for number in numbers}


def by_last(numbers: list[Number]) -> dict[int, Number]:
    """Return numbers by their last token."""
    return {number.last: number for number in numbers}


def preceding(numbers: list[Number]) -> Iterator[tuple[Number | None, Number]]:
    """Yield each number with the one before it."""
    before = None
    for number in numbers:
        yield before, number
        before = number
