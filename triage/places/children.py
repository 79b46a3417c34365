"""Telling what is for children: hospitals for them have the numbers of those for adults."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from models.text import words
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.places.keys import key
from triage.places.lexicon import WORDS, Stems, entries
from triage.places.reading import Reading

FOR_CHILDREN = "for_children"
SUFFIX = ":children"
"""What the normal form of a facility ends in where only this tells it from its namesake."""


def names_children(enterprise: Enterprise) -> bool:
    """Tell whether an enterprise's name says that it is for children."""
    listed = words(f"{enterprise.name.ru} {enterprise.name.kk}")
    return any(_stems().find(key(word)) for word in listed)


def told_apart(enterprises: EnterpriseRegistry) -> frozenset[tuple[str, str]]:
    """Return the types and numbers that one for children shares with one that is not."""
    numbered = [one for one in enterprises.enterprises.values() if one.number]
    sharing = Counter((one.type, one.number or "") for one in numbered)
    shared = [one for one in numbered if sharing[one.type, one.number or ""] > 1]
    sides = {(one.type, one.number or "", names_children(one)) for one in shared}
    both = Counter((type_, number) for type_, number, _ in sides)
    return frozenset(pair for pair, count in both.items() if count > 1)


def is_for_children(reading: Reading, first: int, last: int) -> bool:
    """Tell whether some tokens, or the adjectives before them, say that it is for children."""
    if any(reading.has(position, FOR_CHILDREN) for position in range(first, last + 1)):
        return True
    position = first - 1
    while reading.has(position, "facility_adjective"):
        if reading.has(position, FOR_CHILDREN):
            return True
        position -= 1
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
