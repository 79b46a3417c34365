"""The enterprise registry: who can be made responsible, and how a person finds them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest

from triage.appeal import Bilingual
from triage.districts import folded_words
from triage.taxonomy import content_version

ENTERPRISE_TYPES = (
    "ambulance",
    "bus_park",
    "city_department",
    "district_akimat",
    "hospital",
    "housing_association",
    "kindergarten",
    "other",
    "police",
    "polyclinic",
    "road_maintenance",
    "school",
    "transport_operator",
    "utility",
)
"""The types that routing can tell apart; whatever a city has besides is `other`."""

_EXACT, _PREFIX = 2, 1


@dataclass(frozen=True, slots=True)
class Enterprise:
    """A body that appeals are sent to.

    Attributes
    ----------
    type
        One of `ENTERPRISE_TYPES`.
    district
        Code of the district that it serves, None where it serves the city.
    number
        The number people call it by (a school's, a clinic's), None where it has none.
    active
        False for one that was closed: decisions still name it, new ones don't.
    """

    id: str
    type: str
    name: Bilingual
    district: str | None = None
    number: str | None = None
    aliases: tuple[str, ...] = ()
    active: bool = True


@dataclass(frozen=True)
class EnterpriseRegistry:
    """The enterprises by id, closed ones included."""

    enterprises: Mapping[str, Enterprise]

    @classmethod
    def of(cls, enterprises: Iterable[Enterprise]) -> EnterpriseRegistry:
        """Build the registry from its enterprises."""
        return cls({enterprise.id: enterprise for enterprise in enterprises})

    @cached_property
    def version(self) -> str:
        """The content's version; the order of rows does not change it."""
        return content_version(self.enterprises.values())

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """All that each enterprise is called, by id."""
        return {
            one.id: (one.name.ru, one.name.kk, *one.aliases) for one in self.enterprises.values()
        }

    def get(self, enterprise_id: str) -> Enterprise | None:
        """Return the enterprise with this very id, None where there is none."""
        return self.enterprises.get(enterprise_id)

    def search(self, query: str, *, limit: int = 10) -> list[Enterprise]:
        """Find active enterprises by id, Russian or Kazakh name, alias or number, best first.

        Every word of the query must begin a word of the enterprise, in any order; case and
        lost Kazakh letters don't matter. Whole words come before beginnings, and fields that
        the query fills come before longer ones.
        """
        return [self.enterprises[found] for found in self._index.search(query, limit)]

    @cached_property
    def _index(self) -> _SearchIndex:
        active = (enterprise for enterprise in self.enterprises.values() if enterprise.active)
        return _SearchIndex(active)


class _SearchIndex:
    """Which words stand in which searchable field of which enterprise."""

    def __init__(self, enterprises: Iterable[Enterprise]) -> None:
        self._fields: list[tuple[str, int]] = []  # enterprise id, count of words
        postings: defaultdict[str, list[int]] = defaultdict(list)
        for enterprise in enterprises:
            for text in _searchable(enterprise):
                words = _search_words(text)
                for word in words:
                    postings[word].append(len(self._fields))
                self._fields.append((enterprise.id, len(words)))
        self._words = sorted(postings)
        self._postings = dict(postings)

    def search(self, query: str, limit: int) -> list[str]:
        words = _search_words(query)
        if not words:
            return []
        hits = [self._matches(word) for word in words]
        found = set.intersection(*({self._fields[field][0] for field in hit} for hit in hits))
        quality: Counter[int] = Counter()
        for hit in hits:
            quality.update(hit)
        return nsmallest(limit, found, key=self._ranks(quality).__getitem__)

    def _matches(self, word: str) -> dict[int, int]:
        """Return the fields that hold the word or its continuation, with how well they do."""
        matches: dict[int, int] = {}
        # The word itself sorts before its continuations, so `setdefault` keeps the exact match.
        for known in self._beginning_with(word):
            for field in self._postings[known]:
                matches.setdefault(field, _EXACT if known == word else _PREFIX)
        return matches

    def _beginning_with(self, word: str) -> Iterator[str]:
        for position in range(bisect_left(self._words, word), len(self._words)):
            if not self._words[position].startswith(word):
                return
            yield self._words[position]

    def _ranks(self, quality: Counter[int]) -> dict[str, tuple[int, int, str]]:
        """Return for each enterprise the sort key of its best field; the least is the best."""
        ranks: dict[str, tuple[int, int, str]] = {}
        for field, total in quality.items():
            enterprise, words = self._fields[field]
            rank = (-total, words, enterprise)
            ranks[enterprise] = min(rank, ranks.get(enterprise, rank))
        return ranks


def _searchable(enterprise: Enterprise) -> tuple[str, ...]:
    name = enterprise.name
    return (enterprise.id, name.ru, name.kk, enterprise.number or "", *enterprise.aliases)


def _search_words(text: str) -> tuple[str, ...]:
    """Split into folded words, each once; 001 and 1 are the same number."""
    words = (word.lstrip("0") or "0" for word in folded_words(text))
    return tuple(dict.fromkeys(words))
