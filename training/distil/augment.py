"""The same text as others would type it: lost letters, Latin letters, slips of the finger."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from random import Random

import training
from models.language import Language
from models.text import fold

LATIN = Path(training.__file__).parent / "data" / "latin.tsv"
"""How each letter is written: a slash between spellings, of which a writer keeps to one; - is none.

Columns: Russian, Kazakh in the alphabet of 2021, Kazakh as typed without its letters.
"""

RUSSIAN_ALPHABET, KAZAKH_ALPHABETS = "ru", ("kk_2021", "kk_typed")

TYPOS_SHARE, LOST_SHARE = 0.35, 0.3
"""Of all respelled texts, those with slips; of the other Kazakh ones, those with lost letters."""

LOST_LETTERS = 0.9
"""Share of the Kazakh letters that somebody without them on the keyboard replaces."""

TYPO_RATE = 0.04
"""Share of letters that a finger slips on."""

_COMMON_SLIPS = "аеиоукнтсрл"


def augment(text: str, language: Language, rng: Random) -> str:
    """Return the text in another spelling that fits its language."""
    if language == "other" or rng.random() < TYPOS_SHARE:
        return slip(text, rng)
    if language == "ru":
        return in_latin(text, RUSSIAN_ALPHABET, rng)
    if rng.random() < LOST_SHARE:
        return lose_letters(text, rng)
    return in_latin(text, rng.choice(KAZAKH_ALPHABETS), rng)


def lose_letters(text: str, rng: Random) -> str:
    """Return the text in lower case, most Kazakh letters replaced by Russian ones."""
    return "".join(
        fold(letter) if rng.random() < LOST_LETTERS else letter for letter in text.lower()
    )


def in_latin(text: str, alphabet: str, rng: Random) -> str:
    """Return the text in lower case and Latin letters, each letter spelled one way throughout."""
    chosen = {
        letter: rng.choice(spellings) for letter, spellings in _spellings_of(alphabet).items()
    }
    return text.lower().translate(chosen)


def slip(text: str, rng: Random) -> str:
    """Return the text with some letters swapped, left out, doubled or mistaken."""
    letters = list(text)
    position = 0
    while position < len(letters) - 1:
        here, following = letters[position : position + 2]
        if here.isalpha() and following.isalpha() and rng.random() < TYPO_RATE:
            slips = (following + here, following, here * 2 + following)
            mistaken = rng.choice(_COMMON_SLIPS) + following
            letters[position : position + 2] = rng.choice([*slips, mistaken])
            position += 2  # a word has seldom two slips beside each other
        position += 1
    return "".join(letters)


@lru_cache
def _spellings_of(alphabet: str) -> dict[int, list[str]]:
    with LATIN.open(encoding="utf-8") as lines:
        return {
            ord(row["letter"]): row[alphabet].replace("-", "").split("/")
            for row in csv.DictReader(lines, delimiter="\t")
        }
