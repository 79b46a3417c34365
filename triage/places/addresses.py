"""Addresses, streets and intersections."""

from __future__ import annotations

from dataclasses import dataclass, field

from triage.place import Kind, Place
from triage.places.crossings import find_crossings, is_joined
from triage.places.evidence import NOTHING, evidence, may_be_street
from triage.places.houses import House, find_houses
from triage.places.labels import Labels
from triage.places.mentions import Mention, find_mentions
from triage.places.names import StreetNames
from triage.places.reading import Reading

WITH_HOUSE, CROSSING, DOUBTFUL = 0.97, 0.95, 0.5


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses, intersections and streets of a text.

    Attributes
    ----------
    doubtful
        Names of streets that mean something else as well, and nothing tells which.
    """

    places: list[Place] = field(default_factory=list)
    doubtful: list[Place] = field(default_factory=list)


def find_addresses(names: StreetNames, labels: Labels) -> Addresses:
    """Find the addresses, intersections and streets of a text."""
    found = Addresses()
    reading = labels.reading
    mentions = find_mentions(names, labels)
    houses = find_houses(labels, mentions)
    crossed = find_crossings(reading, mentions, houses)
    for first, second in crossed:
        found.places.append(_intersection(reading, mentions[first], mentions[second]))
    taken = {index for pair in crossed for index in pair}
    sure = NOTHING
    for index, mention in enumerate(mentions):
        if index in taken:
            continue
        house = houses.get(index)
        if house:
            found.places.append(_address(reading, mention, house))
            continue
        joined = index > 0 and is_joined(reading, mentions[index - 1], mention)
        sure = max(evidence(reading, mention), sure if joined else NOTHING)
        if sure:
            found.places.append(_street(reading, mention, sure))
        elif may_be_street(reading, mention):
            found.doubtful.append(_street(reading, mention, DOUBTFUL))
    return found


def _intersection(reading: Reading, one: Mention, other: Mention) -> Place:
    normal = " × ".join(sorted((one.normal, other.normal)))
    sure = CROSSING * one.doubt * other.doubt
    return _place(reading, Kind.INTERSECTION, normal, one.begin, other.end, sure)


def _address(reading: Reading, mention: Mention, house: House) -> Place:
    first, last = min(mention.begin, house.first), max(mention.end, house.last)
    normal = f"{mention.normal}, {house.normal}"
    return _place(reading, Kind.ADDRESS, normal, first, last, WITH_HOUSE * mention.doubt)


def _street(reading: Reading, mention: Mention, sure: float) -> Place:
    return _place(
        reading, Kind.STREET, mention.normal, mention.begin, mention.end, sure * mention.doubt
    )


def _place(
    reading: Reading, kind: Kind, normal: str, first: int, last: int, confidence: float
) -> Place:
    tokens = reading.tokens
    return Place(kind, normal, tokens[first].start, tokens[last].end, round(confidence, 2))
