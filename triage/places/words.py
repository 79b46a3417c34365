"""What one word of a text may be: a part of an address, a number, a word of a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from models.text import WORD_CACHE_SIZE
from triage.districts import Districts
from triage.places.keys import is_name_ending, is_ski, key, stem
from triage.places.lexicon import NUMERALS, WORDS, Found, Stems, entries
from triage.places.names import NameWord, StreetNames
from triage.places.typos import MIN_TYPO_CHARS, TypoIndex, misspelt_rests

MAX_WORD_CHARS = 40
"""Longer words are typing accidents."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A word for a number; a `head` is one only before a smaller one."""

    value: int
    part: str


@dataclass(frozen=True, slots=True)
class Word:
    """What one word may be.

    Attributes
    ----------
    parts
        Its parts, as in the file of words.
    street_kind, facility
        What stands after the colon of such a part.
    names
        Where it stands in which names of streets, and its endings there.
    misspelt
        The same for a word that is nothing else, with one typo.
    district
        The code of the district whose name it is, or an adjective of.
    """

    parts: frozenset[str] = frozenset()
    street_kind: str = ""
    facility: str = ""
    numeral: Numeral | None = None
    numeral_ending: str = ""
    names: tuple[Found[NameWord], ...] = ()
    misspelt: tuple[Found[NameWord], ...] = ()
    district: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it is anything as it is spelt."""
        return bool(self.parts or self.numeral or self.names or self.district)


UNKNOWN = Word()


class Words:
    """Reads words, and remembers those it has read."""

    def __init__(self, names: StreetNames, districts: Districts) -> None:
        self.read: Callable[[str], Word] = lru_cache(maxsize=WORD_CACHE_SIZE)(self._read)
        self._parts = _parts()
        self._typos = _typos()
        self._numerals = _numerals()
        self._names = names.stems
        self._misspelt_names = names.typos
        self._district_stems = _district_stems(districts)
        self._districts = _districts(self._district_stems)
        self.compounds = frozenset(
            word for _, listed in entries(WORDS) for word in listed if {"-", "/"} & set(word)
        )

    def misspelt_district(self, text: str) -> str:
        """Return the code of the district whose name has a typo here, empty if none."""
        if len(text) < MIN_TYPO_CHARS:
            return ""
        word_key = key(text)
        near = (
            code
            for beginning, code in self._district_stems.items()
            if any(_is_district_ending(rest) for rest in misspelt_rests(beginning, word_key))
        )
        return next(near, "")

    def _read(self, text: str) -> Word:
        if len(text) > MAX_WORD_CHARS:
            return UNKNOWN
        word_key = key(text)
        parts = self._parts.find(word_key)
        if not parts and len(text) >= MIN_TYPO_CHARS - 1:
            parts = list(self._typos.find(word_key))
        numerals = self._numerals.find(word_key)
        districts = self._districts.find(word_key)
        word = Word(
            parts=frozenset(found.payload.partition(":")[0] for found in parts),
            street_kind=_after_colon(parts, "kind"),
            facility=_after_colon(parts, "facility"),
            numeral=numerals[0].payload if numerals else None,
            numeral_ending=numerals[0].ending if numerals else "",
            names=tuple(self._names.find(word_key)),
            district=districts[0].payload if districts else "",
        )
        return word if word.is_known else self._misspelt(text, word_key)

    def _misspelt(self, text: str, word_key: str) -> Word:
        if len(text) < MIN_TYPO_CHARS:
            return UNKNOWN
        names = tuple(self._misspelt_names.find(word_key))
        return Word(misspelt=names) if names else UNKNOWN


def _after_colon(parts: Iterable[Found[str]], part: str) -> str:
    named = (found.payload.partition(":") for found in parts)
    return next((value for name, _, value in named if name == part), "")


def _parts() -> Stems[str]:
    parts: Stems[str] = Stems()
    for (part,), listed in entries(WORDS):
        for word in listed:
            parts.add_pattern(word, part)
    return parts


def _typos() -> TypoIndex[str]:
    """Return the nouns that numbers stand beside, which are worth a guess."""
    typos: TypoIndex[str] = TypoIndex()
    for (part,), listed in entries(WORDS):
        numbered = part in {"bus", "route"} or part.startswith("facility:")
        for word in listed if numbered else ():
            if len(word) > MIN_TYPO_CHARS and word.endswith("+"):
                typos.add(key(word[:-1]), part)
    return typos


def _numerals() -> Stems[Numeral]:
    numerals: Stems[Numeral] = Stems()
    for (value, part), listed in entries(NUMERALS):
        for word in listed:
            numerals.add_pattern(word, Numeral(int(value), part))
    return numerals


def _district_stems(districts: Districts) -> dict[str, str]:
    return {
        stem(name.lower()): district.code
        for district in districts.by_code.values()
        for name in (district.name.ru, district.name.kk)
        if len(name.split()) == 1
    }


def _districts(stems: Mapping[str, str]) -> Stems[str]:
    districts: Stems[str] = Stems()
    for beginning, code in stems.items():
        districts.add(beginning, _is_district_ending, code)
    return districts


def _is_district_ending(rest: str) -> bool:
    return is_name_ending(rest) or is_ski(rest)
