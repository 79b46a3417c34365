"""Finds the places of a city in texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from triage.citydata import City
from triage.place import Place
from triage.places.addresses import find_addresses
from triage.places.bare import BareNumber, find_bare
from triage.places.districts import find_banks, find_districts
from triage.places.facilities import Facilities
from triage.places.labels import Labels
from triage.places.names import StreetNames
from triage.places.numbers import read_numbers
from triage.places.reading import Reading
from triage.places.routes import Routes
from triage.places.words import Words


@dataclass(frozen=True, slots=True)
class Findings:
    """What a text tells of places.

    Attributes
    ----------
    numbers, streets
        What nothing in the text makes a place; what the appeal is about may.
    nouns
        Types of the facilities that are spoken of, with a number or without.
    """

    places: tuple[Place, ...] = ()
    numbers: tuple[BareNumber, ...] = ()
    streets: tuple[Place, ...] = ()
    nouns: frozenset[str] = frozenset()


NOTHING_FOUND = Findings()


@dataclass(frozen=True)
class Gazetteer:
    """What a city's places are called."""

    names: StreetNames
    words: Words
    facilities: Facilities
    routes: Routes

    @classmethod
    def of(cls, city: City) -> Gazetteer:
        """Build it from a city's streets, districts and enterprise registry."""
        names = StreetNames(city.streets, city.districts)
        return cls(
            names=names,
            words=Words(names, city.districts),
            facilities=Facilities.of(city.enterprises),
            routes=Routes.of(city.enterprises),
        )

    def find(self, text: str) -> tuple[Place, ...]:
        """Return the places of a text in order of start, not overlapping."""
        return self.read(text).places

    def read(self, text: str) -> Findings:
        """Find the places of a text, and what may be one.

        Facilities, routes and districts come before streets, as a word beside the number or
        name tells them; a number or name belongs to one place.
        """
        reading = Reading.of(text, self.words)
        labels = Labels(reading, read_numbers(reading))
        numbered = [*self.facilities.find(labels), *self.routes.find(labels)]
        districts = [*find_districts(self.words, labels), *find_banks(labels)]
        addresses = find_addresses(self.names, labels)
        bare = tuple(find_bare(labels))
        riding = self.routes.find_without_noun(labels)
        return Findings(
            places=without_overlaps([*numbered, *districts, *addresses.places, *riding]),
            numbers=bare,
            streets=tuple(addresses.doubtful),
            nouns=frozenset(token.word.facility for token in reading.tokens) - {""},
        )

    def facilities_of(self, findings: Findings, types: Collection[str]) -> list[Place]:
        """Return the facilities of some types that bare numbers tell, the surest only."""
        return _surest(self.facilities.of_bare(findings.numbers, types, findings.nouns))

    def routes_of(self, findings: Findings) -> list[Place]:
        """Return the routes that bare numbers tell, the surest only."""
        return _surest(self.routes.of_bare(findings.numbers))


def _surest(places: list[Place]) -> list[Place]:
    best = max((place.confidence for place in places), default=0.0)
    return [place for place in places if place.confidence == best]


def without_overlaps(places: Iterable[Place], others: Iterable[Place] = ()) -> tuple[Place, ...]:
    """Return places by start; of two that overlap, the surer one stays.

    Parameters
    ----------
    others
        More places: of these only what overlaps none of the first stays.
    """
    kept: list[Place] = []
    for place in sorted(places, key=lambda place: place.start):
        if not kept or kept[-1].end <= place.start:
            kept.append(place)
        elif place.confidence > kept[-1].confidence:
            kept[-1] = place
    apart = (
        other
        for other in others
        if all(other.end <= place.start or place.end <= other.start for place in kept)
    )
    return tuple(sorted([*kept, *apart], key=lambda place: place.start))
