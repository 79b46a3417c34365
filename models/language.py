"""The language and spelling of an appeal, told from its words: no model, no library.

Each word votes for Kazakh, for Russian or for neither, by its letters, by lists of frequent words
and by endings (`models/data/*.txt`). A text where both have a solid share is mixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import filterfalse
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from models.remembered import Remembered, Told
from models.text import fold, romanise, words

Language = Literal["ru", "kk", "mixed", "other"]
Script = Literal["ru", "kk", "mixed", "kk_plain", "kk_latin", "ru_latin", "other"]
Vote = Literal["kk", "ru", "other", ""]

LANGUAGE_OF: dict[Script, Language] = {
    "ru": "ru",
    "kk": "kk",
    "mixed": "mixed",
    "kk_plain": "kk",
    "kk_latin": "kk",
    "ru_latin": "ru",
    "other": "other",
}

RUSSIAN_IN_KAZAKH = 0.05
"""Share of Russian votes up to which a text is Kazakh: one Russian phrase makes it mixed."""

KAZAKH_IN_RUSSIAN = 0.15
"""Share of Kazakh votes up to which a text is Russian: a name or a greeting is no mixed speech."""

_DATA = Path(__file__).parent / "data"
_MIN_STEM = 2
_NEVER_RUSSIAN = ("шы", "жы", "кы", "гы")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What words and endings vote for, under the keys of one alphabet.

    Attributes
    ----------
    words, endings
        Votes; a word that is known to say nothing votes ``""``.
    names
        Keys of names, which say nothing even with a Kazakh letter in them.
    sizes
        How many letters of a word's end to look up, longest first.
    """

    words: dict[str, Vote]
    endings: dict[str, Vote]
    names: frozenset[str]
    sizes: range

    def vote(self, key: str) -> Vote:
        """Return the vote of a word's key: the word's own, else its longest known ending's."""
        known = self.words.get(key)
        if known is not None:
            return known
        for size in self.sizes:
            if len(key) - size >= _MIN_STEM and (ending := self.endings.get(key[-size:])):
                return ending
        return ""


class Evidence(NamedTuple):
    """What one word says: its vote, its letters, and whether it lacks Kazakh letters."""

    vote: Vote
    is_latin: bool
    is_lettered: bool
    is_unlettered: bool


class Tally(NamedTuple):
    """How many words of a text there are, numbers apart, and how many say what."""

    words: int
    kazakh: int
    russian: int
    other: int
    latin: int
    lettered: int
    unlettered: int


def identify(text: str) -> Language:
    """Return the language of a text: ``ru``, ``kk``, ``mixed`` or ``other``."""
    return LANGUAGE_OF[script(text)]


def identify_all(told: Told) -> list[Language]:
    """Return the languages of texts by what `tallies` tells of them."""
    return [LANGUAGE_OF[_script_of(tally)] for tally in _sums(told)]


def script(text: str) -> Script:
    """Return the language of a text together with the way it is spelled.

    ``kk_plain`` is Kazakh typed without Kazakh letters, ``kk_latin`` and ``ru_latin`` are Kazakh
    and Russian in Latin letters; ``other`` is anything else, numbers alone included.
    """
    (told,) = _remembered.of_texts([text.split()])
    return _script_of(*_sums(told))


def _script_of(tally: Tally) -> Script:
    is_latin = 2 * tally.latin > tally.words
    known = tally.kazakh + tally.russian
    if not tally.words or tally.other > known or (is_latin and not known):
        return "other"
    language = _language(tally.kazakh, tally.russian, default="kk" if tally.lettered else "ru")
    if language == "ru":
        return "ru_latin" if is_latin else "ru"
    if language == "mixed" or is_latin:
        return "mixed" if language == "mixed" else "kk_latin"
    return "kk_plain" if tally.unlettered > tally.lettered else "kk"


