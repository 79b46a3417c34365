"""The numbers of a text that can be a name, with what stands around them."""

from __future__ import annotations

import re
from dataclasses import replace

from triage.places.digits import read_digits
from triage.places.number import Number
from triage.places.numerals import read_numeral
from triage.places.reading import Reading

_PLAIN_GAPS = re.compile(r"\s?[-‑]?|\s+")
_MARKS = ("№", "#")
_ENTRANCES = 20
"""A house has no more of them."""

_OF_A_HOUSE = frozenset({"flat", "floor", "entrance", "block"})


def read_numbers(reading: Reading) -> list[Number]:
    """Return the numbers of a text in their order."""
    numbers = []
    after = 0
    for position, token in enumerate(reading.tokens):
        if position < after or not (token.word.numeral or token.is_number):
            continue
        read = read_digits if token.is_number else read_numeral
        number, after = read(reading, position)
        if number:
            numbers.append(_with_surroundings(reading, number))
    return numbers


def _with_surroundings(reading: Reading, number: Number) -> Number:
    marks = any(mark in reading.tokens[number.first].gap for mark in _MARKS)
    return replace(
        number,
        marked=marks or reading.has(number.first - 1, "number_sign"),
        measured=_is_measured(reading, number.first),
        counted=_is_counted(reading, number),
    )


def _is_measured(reading: Reading, first: int) -> bool:
    before, gap = reading.at(first - 1).word.parts, reading.tokens[first].gap
    if "measure" in before and gap == " ":
        return True
    return bool(_OF_A_HOUSE & before) and not gap.strip(" .-№")


def _is_counted(reading: Reading, number: Number) -> bool:
    last = number.last
    after = reading.at(last + 1)
    if not _PLAIN_GAPS.fullmatch(after.gap) or "\n" in after.gap:
        return False
    if "unit" in after.word.parts:
        return True
    told = {"floor", *(["entrance"] if number.value <= _ENTRANCES else [])} & after.word.parts
    in_case = last > number.first and not reading.has(last, "flat")
    return bool(told) and not reading.at(last + 2).is_number and not in_case
