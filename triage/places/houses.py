"""The houses of streets: before the name, after it, or a few words away."""

from __future__ import annotations

from dataclasses import dataclass

from triage.places.labels import Labels, counts_many, is_plain
from triage.places.mentions import Mention
from triage.places.names import Caution
from triage.places.number import Number
from triage.places.reading import Reading

_LARGEST_HOUSE = 500
_SPOKEN_HOUSE = 10
_MAX_FILLERS = 3
_HOUSE_GAPS = ' ,.-–—№«"(\n'


@dataclass(frozen=True, slots=True)
class House:
    """A house's number and the tokens that tell it."""

    number: Number
    first: int
    last: int

    @property
    def normal(self) -> str:
        """The number with its letter and part."""
        part = f"/{int(self.number.part)}" if self.number.part else ""
        return f"{self.number.value}{self.number.letter}{part}"


def find_houses(labels: Labels, mentions: list[Mention]) -> dict[int, House]:
    """Return the house of each mention that has one: what follows the name goes first."""
    houses = {}
    for find in (_house_after, _house_before):
        for index, mention in enumerate(mentions):
            house = None if index in houses else find(labels, mention)
            if house:
                labels.claim(house.first, house.last)
                houses[index] = house
    return houses


def _house_after(labels: Labels, mention: Mention) -> House | None:
    reading = labels.reading
    at = mention.end + 1
    if not _is_near(reading, at):
        return None
    number = labels.starting(at)
    if number:
        return _direct(labels, mention, number)
    if reading.has(at, "house") or reading.has(at, "number_sign"):
        return _marked(labels, at)
    for _ in range(_MAX_FILLERS):
        if not reading.has(at, "filler") or reading.at(at).gap.strip(" ,"):
            return None
        at += 1
        if reading.has(at, "house"):
            return _marked(labels, at)
        number = labels.starting(at)
        if number:
            return _with_house_word(labels, number)
    return None


def _direct(labels: Labels, mention: Mention, number: Number) -> House | None:
    """Return the house that stands right after a street's name."""
    marked = _with_house_word(labels, number)
    if marked:
        return marked
    if number.ordinal and not (number.spoken and number.ending):
        return None
    if number.in_case and mention.is_in_place(labels.reading):
        return None
    if not _is_house(labels, number) or (not number.marked and counts_many(labels.reading, number)):
        return None
    if number.spoken and not _is_spoken_house(labels.reading, number):
        return None
    dashed = labels.reading.at(number.first).gap == "-"
    if dashed and mention.name.caution is Caution.CITY:
        return None
    return House(number, number.first, number.last)


def _is_spoken_house(reading: Reading, number: Number) -> bool:
    """Tell whether a number in words after a name ends there: a house, and no count."""
    after = reading.at(number.last + 1)
    ends = not is_plain(after) or number.last + 1 >= len(reading.tokens)
    return ends or number.value >= _SPOKEN_HOUSE or bool(number.ending)


def _marked(labels: Labels, at: int) -> House | None:
    """Return the house after a word for house: `дом 15`, `д. 15`, `№ 15`."""
    after = at + 1
    if labels.reading.has(after, "number_sign"):
        after += 1
    number = labels.starting(after)
    if not number or labels.reading.at(after).gap.strip(_HOUSE_GAPS + ":"):
        return None
    if not _is_house(labels, number):
        return None
    return House(number, at, number.last)


def _with_house_word(labels: Labels, number: Number) -> House | None:
    """Return the house before a word for house: `15-үй`, `в 15-м доме`."""
    reading = labels.reading
    after = reading.at(number.last + 1)
    if "house" not in after.word.parts or not is_plain(after):
        return None
    if "houses" in after.word.parts or not 0 < number.value <= _LARGEST_HOUSE:
        return None
    return House(number, number.first, number.last + 1)


def _is_house(labels: Labels, number: Number) -> bool:
    return labels.is_free(number) and not number.is_measure and number.value <= _LARGEST_HOUSE


def _house_before(labels: Labels, mention: Mention) -> House | None:
    reading = labels.reading
    at = mention.begin - 1
    if reading.at(mention.begin).gap.strip(" ,"):
        return None
    for _ in range(_MAX_FILLERS):
        if not reading.has(at, "filler") or reading.at(at + 1).gap.strip(" ,"):
            break
        at -= 1
    number = labels.ending(at)
    if number:
        near = not reading.at(number.first).gap.strip(_HOUSE_GAPS)
        house_word = reading.has(number.first - 1, "house") and near
        if house_word and _is_house(labels, number):
            return House(number, number.first - 1, number.last)
        return None
    if reading.has(at, "house") and not reading.has(at, "houses"):
        number = labels.ending(at - 1)
        if number and is_plain(reading.at(at)) and _is_house_before(labels, number):
            return House(number, number.first, at)
    return None


def _is_house_before(labels: Labels, number: Number) -> bool:
    return _is_house(labels, number) and not labels.reading.has(number.first - 1, "flat")


def _is_near(reading: Reading, at: int) -> bool:
    gap = reading.at(at).gap
    stopped = "." in gap and not reading.has(at - 1, "abbreviation")
    return not gap.strip(_HOUSE_GAPS) and not stopped
