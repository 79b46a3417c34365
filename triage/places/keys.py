"""Keys on which the spellings of a word meet, and the endings that words take."""

from __future__ import annotations

import re
from functools import lru_cache

from models.text import WORD_CACHE_SIZE, romanise, words

# Doubled letters are doubled or not at random, дж is Kazakh ж; ye and ij spell е and ий, ng is ң.
_SPELLING = re.compile(r"(.)\1+|dj|ie|ij$|ng$")
_SPELLED = {"dj": "j", "ie": "e", "ij": "i", "ng": "n"}
_VOWELS = "aeio"

_RUSSIAN_ENDINGS = (
    "а я у ю ы и е о ой ей ом ем ам ям ами ями ах ях ов ев ею ою ый ий ого его ому ему ым им"
    " ых их ыми ими ая яя ую юю ое ее ые ие ия ию ии ием иям иях ь ью"
)
_ADJECTIVE_ENDINGS = (
    "ый ий ой ого его ому ему ым им ом ем ая яя ой ей ую юю ое ее ые ие ых их ыми ими"
)
# Kazakh endings in their order: number, possession, case, the adjective of place, person.
_KAZAKH = re.compile(
    "(?:[ldt][ae]r)?"
    "(?:i|si|im|in|m|imiz|iniz|miz|niz|lari|leri)?"
    "(?:n?[ndt]in|[gk][ae]|n[ae]|[ae]|[ndt]i|n|n?[dt][ae]n?|nan|nen|[mbp]en)?"
    "(?:gi)?(?:[ldt][ae]r)?(?:i|in|ni|nin|[dt][ae]n?|ga|ge)?"
    "(?:min|biz|miz|piz)?"
)
_LOCATIVE = re.compile(r"(?:i|si)?n?[dt][ae](?:gi.*|min|miz)?")
_SKI = re.compile("(?:i?n|ov|ev)?sk(?:i|oi|ogo|omu|im|om|aia|uiu|oe|e|ih|imi)")


@lru_cache(maxsize=WORD_CACHE_SIZE)
def key(word: str) -> str:
    """Return the Latin key of one word in lower case.

    >>> key("сейфулинада") == key("seyfullinada")
    True
    """
    return _SPELLING.sub(lambda found: _SPELLED.get(found[0], found[1]), romanise(word))


def keys(text: str) -> tuple[str, ...]:
    """Return the keys of the words of a text."""
    return tuple(key(word) for word in words(text))


def stem(word: str) -> str:
    """Return a word's key without its last vowel, which is what an ending takes the place of."""
    whole = key(word)
    return whole[:-1] if len(whole) > MIN_STEM and whole[-1] in _VOWELS else whole


MIN_STEM = 3
"""Letters that a stem keeps."""


_RUSSIAN = frozenset(key(ending) for ending in _RUSSIAN_ENDINGS.split()) | {""}
_ADJECTIVE = frozenset(key(ending) for ending in _ADJECTIVE_ENDINGS.split())


@lru_cache(maxsize=WORD_CACHE_SIZE)
def is_ending(rest: str) -> bool:
    """Tell whether what follows a stem is a Russian ending or Kazakh ones."""
    return rest in _RUSSIAN or _KAZAKH.fullmatch(rest) is not None


def is_name_ending(rest: str) -> bool:
    """Tell whether an ending follows the stem of a name, which may have lost its last vowel."""
    return is_ending(rest) or (rest[:1] in tuple(_VOWELS) and is_ending(rest[1:]))


def is_adjective_ending(rest: str) -> bool:
    """Tell whether what follows a stem makes it a Russian adjective or ordinal."""
    return rest in _ADJECTIVE


def is_ski(rest: str) -> bool:
    """Tell whether what follows a name makes it its adjective (Есильский)."""
    return _SKI.fullmatch(rest) is not None


def is_kazakh_ending(rest: str) -> bool:
    """Tell whether Kazakh endings follow, at least one."""
    return bool(rest) and _KAZAKH.fullmatch(rest) is not None


def is_locative(rest: str) -> bool:
    """Tell whether the Kazakh case of being in a place follows (-да, -дағы)."""
    return _LOCATIVE.fullmatch(rest) is not None
