"""Patterns of words, found in any spelling.

A pattern is written in standard spelling and is found in any: Kazakh without Kazakh letters and
both languages in Latin letters included.

=================  ==============================================================
``запах* газа``    both words in either order, at most two words between them,
                   within one sentence; ``*`` ends the beginning of a word
``люк|колодец``    either word
``A + B``          both groups, anywhere in the text
``!утечк* устран*``  calms: a find within six words of it does not count
=================  ==============================================================
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from models.text import WORD_CACHE_SIZE, romanise, word_spans

GAP = 2
"""Words allowed between two neighbouring words of a group."""

CALM_REACH = 6
"""Words around a calming group in which a find does not count."""

MIN_PREFIX = 3
"""Letters that a beginning of a word must have, lest it begin too many words."""

_SENTENCE_END = re.compile(r"[.!?…\n]")
_SLOT = re.compile(r"\w+\*?(\|\w+\*?)*")


class Slot(NamedTuple):
    """One place in a group that a word can fill."""

    group: int
    place: int


class Hit(NamedTuple):
    """A word of the text that fills a place: which word, and its position in the text."""

    place: int
    word: int
    position: int


class Stretch(NamedTuple):
    """Where a group was found: first and last word, and their positions."""

    first: Hit
    last: Hit

    def positions(self, reach: int = 0) -> range:
        """Return the positions that it covers, and `reach` more on either side."""
        return range(self.first.position - reach, self.last.position + reach + 1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern: the groups that must be found, and whether it calms."""

    groups: tuple[int, ...]
    calms: bool


@dataclass(frozen=True)
class WordPatterns:
    """Compiled patterns.

    Attributes
    ----------
    patterns
        By the number of their first group.
    sizes
        How many places each group has.
    whole, beginnings
        Slots that a word fills, by its key and by the first letters of its key.
    stems
        How long the beginnings are, by their first `MIN_PREFIX` letters: most words stop here.
    """

    patterns: dict[int, Pattern]
    sizes: tuple[int, ...]
    whole: dict[str, tuple[Slot, ...]]
    beginnings: dict[str, tuple[Slot, ...]]
    stems: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> WordPatterns:
        """Compile patterns that `pattern_problem` finds nothing wrong with."""
        return _compiled(patterns)

    def find(self, text: str) -> tuple[str, ...]:
        """Return the stretches of the text that match, as written, in their order."""
        spans, _ = _read(text)
        found = self._stretches(text)
        if not found:
            return ()
        calmed = {
            position
            for calm in self._complete(found, calms=True)
            for position in calm.positions(CALM_REACH)
        }
        standing = {
            group: [one for one in stretches if calmed.isdisjoint(one.positions())]
            for group, stretches in found.items()
        }
        wanted = {(one.first.word, one.last.word) for one in self._complete(standing, calms=False)}
        return tuple(text[spans[first][1] : spans[last][2]] for first, last in _outermost(wanted))

    def _stretches(self, text: str) -> dict[int, list[Stretch]]:
        hits: dict[int, list[Hit]] = defaultdict(list)
        _, words = _read(text)
        for word, (key, position) in enumerate(words):
            for slot in self._slots_of(key):
                hits[slot.group].append(Hit(slot.place, word, position))
        found = {
            group: list(_chains(of_group, self.sizes[group]))
            for group, of_group in hits.items()
            if len({hit.place for hit in of_group}) == self.sizes[group]
        }
        return {group: stretches for group, stretches in found.items() if stretches}

    @cached_property
    def _slots_of(self) -> Callable[[str], tuple[Slot, ...]]:
        """What `_slots` returns, remembered: words repeat, and most of them fill no place."""
        return lru_cache(maxsize=WORD_CACHE_SIZE)(self._slots)

    def _slots(self, key: str) -> tuple[Slot, ...]:
        slots = self.whole.get(key, ())
        for size in self.stems.get(key[:MIN_PREFIX], ()):
            slots += self.beginnings.get(key[:size], ())
        return slots

    def _complete(self, found: dict[int, list[Stretch]], *, calms: bool) -> Iterator[Stretch]:
        for pattern in filter(None, map(self.patterns.get, found)):
            if pattern.calms is calms and all(found.get(group) for group in pattern.groups):
                for group in pattern.groups:
                    yield from found[group]


