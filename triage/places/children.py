"""Telling what is for children: hospitals for them have the numbers of those for adults."""

from __future__ import annotations

from functools import lru_cache

from models.text import words
from triage.places.keys import key
from triage.places.lexicon import WORDS, Stems, entries
from triage.places.reading import Reading

FOR_CHILDREN = "for_children"
SUFFIX = ":children"
"""What the normal form of a facility ends in where only this tells it from its namesake."""


def names_children(name: str) -> bool:
    """Tell whether an enterprise's name says that it is for children."""
    return any(_stems().find(key(word)) for word in words(name))


def is_for_children(reading: Reading, first: int, last: int) -> bool:
    """Tell whether some tokens, or the adjectives on either side, say that it is for children."""
    if any(reading.has(position, FOR_CHILDREN) for position in range(first, last + 1)):
        return True
    for step, position in ((-1, first - 1), (1, last + 1)):
        while reading.has(position, "facility_adjective"):
            if reading.has(position, FOR_CHILDREN):
                return True
            position += step
    return False


def speaks_of_children(reading: Reading) -> bool:
    """Tell whether a facility that the text speaks of is for children."""
    return any(
        is_for_children(reading, position, position)
        for position, token in enumerate(reading.tokens)
        if token.word.facility
    )


@lru_cache(maxsize=1)
def _stems() -> Stems[None]:
    stems: Stems[None] = Stems()
    for (part,), listed in entries(WORDS):
        for word in listed if part == FOR_CHILDREN else ():
            stems.add_pattern(word, None)
    return stems
