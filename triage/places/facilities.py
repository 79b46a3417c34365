"""Polyclinics, hospitals, schools and kindergartens told by their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from triage.enterprises import EnterpriseRegistry
from triage.place import Kind, Place
from triage.places.bare import BareNumber
from triage.places.children import SUFFIX, is_for_children, speaks_of_children, told_apart
from triage.places.labels import (
    Labels,
    counts_few,
    counts_many,
    ends_clause,
    is_count,
    is_oclock,
    is_plain,
)
from triage.places.lexicon import WORDS, entries
from triage.places.number import Number

TOLD, ELLIPTIC = 0.98, 0.8

_TYPES = tuple(
    part.partition(":")[2] for (part,), _ in entries(WORDS) if part.startswith("facility:")
)
MASCULINE = frozenset({"kindergarten"})
"""Types whose Russian noun is masculine; those of the others are feminine."""

_ROOM_TO_GROW = 2
_FEWEST = 30
_FEW = 5
_ADJECTIVES = frozenset({"facility_adjective", "number_sign"})
_FEMININE_ENDINGS = frozenset(["й", "я", "ю", "ой", "ая", "ую"])
_MASCULINE_ENDINGS = frozenset(["й", "го", "м", "му", "ом", "ый", "ого", "ому"])


@dataclass(frozen=True, slots=True)
class Facilities:
    """The types that have numbers.

    Attributes
    ----------
    largest
        The largest number of each type that is believed.
    registered
        Types and numbers of the enterprise registry.
    told_apart
        Those that one for children shares with one that is not.
    """

    largest: Mapping[str, int]
    registered: frozenset[tuple[str, str]]
    told_apart: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, enterprises: EnterpriseRegistry) -> Facilities:
        """Take the numbers from a registry, with room for what will be built."""
        largest = dict.fromkeys(_TYPES, _FEWEST // _ROOM_TO_GROW)
        for enterprise in enterprises.enterprises.values():
            if enterprise.type in largest and (enterprise.number or "").isdecimal():
                number = int(enterprise.number or 0)
                largest[enterprise.type] = max(largest[enterprise.type], number)
        believed = {type_: number * _ROOM_TO_GROW for type_, number in largest.items()}
        numbered = [one for one in enterprises.enterprises.values() if one.number]
        registered = frozenset((one.type, one.number or "") for one in numbered)
        return cls(believed, registered, told_apart(enterprises))

    def find(self, labels: Labels) -> Iterator[Place]:
        """Yield the facilities of a text, claiming their numbers."""
        nouns = [
            position
            for position, token in enumerate(labels.reading.tokens)
            if token.word.facility and not _is_other(labels, position)
        ]
        for noun in nouns:
            yield from self._before(labels, noun)
        for noun in nouns:
            yield from self._after(labels, noun)
        if nouns:
            yield from self._elliptic(labels, nouns)

    def _before(self, labels: Labels, noun: int) -> Iterator[Place]:
        def accepts(number: Number) -> bool:
            if number.in_case or number.measured or _belongs_before(labels, number):
                return False
            if _is_to_be_built(labels, number):
                return False
            return self._is_sane(labels, noun, number) and not is_count(
                labels.reading, number, noun
            )

        numbers = labels.before(noun, "facility_adjective", accepts)
        yield from self._places(labels, noun, numbers)

    def _after(self, labels: Labels, noun: int) -> Iterator[Place]:
        if noun in labels.claimed:
            return

        def accepts(number: Number) -> bool:
            if not self._is_sane(labels, noun, number) or _is_counted_after(labels, noun, number):
                return False
            return number.marked or not _belongs_after(labels, number)

        numbers = labels.after(noun, _ADJECTIVES, accepts)
        yield from self._places(labels, noun, numbers)

    def _is_sane(self, labels: Labels, noun: int, number: Number) -> bool:
        facility = labels.reading.at(noun).word.facility
        return not (number.part or number.ranged) and number.value <= self.largest[facility]

    def _places(self, labels: Labels, noun: int, numbers: list[Number]) -> Iterator[Place]:
        facility = labels.reading.at(noun).word.facility
        for first, last, number in labels.claimed_with(noun, numbers):
            children = is_for_children(labels.reading, first, last)
            normal = self.normal(facility, number.value, children=children)
            yield _place(labels, first, last, normal, TOLD)

    def _elliptic(self, labels: Labels, nouns: list[int]) -> Iterator[Place]:
        """Yield ordinals without a noun (в 9-й) where the sentence tells one type."""
        types: defaultdict[int, set[str]] = defaultdict(set)
        for noun in nouns:
            token = labels.reading.at(noun)
            types[token.sentence].add(token.word.facility)
        for number in labels.numbers:
            told = types.get(labels.reading.at(number.first).sentence, set())
            if len(told) == 1 and number.ordinal and labels.is_free(number):
                facility = next(iter(told))
                if _is_elliptic(labels, number, facility, self.largest[facility]):
                    labels.claim(number.first, number.last)
                    children = speaks_of_children(labels.reading)
                    normal = self.normal(facility, number.value, children=children)
                    yield _place(labels, number.first, number.last, normal, ELLIPTIC)

    def normal(self, facility: str, number: int, *, children: bool) -> str:
        """Return the normal form; that it is for children counts where others have the number."""
        shared = (facility, str(number)) in self.told_apart
        return f"{facility}:{number}{SUFFIX if children and shared else ''}"

    def of_bare(
        self, numbers: Iterable[BareNumber], types: Collection[str], nouns: Collection[str]
    ) -> list[Place]:
        """Return the facilities that numbers without a noun stand for, among some types.

        Parameters
        ----------
        nouns
            Types that the text speaks of: they decide where several types have a number.
        """
        told = {number: self._type_of(number, types, nouns) for number in numbers}
        return [
            Place(
                Kind.FACILITY,
                self.normal(type_, number.value, children=number.for_children),
                number.start,
                number.end,
                number.confidence,
            )
            for number, type_ in told.items()
            if type_
        ]

    def _type_of(
        self, number: BareNumber, types: Collection[str], nouns: Collection[str]
    ) -> str | None:
        """Return the type among some that a number without a noun tells, None if not just one."""
        having = [
            type_
            for type_ in types
            if (type_, str(number.value)) in self.registered
            and (number.masculine if type_ in MASCULINE else number.feminine)
        ]
        spoken_of = [type_ for type_ in having if type_ in nouns]
        for_children = [
            type_
            for type_ in having
            if number.for_children and (type_, str(number.value)) in self.told_apart
        ]
        fitting = spoken_of or for_children or having
        return fitting[0] if len(fitting) == 1 else None


def _place(labels: Labels, first: int, last: int, normal: str, confidence: float) -> Place:
    tokens = labels.reading.tokens
    return Place(Kind.FACILITY, normal, tokens[first].start, tokens[last].end, confidence)


def _is_other(labels: Labels, noun: int) -> bool:
    """Tell whether a noun is of a kind that the registry's numbers are not about."""
    return labels.reading.has(noun - 1, "facility_other") and is_plain(labels.reading.at(noun))


