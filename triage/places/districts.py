"""Districts and banks of the river."""

from __future__ import annotations

from collections.abc import Iterator

from triage.place import Kind, Place
from triage.places.labels import Labels, is_plain
from triage.places.reading import Reading
from triage.places.words import Words

TOLD = 0.99
BANK_TOLD = 0.95

ELLIPTIC = 0.75

_LEFT, _RIGHT = "left", "right"
# The sides without their noun, and how a noun in the same case would end.
_ELLIPTIC = {
    "левом": (_LEFT, ("е", "у", "и")),
    "правом": (_RIGHT, ("е", "у", "и")),
    "левого": (_LEFT, ("а", "я")),
    "правого": (_RIGHT, ("а", "я")),
}


def find_districts(words: Words, labels: Labels) -> Iterator[Place]:
    """Yield the districts of a text: a name or its adjective beside the word for district."""
    reading = labels.reading
    for position, token in enumerate(reading.tokens):
        if "district" in token.word.parts:
            yield from _districts_of(words, labels, position)


def _districts_of(words: Words, labels: Labels, noun: int) -> Iterator[Place]:
    reading = labels.reading
    names = dict(_names(words, reading, noun, -1)) or dict(_names(words, reading, noun, 1))
    nearest = min(names, key=lambda name: abs(name - noun), default=noun)
    for name, code in names.items():
        first, last = (min(name, noun), max(name, noun)) if name == nearest else (name, name)
        labels.claim(first, last)
        yield _place(reading, Kind.DISTRICT, code, first, last, TOLD)


def _names(words: Words, reading: Reading, noun: int, step: int) -> Iterator[tuple[int, str]]:
    """Yield the districts' names on one side of the word, joined ones as well: token and code."""
    position = noun + step
    while (code := _district(words, reading, position)) and _is_beside(reading, position, step):
        if step > 0 and _is_address(reading, position):
            return
        yield position, code
        joined = reading.has(position + step, "joining")
        position += 2 * step if joined else step
        if not joined and reading.at(max(position, position - step)).gap.strip() != ",":
            return


def _district(words: Words, reading: Reading, position: int) -> str:
    token = reading.at(position)
    if token.word.is_known:
        return token.word.district
    return words.misspelt_district(token.text)


def _is_beside(reading: Reading, position: int, step: int) -> bool:
    gap = reading.at(position if step > 0 else position + 1).gap
    return not gap.strip(' -–—«»"“”,:.')


def _is_address(reading: Reading, position: int) -> bool:
    """Tell whether a name after "район" has a house and so is a street's."""
    after = reading.at(position + 1)
    return after.is_number and is_plain(after)


def find_banks(labels: Labels) -> Iterator[Place]:
    """Yield the banks of the river that are told."""
    reading = labels.reading
    for position, token in enumerate(reading.tokens):
        parts = token.word.parts
        if "left_bank" in parts or "right_bank" in parts:
            side = _LEFT if "left_bank" in parts else _RIGHT
            labels.claim(position, position)
            yield _place(reading, Kind.BANK, side, position, position, BANK_TOLD)
        elif token.text in _ELLIPTIC and (side := _elliptic_side(reading, position)):
            yield _place(reading, Kind.BANK, side, position, position, ELLIPTIC)
        elif {"bank", "shore"} & parts and (side := _side(reading, position)):
            labels.claim(position - 1, position)
            yield _place(reading, Kind.BANK, side, position - 1, position, BANK_TOLD)


def _elliptic_side(reading: Reading, position: int) -> str:
    """Return which bank `на левом` tells, where no noun in the same case follows."""
    token, after = reading.at(position), reading.at(position + 1)
    if not reading.has(position - 1, "before_street"):
        return ""
    side, noun_endings = _ELLIPTIC[token.text]
    has_noun = is_plain(after) and after.text.endswith(noun_endings) and len(after.text) > 1
    return "" if has_noun else side


def _side(reading: Reading, noun: int) -> str:
    """Return which bank a noun with its adjective tells; none if it is of other water."""
    before = reading.at(noun - 1).word.parts
    side = _LEFT if "left" in before else _RIGHT if "right" in before else ""
    other = reading.has(noun + 1, "water") or reading.has(noun - 2, "water")
    return side if is_plain(reading.at(noun)) and not other else ""


def _place(
    reading: Reading, kind: Kind, normal: str, first: int, last: int, confidence: float
) -> Place:
    tokens = reading.tokens
    return Place(kind, normal, tokens[first].start, tokens[last].end, confidence)
