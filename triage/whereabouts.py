"""Where an appeal is about: places found in it, joined with the fields of the intake form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from triage.appeal import Appeal
from triage.citydata import City
from triage.places import Gazetteer, Kind, Place


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Everything that is known of the place.

    Attributes
    ----------
    places
        Found in the text, with their spans there.
    by_field
        Found in the field ``address``, with their spans in that.
    district, bank
        By the field, else by name, else by the street; None where nothing tells.
    conflicts
        Whether the text names another district than the fields, which win.
    """

    places: tuple[Place, ...] = ()
    by_field: tuple[Place, ...] = ()
    district: str | None = None
    bank: str | None = None
    conflicts: bool = False

    def all_of(self, kind: Kind) -> tuple[str, ...]:
        """Return the normal forms of a kind, those of the field first, each once."""
        found = (place.normal for place in (*self.by_field, *self.places) if place.kind is kind)
        return tuple(dict.fromkeys(found))

    @property
    def confidence(self) -> float:
        """How sure the least sure of the places is; 1 where there are none."""
        return min((place.confidence for place in self.places), default=1.0)


NOWHERE = Whereabouts()


@dataclass(frozen=True)
class Locator:
    """Finds out where appeals of a city are about."""

    gazetteer: Gazetteer
    street_districts: Mapping[str, str]
    bank_of: Mapping[str, str]

    @classmethod
    def of(cls, city: City, bank_of: Mapping[str, str]) -> Locator:
        """Build it from a city's tables."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for street in city.streets:
            found[street.name.ru].add(street.district)
        # A street that runs through several districts does not tell which.
        sure = {name: min(districts) for name, districts in found.items() if len(districts) == 1}
        return cls(Gazetteer.of(city), sure, bank_of)

    def locate(self, appeal: Appeal) -> Whereabouts:
        """Join what the fields say with what the text says; fields win."""
        places = self.gazetteer.find(appeal.text)
        by_field = self.gazetteer.find(appeal.address) if appeal.address else ()
        told = self._district(places)
        given = appeal.district or self._district(by_field)
        district = given or told
        banks = [place.normal for place in (*by_field, *places) if place.kind is Kind.BANK]
        return Whereabouts(
            places=places,
            by_field=by_field,
            district=district,
            bank=self.bank_of.get(district or "") or next(iter(banks), None),
            conflicts=given is not None and told is not None and given != told,
        )

    def _district(self, places: Iterable[Place]) -> str | None:
        """Return the district that is named, else the one that a street lies in."""
        named = [place.normal for place in places if place.kind is Kind.DISTRICT]
        streets = [street for place in places for street in _streets(place)]
        known = [self.street_districts[name] for name in streets if name in self.street_districts]
        return next(iter([*named, *known]), None)


def _streets(place: Place) -> list[str]:
    """Return the names of the streets that a place lies on."""
    if place.kind is Kind.ADDRESS:
        return [place.normal.rpartition(", ")[0]]
    if place.kind is Kind.INTERSECTION:
        return place.normal.split(" × ")
    return [place.normal] if place.kind is Kind.STREET else []
