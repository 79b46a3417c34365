"""The names of streets, with all that is known of them before a text is read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from models.text import fold, words
from triage.districts import Districts, Street
from triage.places.keys import is_name_ending, key, stem
from triage.places.lexicon import NAMES, WORDS, Stems, entries
from triage.places.typos import MIN_TYPO_CHARS, TypoIndex

MIN_PART_CHARS = 5
"""A word of a longer name stands for the whole of it from this length on."""

_SURNAME = re.compile(".{2,}(?:ов|ев|ин|ын)а?|.{2,}(?:улы|кызы|ский|ского|ич|ича)")
_KIND_SIZE = 2


class Caution(StrEnum):
    """What else a name may mean, and so how much must tell that the street is meant."""

    NONE = "none"
    PERSON = "person"
    WORD = "word"
    DISTRICT = "district"
    CITY = "city"
    PART = "part"


@dataclass(frozen=True)
class StreetName:
    """A name as people write it, and the streets that have it, by kind.

    Attributes
    ----------
    size
        How many words it has.
    streets
        The Russian names of streets.csv by kind of street.
    frozen
        Whether its Russian form is a genitive (Республики), which is never declined: in
        another case it is the ordinary word.
    """

    size: int
    caution: Caution
    frozen: bool
    streets: dict[str, str]

    def normal(self, kind: str) -> str:
        """Return the street of this kind, of any if none is."""
        return self.streets.get(kind) or next(iter(self.streets.values()))


@dataclass(frozen=True, slots=True)
class NameWord:
    """A word of a name: where it stands, and its ending in the name itself."""

    name: int
    position: int
    ending: str


class StreetNames:
    """All names, and their words by stem."""

    def __init__(self, streets: Iterable[Street], districts: Districts) -> None:
        self.names: list[StreetName] = []
        self.stems: Stems[NameWord] = Stems()
        self.typos: TypoIndex[NameWord] = TypoIndex()
        spelled = _spelled(streets)
        cautions = _Cautions(districts)
        for spelling, owners in (spelled | _parts(spelled, cautions)).items():
            whole = spelling in spelled
            self._add(spelling, owners, cautions.of(spelling) if whole else Caution.PART)

    def _add(self, spelling: tuple[str, ...], owners: dict[str, _Owner], caution: Caution) -> None:
        number = len(self.names)
        frozen = all(owner.frozen for owner in owners.values())
        streets = {kind: owner.street for kind, owner in owners.items()}
        self.names.append(StreetName(len(spelling), caution, frozen, streets))
        for position, word in enumerate(spelling):
            beginning = stem(word)
            ending = key(word)[len(beginning) :]
            self.stems.add(beginning, is_name_ending, NameWord(number, position, ending))
            if len(word) >= MIN_TYPO_CHARS:
                self.typos.add(beginning, NameWord(number, position, ending))


@dataclass(frozen=True, slots=True)
class _Owner:
    street: str
    frozen: bool


_Spelled = dict[tuple[str, ...], dict[str, _Owner]]


def _spelled(streets: Iterable[Street]) -> _Spelled:
    """Return the owners of each spelling of a name, by kind of street."""
    spelled: _Spelled = defaultdict(dict)
    for street in streets:
        kind, russian = _without_kind(street.name.ru)
        _, kazakh = _without_kind(street.name.kk)
        others = [_without_kind(alias)[1] for alias in street.aliases]
        frozen = [key(word) for word in russian] != [key(word) for word in kazakh]
        for spelling in {russian, kazakh, *others} - {()}:
            spelled[spelling].setdefault(kind, _Owner(street.name.ru, frozen))
    for spelling, owners in list(spelled.items()):
        if len(spelling) > 1:
            spelled.setdefault(("".join(spelling),), owners)
    return dict(spelled)


def _parts(spelled: _Spelled, cautions: _Cautions) -> _Spelled:
    """Return the words that occur in one street's name only, and stand for the whole of it."""
    owners: defaultdict[str, dict[str, _Owner]] = defaultdict(dict)
    streets: defaultdict[str, set[str]] = defaultdict(set)
    for spelling, of_spelling in spelled.items():
        for word in spelling:
            streets[stem(word)].update(owner.street for owner in of_spelling.values())
            if len(spelling) > 1 and len(word) >= MIN_PART_CHARS and not cautions.is_generic(word):
                owners[word] = of_spelling
    return {
        (word,): of_word
        for word, of_word in owners.items()
        if len(streets[stem(word)]) == 1 and (word,) not in spelled
    }


def _kinds() -> Stems[str]:
    kinds: Stems[str] = Stems()
    for (part,), listed in entries(WORDS):
        for word in listed if part.startswith("kind:") else ():
            kinds.add_pattern(word, part.partition(":")[2])
    return kinds


_KINDS = _kinds()


def _without_kind(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the kind of a street, empty where it tells none, and the words of its name.

    >>> _without_kind("Тұран даңғылы")
    ('проспект', ('тұран',))
    """
    listed = words(name)
    for place in (0, len(listed) - 1):
        kind = _kind(listed[place]) if len(listed) >= _KIND_SIZE else ""
        if kind:
            return kind, tuple(listed[:place] + listed[place + 1 :])
    return "", tuple(listed)


def _kind(word: str) -> str:
    kinds = _KINDS.find(key(word))
    return kinds[0].payload if kinds else ""


class _Cautions:
    """Which names mean something else as well."""

    def __init__(self, districts: Districts) -> None:
        self._listed = {
            tuple(stem(part) for part in word.split("_")): caution
            for (caution,), listed in entries(NAMES)
            for word in listed
        }
        self._districts = {
            tuple(stem(word) for word in words(name))
            for district in districts.by_code.values()
            for name in (district.name.ru, district.name.kk)
        }

    def of(self, spelling: tuple[str, ...]) -> Caution:
        stems = tuple(stem(word) for word in spelling)
        listed = self._listed.get(stems)
        if listed in set(Caution):
            return Caution(listed)
        if stems in self._districts:
            return Caution.DISTRICT
        if len(spelling) == 1 and _SURNAME.fullmatch(fold(spelling[0])):
            return Caution.PERSON
        return Caution.NONE

    def is_generic(self, word: str) -> bool:
        return (stem(word),) in self._listed
