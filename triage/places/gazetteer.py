"""Finds the places of a city in texts."""

from __future__ import annotations

from dataclasses import dataclass

from triage.citydata import City
from triage.place import Place
from triage.places.addresses import find_addresses
from triage.places.districts import find_banks, find_districts
from triage.places.facilities import Facilities
from triage.places.labels import Labels
from triage.places.names import StreetNames
from triage.places.numbers import read_numbers
from triage.places.reading import Reading
from triage.places.routes import Routes
from triage.places.words import Words


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
        """Return the places of a text in order of start, not overlapping.

        Facilities, routes and districts come before streets, as a word beside the number or
        name tells them; a number or name belongs to one place.
        """
        reading = Reading.of(text, self.words)
        labels = Labels(reading, read_numbers(reading))
        places = [
            *self.facilities.find(labels),
            *self.routes.find(labels),
            *find_districts(self.words, labels),
            *find_banks(labels),
            *find_addresses(self.names, labels),
            *self.routes.find_without_noun(labels),
        ]
        return _without_overlaps(places)


def _without_overlaps(places: list[Place]) -> tuple[Place, ...]:
    """Return places by start; of two that overlap, the surer one stays."""
    kept: list[Place] = []
    for place in sorted(places, key=lambda place: place.start):
        if not kept or kept[-1].end <= place.start:
            kept.append(place)
        elif place.confidence > kept[-1].confidence:
            kept[-1] = place
    return tuple(kept)
