"""The words that a text is found by: Russian lemmas and Kazakh stems, in one Latin spelling.

A word of the Russian dictionary is found by its lemma. Of any other word all stems are kept that
a chain of endings may follow, for where a Kazakh word's endings begin is not always certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from models.text import WORD_CACHE_SIZE, is_russian, lemma, romanise, words
from triage.places.keys import is_ending

MAX_WORDS = 16
"""Words of a query that count; the others are left out."""

MIN_PREFIX = 4
"""Letters from which on the last word of a query is found by its beginning as well: shorter ones
are words (қар, газ), and would find others (карта, газон)."""

MIN_STEM = 3

SHORT_STEMS = frozenset(["ai", "at", "et", "it", "iz", "oi", "ot", "su", "ui"])
"""Kazakh nouns of two letters that appeals are about (су, үй, ит); others would stem too much."""

_DEVOICED = str.maketrans("bg", "pk")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query: a text has it if it has any of the stems, or one with the prefix."""

    stems: tuple[str, ...]
    prefix: str | None = None


def stems(text: str, language: str) -> tuple[str, ...]:
    """Return the stems of a text, each once: letters and digits only.

    Parameters
    ----------
    language
        Of the text. In Kazakh, a word that Russian knows as well (кар, суды) is both.
    """
    found = dict.fromkeys(words(text))
    return tuple(
        dict.fromkeys(stem for word in found for stem in _stems_of(word, language == "kk"))
    )


def parse_query(query: str) -> tuple[Term, ...]:
    """Return the words of a query, all of which a text must have; none for one without words."""
    found = list(islice(dict.fromkeys(words(query)), MAX_WORDS))
    last = len(found) - 1
    return tuple(_term(word, is_last=place == last) for place, word in enumerate(found))


def _term(word: str, *, is_last: bool) -> Term:
    key = romanise(word)
    is_beginning = is_last and len(key) >= MIN_PREFIX
    return Term(
        # As it stands too: in a Kazakh text that is what `кар` means.
        stems=tuple(dict.fromkeys((key, *_stems_of(word, False)))),
        prefix=key if is_beginning else None,
    )


@lru_cache(WORD_CACHE_SIZE)
def _stems_of(word: str, is_kazakh: bool) -> tuple[str, ...]:
    known = (romanise(lemma(word)),) if is_russian(word) else ()
    if known and not is_kazakh:
        return known
    key = romanise(word)
    return tuple(dict.fromkeys((*known, key, *_without_endings(key))))


def _without_endings(key: str) -> list[str]:
    ends = range(2, len(key))
    found = [key[:end] for end in ends if _can_be_stem(key[:end]) and is_ending(key[end:])]
    # мектеп, but мектебі
    return found + [stem[:-1] + stem[-1].translate(_DEVOICED) for stem in found]


def _can_be_stem(stem: str) -> bool:
    return len(stem) >= MIN_STEM or stem in SHORT_STEMS
