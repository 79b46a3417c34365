"""Numbers in words, Russian and Kazakh."""

from __future__ import annotations

from triage.places.number import MAX_VALUE, Number
from triage.places.reading import Reading, Token

_HUNDRED, _TEN = 100, 10


def read_numeral(reading: Reading, position: int) -> tuple[Number | None, int]:
    """Return the number whose words begin at a token, if it can be a name, and where it ends.

    Each word must be smaller than what the last one leaves open: `сорок шестой`, but not
    `десять шестой`.
    """
    value, last, room = 0, position - 1, MAX_VALUE
    ending, part = "", ""
    while (numeral := reading.at(last + 1).word.numeral) and numeral.value < room:
        if value and reading.at(last + 1).gap not in (" ", "-"):
            break
        value, last, part = value + numeral.value, last + 1, numeral.part
        ending = reading.at(last).word.numeral_ending
        room = _room(reading.at(last), numeral.value, numeral.part)
    if part == "head" or _is_cake(reading, position, last):
        return None, last + 1
    ordinal = part == "ordinal"
    return Number(value, position, last, ending=ending, ordinal=ordinal, spoken=True), last + 1


def _room(token: Token, value: int, part: str) -> int:
    """Return below what the next word of a number must be; 0 if this one is the last."""
    if part == "ordinal" or token.word.numeral_ending or value < _TEN:
        return 0
    if part == "cardinal" and _TEN <= value < 2 * _TEN:
        return 0
    return _HUNDRED if value == _HUNDRED else _TEN


def _is_cake(reading: Reading, first: int, last: int) -> bool:
    """Tell a cake from a four: торт alone is төрт only with its own letter."""
    return first == last and reading.tokens[first].text == "торт"
