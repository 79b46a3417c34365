"""Where an appeal is about: places found in it, joined with the fields of the intake form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from triage.appeal import Appeal
from triage.citydata import City
from triage.districts import Districts
from triage.places import Findings, Gazetteer, Kind, Place
from triage.places.gazetteer import NOTHING_FOUND, without_overlaps
from triage.rules import Need


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
        By the fields, else by name, else by the street; None where nothing tells. Of the fields
        the district's own comes first, then the coordinates, then the address.
    conflicts
        Whether the text or the coordinates tell another district than the field that wins.
    is_outside
        Whether there are coordinates, and in none of the districts whose boundary is known.
    findings
        What the text tells of places, doubtful ones included.
    """

    places: tuple[Place, ...] = ()
    by_field: tuple[Place, ...] = ()
    district: str | None = None
    bank: str | None = None
    conflicts: bool = False
    is_outside: bool = False
    findings: Findings = NOTHING_FOUND

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
    districts: Districts
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
        return cls(Gazetteer.of(city), city.districts, sure, bank_of)

    def locate(self, appeal: Appeal) -> Whereabouts:
        """Join what the fields say with what the text says; fields win."""
        findings = self.gazetteer.read(appeal.text)
        places = findings.places
        by_field = self.gazetteer.find(appeal.address) if appeal.address else ()
        told = self._district(places)
        pointed_at = self.districts.around(appeal.coordinates) if appeal.coordinates else None
        given = appeal.district or pointed_at or self._district(by_field)
        district = given or told
        known = {code for code in (given, pointed_at, told) if code}
        banks = [place.normal for place in (*by_field, *places) if place.kind is Kind.BANK]
        return Whereabouts(
            places=places,
            by_field=by_field,
            district=district,
            bank=self.bank_of.get(district or "") or next(iter(banks), None),
            conflicts=given is not None and len(known) > 1,
            is_outside=appeal.coordinates is not None
            and pointed_at is None
            and self.districts.have_boundaries,
            findings=findings,
        )

    def locate_needed(
        self, where: Whereabouts, needs: Collection[Need], types: Collection[str]
    ) -> Whereabouts:
        """Take what is doubtful in a text for what an appeal of its kind needs, if it lacks that.

        `В 9-й не дозвониться` says nothing alone; in an appeal on health it tells polyclinic 9.

        Parameters
        ----------
        types
            Types of which a number is needed.
        """
        found: list[Place] = []
        told = {normal.partition(":")[0] for normal in where.all_of(Kind.FACILITY)}
        if Need.NUMBER in needs and told.isdisjoint(types):
            found += self.gazetteer.facilities_of(where.findings, types)
        if Need.ROUTE in needs and not where.all_of(Kind.ROUTE):
            found += self.gazetteer.routes_of(where.findings)
        if {Need.DISTRICT, Need.BANK} & set(needs) and not (where.district or where.bank):
            found += where.findings.streets
        if not found:
            return where
        district = where.district or self._district(found)
        return replace(
            where,
            places=without_overlaps(found, where.places),
            district=district,
            bank=where.bank or self.bank_of.get(district or ""),
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