def _is_to_be_built(labels: Labels, number: Number) -> bool:
    """Tell a second school that somebody wants to be built from school 2."""
    few = number.spoken and number.ordinal and number.value <= _FEW
    return few and labels.reading.is_near(number.first, "building")


def _belongs_before(labels: Labels, number: Number) -> bool:
    """Tell whether a number with № is the name of a noun before it (школы №5 детский сад)."""
    return number.marked and bool(labels.reading.at(number.first - 1).word.facility)


def _belongs_after(labels: Labels, number: Number) -> bool:
    """Tell whether a number without № is the name of a noun after it (у школы 46 автобус)."""
    after = labels.reading.at(number.last + 1)
    return is_plain(after) and bool({"bus", "route"} & after.word.parts)


def _is_counted_after(labels: Labels, noun: int, number: Number) -> bool:
    """Tell whether a number after a noun counts something (в школе 5 туалетов) or is a time."""
    reading = labels.reading
    if (is_oclock(number) or number.is_measure) and not number.marked:
        return True
    if number.spoken and not number.ordinal and not number.marked:
        return not ends_clause(reading, number.last) or number.value <= 4
    inside = reading.has(noun - 1, "before_facility")
    return counts_many(reading, number) or (inside and counts_few(reading, number))


def _is_elliptic(labels: Labels, number: Number, facility: str, largest: int) -> bool:
    reading = labels.reading
    after = reading.at(number.last + 1)
    if (
        number.value > largest
        or number.is_measure
        or ("label" in after.word.parts and is_plain(after))
    ):
        return False
    if _is_kazakh(number):
        return number.ending != ""
    if not reading.has(number.first - 1, "before_facility"):
        return False
    ending = number.ending if not number.spoken else reading.at(number.last).text[-2:]
    allowed = _MASCULINE_ENDINGS if facility in MASCULINE else _FEMININE_ENDINGS
    return ending in allowed


def _is_kazakh(number: Number) -> bool:
    return number.ending.isascii() and not number.spoken
