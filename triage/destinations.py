"""Which enterprise a place leads to, by the enterprise registry."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.places import Kind
from triage.places.children import SUFFIX, names_children, told_apart
from triage.rules import Need, Rule, RuleBook
from triage.whereabouts import Whereabouts

_ROUTES = re.compile(r"(\d+)\s*[-–]\s*(\d+)")
_HOUSE = re.compile(r"(.+?),?\s+(\d\S*)")
_DIGITS = re.compile(r"\d+")

Index = dict[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Fired:
    """The rule that fired for a topic.

    Attributes
    ----------
    enterprises
        Whom it names: several where the place fits several, nobody where the rule failed.
    error
        The type of the exception that the rule ended in; None where it did not.
    """

    rule: Rule
    enterprises: tuple[str, ...]
    error: str | None = None


@dataclass(frozen=True)
class Destinations:
    """Active enterprises by type and by what of a place names them.

    Attributes
    ----------
    by_number, by_district, by_address
        Ids by type and number, district code or address.
    routes
        Type, first and last route, id of enterprises that serve a range of bus routes.
    """

    by_number: Index
    by_district: Index
    by_address: Index
    routes: tuple[tuple[str, int, int, str], ...]

    @classmethod
    def of(cls, registry: EnterpriseRegistry) -> Destinations:
        """Index an enterprise registry."""
        active = [one for one in registry.enterprises.values() if one.active]
        return cls(
            by_number=_index(_numbered(active, registry)),
            by_district=_index((one, one.district) for one in active),
            by_address=_index((one, address) for one in active for address in _addresses(one)),
            routes=tuple(route for one in active for route in _routes(one)),
        )

    def fire(
        self, topic: str, text: str, where: Whereabouts, book: RuleBook, day: date
    ) -> Fired | None:
        """Return the first rule that fires for a topic, None where none does.

        A rule that fails ends the search: those after it were written for when it does not fire.
        """
        for rule in book.by_topic.get(topic, ()):
            try:
                enterprises = self._fire(rule, text, where, day)
            except Exception as error:  # told in the decision, whatever it is
                return Fired(rule, (), type(error).__qualname__)
            if enterprises:
                return Fired(rule, enterprises)
        return None

    def _fire(self, rule: Rule, text: str, where: Whereabouts, day: date) -> tuple[str, ...]:
        """Return whom a rule names, nobody where it does not fire."""
        fires = rule.holds_on(day) and rule.fits_words(text)
        return self._named(rule, where) if fires else ()

    def _named(self, rule: Rule, where: Whereabouts) -> tuple[str, ...]:
        if rule.enterprise is not None:
            return (rule.enterprise,)
        match rule.need:
            case Need.BANK:
                return tuple(_one(rule.banks.get(where.bank or "")))
            case Need.NUMBER:
                keys = [normal.split(":", 1) for normal in where.all_of(Kind.FACILITY)]
                fitting = [(kind, number) for kind, number in keys if kind in rule.types]
                return _first(self.by_number.get(key) for key in fitting)
            case Need.ADDRESS:
                addresses = where.all_of(Kind.ADDRESS)
                return _first(
                    self.by_address.get((kind, one)) for one in addresses for kind in rule.types
                )
            case Need.DISTRICT:
                # Where a district has several of a type, it does not tell which.
                return _first(
                    ids
                    for kind in rule.types
                    if len(ids := self.by_district.get((kind, where.district or ""), ())) == 1
                )
            case Need.ROUTE:
                return _first(self._of_route(rule, route) for route in where.all_of(Kind.ROUTE))
        return ()

    def _of_route(self, rule: Rule, route: str) -> tuple[str, ...]:
        digits = _DIGITS.match(route)
        number = int(digits[0]) if digits else 0
        return tuple(
            code
            for kind, first, last, code in self.routes
            if kind in rule.types and first <= number <= last
        )


def _index(pairs: Iterable[tuple[Enterprise, str | None]]) -> Index:
    index: dict[tuple[str, str], list[str]] = defaultdict(list)
    for enterprise, key in pairs:
        if key:
            index[enterprise.type, key].append(enterprise.id)
    return {key: tuple(ids) for key, ids in index.items()}


def _numbered(
    active: Iterable[Enterprise], registry: EnterpriseRegistry
) -> Iterator[tuple[Enterprise, str | None]]:
    """Yield enterprises with their numbers as `triage.places` writes them."""
    apart = told_apart(registry)
    for one in active:
        suffix = SUFFIX if (one.type, one.number) in apart and names_children(one) else ""
        yield one, one.number and one.number + suffix


def _addresses(enterprise: Enterprise) -> Iterator[str]:
    """Yield the addresses among an enterprise's aliases, as `triage.places` writes them."""
    for alias in enterprise.aliases:
        match = _HOUSE.fullmatch(alias)
        if match:
            yield f"{match[1]}, {match[2].upper()}"


def _routes(enterprise: Enterprise) -> Iterator[tuple[str, int, int, str]]:
    """Yield the ranges of bus routes among an enterprise's aliases."""
    for alias in enterprise.aliases:
        for first, last in _ROUTES.findall(alias):
            yield enterprise.type, int(first), int(last), enterprise.id


def _one(code: str | None) -> list[str]:
    return [] if code is None else [code]


def _first(found: Iterable[tuple[str, ...] | None]) -> tuple[str, ...]:
    """Return the first that is not empty."""
    return next((ids for ids in found if ids), ())
