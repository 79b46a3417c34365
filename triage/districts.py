"""Districts and streets of a city, and how a form's district field is understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from triage.appeal import Bilingual, Coordinates
from triage.boundaries import Boundary

_WORD = re.compile(r"\d+|[^\W\d_]+")
# How people type Kazakh on a Russian keyboard; ё for е is the same habit in Russian.
_LOST_LETTERS = str.maketrans("қғңүұөәіһё", "кгнууоаихе")
# "р-н" falls into two words.
_DISTRICT_WORDS = frozenset({"район", "района", "р", "н", "аудан", "ауданы"})


def folded_words(text: str) -> tuple[str, ...]:
    """Split a text into words and numbers, in lower case and without Kazakh letters.

    >>> folded_words("№12 Қалалық емхана")
    ('12', 'калалык', 'емхана')
    """
    folded = unicodedata.normalize("NFC", text).casefold().translate(_LOST_LETTERS)
    return tuple(_WORD.findall(folded))


def district_key(text: str) -> tuple[str, ...]:
    """Return what is left of a district's name without case, quotes and the word "district"."""
    return tuple(word for word in folded_words(text) if word not in _DISTRICT_WORDS)


@dataclass(frozen=True, slots=True)
class District:
    """A district of the city; `boundary` is None where the city does not give it."""

    code: str
    name: Bilingual
    boundary: Boundary | None = None


@dataclass(frozen=True, slots=True)
class Street:
    """A street and the code of the district that it lies in.

    Attributes
    ----------
    aliases
        Former, spoken and abbreviated names.
    """

    name: Bilingual
    district: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Districts:
    """The districts by code."""

    by_code: Mapping[str, District]

    @classmethod
    def of(cls, districts: Iterable[District]) -> Districts:
        """Build the lookup from its districts."""
        return cls({district.code: district for district in districts})

    def get(self, code: str) -> District | None:
        """Return the district with this very code, None where there is none."""
        return self.by_code.get(code)

    def resolve(self, text: str) -> str | None:
        """Return the code of the district that a structured field names.

        Takes the code or the Russian or Kazakh name, in any case, with or without the word
        "район" or "ауданы". Free text is not searched.
        """
        return self._codes.get(district_key(text))

    @property
    def have_boundaries(self) -> bool:
        """Whether the boundary of any district is known."""
        return any(district.boundary for district in self.by_code.values())

    def around(self, point: Coordinates) -> str | None:
        """Return the code of the district that a point lies in, None where it is in none."""
        found = (
            code
            for code, district in sorted(self.by_code.items())
            if district.boundary and district.boundary.contains(point.latitude, point.longitude)
        )
        return next(found, None)

    @cached_property
    def _codes(self) -> dict[tuple[str, ...], str]:
        names = {
            district_key(name): district.code
            for district in self.by_code.values()
            for name in (district.name.ru, district.name.kk)
        }
        # A code wins over another district's name.
        codes = names | {district_key(code): code for code in self.by_code}
        codes.pop((), None)
        return codes
