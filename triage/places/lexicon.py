"""The words that tell places, from plain-text files.

A line holds a part, a tab and words in standard spelling, which are found in any (see
`triage.places.keys`). Lines that begin with ``#`` are comments.

==========  ========================================
``ул``      the word as it is
``улиц+``   with any ending of a case, Russian or Kazakh
``лев~``    with any ending of a Russian adjective
``минут*``  with anything
==========  ========================================
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from triage.config import STARTER_DATA
from triage.places.keys import is_adjective_ending, is_ending, key

LANGUAGE_DATA = STARTER_DATA / "places"
WORDS, NUMERALS, NAMES = "words.tsv", "numerals.tsv", "names.tsv"

Payload = TypeVar("Payload")
Test = Callable[[str], bool]

_TESTS: dict[str, Test] = {
    "+": is_ending,
    "~": is_adjective_ending,
    "*": lambda rest: True,
}


@dataclass(frozen=True, slots=True)
class Found(Generic[Payload]):
    """What a word was recognised as, and what follows its stem."""

    payload: Payload
    ending: str


class Stems(Generic[Payload]):
    """Payloads by the stems of words."""

    def __init__(self) -> None:
        self._entries: defaultdict[str, list[tuple[Test, Payload]]] = defaultdict(list)
        self._longest = 0

    def add(self, stem_key: str, test: Test, payload: Payload) -> None:
        """Register what a stem means when what follows it passes a test."""
        self._entries[stem_key].append((test, payload))
        self._longest = max(self._longest, len(stem_key))

    def add_pattern(self, pattern: str, payload: Payload) -> None:
        """Register a word of a file, written as this module's text tells."""
        test = _TESTS.get(pattern[-1])
        self.add(key(pattern[:-1] if test else pattern), test or _is_nothing, payload)

    def find(self, word_key: str) -> list[Found[Payload]]:
        """Return all that a word may be, the longest stem first."""
        found = []
        for size in range(min(len(word_key), self._longest), 0, -1):
            for test, payload in self._entries.get(word_key[:size], ()):
                rest = word_key[size:]
                if test(rest):
                    found.append(Found(payload, rest))
        return found


@lru_cache(maxsize=8)
def entries(file: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Return the fields before the last of each line of a file, and its words."""
    return tuple(_entries(LANGUAGE_DATA / file))


def _entries(path: Path) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            *fields, listed = line.split("\t")
            yield tuple(fields), tuple(word.lower().replace("ё", "е") for word in listed.split())


def _is_nothing(rest: str) -> bool:
    return not rest