@lru_cache(maxsize=1)
def _read(text: str) -> tuple[Sequence[tuple[str, int, int]], list[tuple[str, int]]]:
    """Return the spans of a text's words, and their keys with their positions.

    Many patterns are looked for in one text after the other, so the last one is kept.
    """
    spans = word_spans(text)
    keys = (romanise(word) for word, _, _ in spans)
    return spans, list(zip(keys, _positions(text, spans), strict=True))


def _positions(text: str, spans: Sequence[tuple[str, int, int]]) -> Iterator[int]:
    """Yield the words' positions, with a jump wider than a gap where a sentence ends."""
    position, end = 0, 0
    for _, start, stop in spans:
        gap = text[end:start]
        if gap != " " and _SENTENCE_END.search(gap):
            position += GAP + 1
        yield position
        position, end = position + 1, stop


def _chains(hits: list[Hit], size: int) -> Iterator[Stretch]:
    """Yield the shortest stretches of hits that fill all places, each gap within `GAP`.

    A sliding window: time grows with the number of hits, whatever a text repeats.
    """
    start, filled = 0, Counter[int]()
    for end, hit in enumerate(hits):
        if end > start and hit.position - hits[end - 1].position > GAP + 1:
            start, filled = end, Counter()
        filled[hit.place] += 1
        while filled[hits[start].place] > 1:
            filled[hits[start].place] -= 1
            start += 1
        # One word may fill two places, but a group of two needs two words.
        if len(filled) == size and len({one.word for one in hits[start : end + 1]}) >= size:
            yield Stretch(hits[start], hit)
            start, filled = end + 1, Counter()


def _outermost(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge ranges that overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def pattern_problem(pattern: str) -> str | None:
    """Say what is wrong with a pattern, None where nothing is."""
    slots = [slot for group in _groups(pattern) for slot in group]
    wrong = [slot for slot in slots if not _SLOT.fullmatch(slot)]
    if wrong or not all(_groups(pattern)):
        return f"broken pattern {pattern!r}"
    short = [word for slot in slots for word in slot.split("|") if _is_too_short(word)]
    if short:
        return f"{short[0]!r}: write at least {MIN_PREFIX} letters before *"
    return None


def _is_too_short(word: str) -> bool:
    return word.endswith("*") and len(romanise(word[:-1])) < MIN_PREFIX


def _groups(pattern: str) -> list[list[str]]:
    return [group.split() for group in pattern.removeprefix("!").split("+")]


def _compiled(lines: Iterable[str]) -> WordPatterns:
    patterns: dict[int, Pattern] = {}
    sizes: list[int] = []
    whole: dict[str, tuple[Slot, ...]] = defaultdict(tuple)
    beginnings: dict[str, tuple[Slot, ...]] = defaultdict(tuple)
    for line in lines:
        groups = _groups(line)
        numbers = tuple(range(len(sizes), len(sizes) + len(groups)))
        patterns[numbers[0]] = Pattern(numbers, calms=line.startswith("!"))
        sizes.extend(len(group) for group in groups)
        for number, group in zip(numbers, groups, strict=True):
            for word, place in _words_of(group):
                index = beginnings if word.endswith("*") else whole
                key = romanise(word.removesuffix("*").lower().replace("ё", "е"))
                index[key] = (*index[key], Slot(number, place))
    return WordPatterns(
        patterns=patterns,
        sizes=tuple(sizes),
        whole=dict(whole),
        beginnings=dict(beginnings),
        stems=_stems(beginnings),
    )


def _stems(beginnings: Iterable[str]) -> dict[str, tuple[int, ...]]:
    sizes: dict[str, set[int]] = defaultdict(set)
    for key in beginnings:
        sizes[key[:MIN_PREFIX]].add(len(key))
    return {stem: tuple(sorted(lengths)) for stem, lengths in sizes.items()}


def _words_of(group: list[str]) -> Iterator[tuple[str, int]]:
    for place, slot in enumerate(group):
        for word in slot.split("|"):
            yield word, place
