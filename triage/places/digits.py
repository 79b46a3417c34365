"""Numbers in digits: no times, dates, sums, temperatures, telephones."""

from __future__ import annotations

import re

from triage.places.keys import is_kazakh_ending, key
from triage.places.number import Number
from triage.places.reading import Reading, Token

_MAX_DIGITS = 3
_MAX_PART_DIGITS = 2

_HYPHENS = ("-", "‑", "–", "")
_FRACTIONS = (".", ",", ":")
_MEASURES = ("%", "°", "₸", "$", "€", "₽")
_SIGNED = re.compile(r"(?:^|[\s(])[-−–+±]$|\+$")
_QUOTES = "\"«»“”„'"

_RUSSIAN_SUFFIX = re.compile(
    "[йяюемх]|[ыои]й|ая|ую|о?е|о?го|о?му|[оы]м|ых|ми|ей|к[аиуе]|y[iy]?|iy|aya"
)
_KAZAKH_ORDINAL = re.compile("(?:i?n)?sh[ie](.*)")
# What people write apart from the number as well.
_APART = re.compile("[дтн][еа]н|[гкқғ][еа]|[дт]е|ш[іыи]")
_LETTERS = dict(zip("абвгдabvgd", "АБВГДАБВГД", strict=True))


def read_digits(reading: Reading, position: int) -> tuple[Number | None, int]:
    """Return the number whose digits stand at a token, if it can be a name, and where it ends."""
    group = _digit_group(reading, position)
    if not _is_number(reading, group):
        return None, group[-1] + 1
    part, ranged = "", False
    if len(group) > 1:
        second = reading.tokens[group[1]]
        ranged = second.gap != "/"
        part = "" if ranged else second.text
    last, letter = _letter(reading, group[-1])
    ending, ordinal = "", False
    if not letter:
        last, ending, ordinal = _suffix(reading, last)
    if not part:
        last, part = _corpus(reading, last)
    value = int(reading.tokens[position].text)
    number = Number(value, position, last, letter, part, ending, ordinal=ordinal, ranged=ranged)
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
    form = len(first.text) == _MAX_DIGITS and first.text.startswith("0")  # 026/у is a paper
    if len(first.text) > _MAX_DIGITS or form or int(first.text) == 0:
        return False
    measure = reading.text[last.end : last.end + 2].lstrip(" ").startswith(_MEASURES)
    if measure or _SIGNED.search(first.gap):
        return False
    return len(group) == 1 or (len(group) == 2 and _is_pair(last))


def _is_pair(second: Token) -> bool:
    """Tell whether the second number of two makes `15/2` or `44-52` with the first."""
    if second.gap in _FRACTIONS or second.gap == " ":
        return False
    return len(second.text) <= (_MAX_PART_DIGITS if second.gap == "/" else _MAX_DIGITS)


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
    stops = after.gap != " "
    ends = stops or bool({"house", "flat", "entrance", "bus"} & after.word.parts)
    told = quoted or (apart and ends) or (token.gap == " " and stops)
    return (last + 1, letter) if told else (last, "")


def _suffix(reading: Reading, last: int) -> tuple[int, str, bool]:
    """Return a number's last token with its ending, the ending, whether it makes an ordinal."""
    token = reading.at(last + 1)
    apart = token.gap == " " and _APART.fullmatch(token.text)
    if not (apart or token.gap in _HYPHENS) or token.is_number or not token.text:
        return last, "", False
    if _RUSSIAN_SUFFIX.fullmatch(token.text):
        return last + 1, token.text, True
    ending = key(token.text)
    ordinal = _KAZAKH_ORDINAL.fullmatch(ending)
    if ordinal and (not ordinal[1] or is_kazakh_ending(ordinal[1])):
        return last + 1, ordinal[1], True
    other = token.word.parts - {"joining", "filler", "before_street"}
    if is_kazakh_ending(ending) and (not other or _APART.fullmatch(token.text)):
        return last + 1, ending, False
    return last, "", False


def _corpus(reading: Reading, last: int) -> tuple[int, str]:
    """Return the number of a building's part, told as `к2` or `корпус 2`."""
    token, after = reading.at(last + 1), reading.at(last + 2)
    word = "corpus" in token.word.parts and not token.gap.strip(", ")
    told = word or (token.text == "к" and not token.gap)
    number = after.is_number and len(after.text) <= _MAX_PART_DIGITS
    if told and number and not after.gap.strip(". "):
        return last + 2, after.text
    return last, ""
