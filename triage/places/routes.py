"""Bus routes told by their number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from triage.enterprises import EnterpriseRegistry
from triage.place import Kind, Place
from triage.places.bare import BareNumber
from triage.places.labels import Labels, counts_many, ends_clause, is_count, is_oclock, is_plain
from triage.places.number import Number
from triage.places.reading import Reading

TOLD, WITHOUT_NOUN = 0.97, 0.75

_RANGE = re.compile(r"(\d{1,3})\s*[-–—]\s*(\d{1,3})")
_LARGEST = 399
_SKIPPED = frozenset({"route", "bus", "number_sign"})
_SEQUENCE = 5
_SPOKEN = 20
_TEN = 10
_IN, _IN_CASE, _ABOUT = ("в", "на"), ("ом", "ем"), ("насчет", "про", "по")
_PLURAL = frozenset({"х", "ых"})
_DATE = frozenset({"го", "ого", "е", "ое"})


@dataclass(frozen=True, slots=True)
class Routes:
    """The numbers that routes have."""

    known: frozenset[int]

    @classmethod
    def of(cls, enterprises: EnterpriseRegistry) -> Routes:
        """Take the numbers from the aliases of bus parks (`маршруты 1-19`); all if none tells."""
        ranges = [
            range(int(first), int(last) + 1)
            for enterprise in enterprises.enterprises.values()
            if enterprise.type == "bus_park"
            for alias in enterprise.aliases
            for first, last in _RANGE.findall(alias)
        ]
        return cls(frozenset().union(*ranges) or frozenset(range(1, _LARGEST + 1)))

    def find(self, labels: Labels) -> Iterator[Place]:
        """Yield the routes of a text, claiming their numbers."""
        nouns = [
            position
            for position, token in enumerate(labels.reading.tokens)
            if {"bus", "route"} & token.word.parts and not _is_other(labels, position)
        ]
        for noun in nouns:
            yield from self._before(labels, noun)
        for noun in nouns:
            yield from self._after(labels, noun)

    def _before(self, labels: Labels, noun: int) -> Iterator[Place]:
        def accepts(number: Number) -> bool:
            if number.in_case or not self._is_sane(number) or number.measured:
                return False
            return not is_count(labels.reading, number, noun) and not _is_sequence(
                labels, noun, number
            )

        yield from _places(labels, noun, labels.before(noun, "numbered", accepts))

    def _after(self, labels: Labels, noun: int) -> Iterator[Place]:
        if noun in labels.claimed:
            return

        def accepts(number: Number) -> bool:
            if number.in_case or not self._is_sane(number):
                return False
            if number.is_measure and not number.marked:
                return False
            return not _is_count_after(labels, noun, number)

        yield from _places(labels, noun, labels.after(noun, _SKIPPED, accepts))

    def _is_sane(self, number: Number) -> bool:
        return number.value in self.known and not (number.part or number.ranged)

    def of_bare(self, numbers: Iterable[BareNumber]) -> list[Place]:
        """Return the routes that numbers without a noun stand for."""
        return [
            Place(
                Kind.ROUTE,
                f"{number.value}{number.letter}",
                number.start,
                number.end,
                number.confidence,
            )
            for number in numbers
            if number.masculine and number.value in self.known
        ]

    def find_without_noun(self, labels: Labels) -> Iterator[Place]:
        """Yield the numbers that nothing has claimed in a text about riding (21-й не пришёл)."""
        reading = labels.reading
        riding = any("riding" in parts for parts in reading.sentences.values())
        for number in labels.numbers:
            if not labels.is_free(number) or not self._is_sane(number) or number.is_measure:
                continue
            if (riding or number.ending in _PLURAL) and _is_nominal(labels, number):
                labels.claim(number.first, number.last)
                yield _place(labels, number.first, number.last, number, WITHOUT_NOUN)


def _places(labels: Labels, noun: int, numbers: list[Number]) -> Iterator[Place]:
    for first, last, number in labels.claimed_with(noun, numbers):
        yield _place(labels, first, last, number, TOLD)


def _place(labels: Labels, first: int, last: int, number: Number, confidence: float) -> Place:
    tokens = labels.reading.tokens
    normal = f"{number.value}{number.letter}"
    return Place(Kind.ROUTE, normal, tokens[first].start, tokens[last].end, confidence)


def _is_other(labels: Labels, noun: int) -> bool:
    """Tell whether a bus is only an adjective of something that has numbers itself."""
    noun_text, after = labels.reading.at(noun).text, labels.reading.at(noun + 1)
    bare = noun_text.endswith(("с", "т", "s", "t"))
    return bare and "not_route" in after.word.parts and after.gap in (" ", "-")


def _is_sequence(labels: Labels, noun: int, number: Number) -> bool:
    """Tell the third bus of the morning from route 3."""
    reading = labels.reading
    if not number.ordinal or number.value > _SEQUENCE or reading.has(noun, "route"):
        return False
    if number.spoken and _is_inside(reading, number):
        return False
    return number.spoken or reading.is_near(noun, "sequence")


def _is_inside(reading: Reading, number: Number) -> bool:
    """Tell whether something is said to be in a bus, or of it (на втором, насчёт второго)."""
    before, text = reading.at(number.first - 1).text, reading.at(number.last).text
    return (before in _IN and text.endswith(_IN_CASE)) or before in _ABOUT


def _is_count_after(labels: Labels, noun: int, number: Number) -> bool:
    reading = labels.reading
    if number.marked:
        return False
    if not number.spoken:
        return counts_many(reading, number)
    if number.ordinal:
        return number.value <= _SEQUENCE
    composite = number.value > _SPOKEN and number.value % _TEN != 0
    told = reading.has(noun, "route") or number.value >= _TEN
    return not (composite or (told and ends_clause(reading, number.last)))


def _is_nominal(labels: Labels, number: Number) -> bool:
    """Tell whether an ordinal, or a number in a Kazakh case, stands for a bus."""
    reading = labels.reading
    after = reading.at(number.last + 1)
    if is_plain(after) and ({"label", "unit", "house"} & after.word.parts or after.word.facility):
        return False
    if reading.has(number.first - 1, "unit"):
        return False
    if number.spoken or reading.is_near(number.first, "facility"):
        return False
    if number.ending in _PLURAL:
        return reading.at(number.first - 1).word.numeral is not None
    if number.ending in _DATE:
        return reading.has(number.first - 1, "riding")
    if number.ordinal:
        return True
    return number.in_case and reading.is_near(number.first, "riding") and not is_oclock(number)