def _language(kazakh: int, russian: int, default: Language) -> Language:
    if not kazakh + russian:
        return default
    russian_share = russian / (kazakh + russian)
    if russian_share <= RUSSIAN_IN_KAZAKH:
        return "kk"
    return "ru" if russian_share >= 1 - KAZAKH_IN_RUSSIAN else "mixed"


def tallies(chunk: str) -> Iterator[int]:
    """Yield the `Tally` of each word of a chunk that is no number."""
    for word in filterfalse(str.isdecimal, words(chunk)):
        vote, *letters = _evidence(word)
        yield from (1, vote == "kk", vote == "ru", vote == "other", *letters)


_remembered = Remembered(tallies)


def _sums(told: Told) -> Iterator[Tally]:
    """Yield the tally of each text."""
    n_fields = len(Tally._fields)
    sums = np.zeros((1 + len(told.numbers) // n_fields, n_fields), np.int64)
    np.cumsum(told.numbers.reshape(-1, n_fields), axis=0, out=sums[1:])
    ends = np.cumsum(told.sizes // n_fields)
    return map(Tally._make, np.diff(sums[ends], axis=0, prepend=0).tolist())


def _evidence(word: str) -> Evidence:
    if any("a" <= letter <= "z" for letter in word):
        return Evidence(_latin().vote(romanise(word)), True, False, False)
    key = fold(word)
    if not any("а" <= letter <= "я" for letter in key):
        return Evidence("other", False, False, False)
    if key != word:
        return Evidence("" if key in _cyrillic().names else "kk", False, True, False)
    vote = _cyrillic().vote(key)
    if not vote and key not in _cyrillic().words and any(pair in key for pair in _NEVER_RUSSIAN):
        vote = "kk"
    return Evidence(vote, False, False, vote == "kk" and _lacks_letters(key))


def _lacks_letters(key: str) -> bool:
    whole, endings = _lettered()
    if key in _cyrillic().words:
        return key in whole
    return any(key[-size:] in endings for size in range(2, len(key) - _MIN_STEM + 1))


@lru_cache(maxsize=1)
def _cyrillic() -> Vocabulary:
    return _vocabulary(fold, {"kk": "kazakh", "ru": "russian"}, shortest=2)


@lru_cache(maxsize=1)
def _latin() -> Vocabulary:
    # Latin keys merge ы, и and й, so endings of two letters say nothing any more.
    files: dict[Vote, str] = {"kk": "kazakh", "ru": "russian", "other": "english"}
    return _vocabulary(romanise, files, shortest=3)


@lru_cache(maxsize=1)
def _lettered() -> tuple[frozenset[str], frozenset[str]]:
    """Return the folded words and endings that stand for ones with Kazakh letters only."""
    return _only_lettered("kazakh_words"), _only_lettered("kazakh_endings")


def _only_lettered(name: str) -> frozenset[str]:
    plain = {word for word in _read(name) if fold(word) == word}
    return frozenset(fold(word) for word in _read(name)) - plain


def _vocabulary(key: Callable[[str], str], files: dict[Vote, str], *, shortest: int) -> Vocabulary:
    names = _keys("names", key)
    known = {vote: _keys(f"{name}_words", key) for vote, name in files.items()}
    endings = _votes({vote: _keys(f"{name}_endings", key) for vote, name in files.items()})
    return Vocabulary(
        words=_votes(known | {"": names | _keys("shared_words", key)}),
        endings=endings,
        names=frozenset(names),
        sizes=range(max(map(len, endings)), shortest - 1, -1),
    )


def _votes(keys: dict[Vote, set[str]]) -> dict[str, Vote]:
    """Return each key's vote; a key that several lists hold says nothing."""
    voters = Counter(key for group in keys.values() for key in group)
    return {key: vote if voters[key] == 1 else "" for vote, group in keys.items() for key in group}


def _keys(name: str, key: Callable[[str], str]) -> set[str]:
    return {key(word) for word in _read(name)}


def _read(name: str) -> Iterator[str]:
    for line in (_DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield from line.split()
