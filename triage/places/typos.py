"""Words with one letter wrong, missing, too many or swapped with its neighbour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Generic, TypeVar

from triage.places.keys import is_name_ending
from triage.places.lexicon import Found

MIN_TYPO_CHARS = 7
"""Words may have a typo from this length on; shorter ones would turn into other words."""

Payload = TypeVar("Payload")


class TypoIndex(Generic[Payload]):
    """Finds stems at the start of misspelt words.

    One typo leaves the first half of a stem or its middle as it was, so stems are looked up by
    three letters of either, which the typo may have moved by one.
    """

    _SIZE = 3

    def __init__(self) -> None:
        self._heads: defaultdict[str, set[str]] = defaultdict(set)
        self._middles: defaultdict[str, set[str]] = defaultdict(set)
        self._payloads: defaultdict[str, list[Payload]] = defaultdict(list)

    def add(self, beginning: str, payload: Payload) -> None:
        """Register what a stem means."""
        size = self._SIZE
        self._heads[beginning[:size]].add(beginning)
        self._middles[beginning[size : 2 * size]].add(beginning)
        self._payloads[beginning].append(payload)

    def find(self, word_key: str) -> Iterator[Found[Payload]]:
        """Yield what a word is a misspelling of."""
        size = self._SIZE
        near = set(self._heads.get(word_key[:size], ()))
        for start in (size - 1, size, size + 1):
            near |= self._middles.get(word_key[start : start + size], set())
        for beginning in sorted(near):
            for rest in misspelt_rests(beginning, word_key):
                if is_name_ending(rest):
                    yield from (Found(payload, rest) for payload in self._payloads[beginning])
                    break


def misspelt_rests(beginning: str, word_key: str) -> Iterator[str]:
    """Yield what may follow a stem that stands at a word's start with one typo in it."""
    same = 0
    for one, other in zip(beginning, word_key, strict=False):
        if one != other:
            break
        same += 1
    stem_rest, rest = beginning[same:], word_key[same:]
    if not stem_rest:
        return
    if rest[1:].startswith(stem_rest[1:]):
        yield rest[len(stem_rest) :]
    if rest[1:].startswith(stem_rest):
        yield rest[len(stem_rest) + 1 :]
    if rest.startswith(stem_rest[1:]):
        yield rest[len(stem_rest) - 1 :]
    swapped = stem_rest[1::-1] + stem_rest[2:]
    if rest.startswith(swapped):
        yield rest[len(swapped) :]
