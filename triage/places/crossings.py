"""Streets that cross."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from triage.places.mentions import Mention
from triage.places.names import Caution
from triage.places.reading import Reading

_CROSS_GAPS = ("/", "-", "–", "—", "×", "+", "\\")
_MAX_BETWEEN = 2
_NEAR = 4


def find_crossings(
    reading: Reading, mentions: list[Mention], housed: Collection[int]
) -> list[tuple[int, int]]:
    """Return the pairs of neighbouring mentions that cross, no mention in two pairs."""
    pairs: list[tuple[int, int]] = []
    for first, second in pairwise(range(len(mentions))):
        if pairs and first in pairs[-1]:
            continue
        one, other = mentions[first], mentions[second]
        apart = first not in housed and second not in housed and one.normal != other.normal
        if apart and _do_cross(reading, one, other):
            pairs.append((first, second))
    return pairs


def _do_cross(reading: Reading, one: Mention, other: Mention) -> bool:
    if reading.at(one.first).sentence != reading.at(other.first).sentence:
        return False
    between = range(one.end + 1, other.begin)
    gap = reading.at(other.begin).gap
    if not between and gap.strip() in _CROSS_GAPS:
        return not (_is_city(one) or _is_city(other)) or _has_cue(reading, one, other)
    if is_joined(reading, one, other):
        return _has_cue(reading, one, other)
    return len(between) <= _NEAR and any(
        reading.has(position, part) for position in between for part in ("crossing", "corner")
    )


def _is_city(mention: Mention) -> bool:
    """Tell whether a name alone is a city's (Алматы — Орынбор is a train)."""
    return mention.name.caution is Caution.CITY and not mention.name.frozen and not mention.kind


def is_joined(reading: Reading, one: Mention, other: Mention) -> bool:
    """Tell whether only a joining word stands between two mentions, or nothing."""
    between = range(one.end + 1, other.begin)
    if len(between) > _MAX_BETWEEN:
        return False
    if not all(reading.has(position, "joining") for position in between):
        return False
    return not any(
        reading.at(position).gap.strip(" ,-–—/") for position in range(one.end + 1, other.begin + 1)
    )


def _has_cue(reading: Reading, one: Mention, other: Mention) -> bool:
    """Tell whether the sentence tells of a crossing, or of a corner close to the names."""
    if reading.is_near(one.first, "crossing"):
        return True
    near = (*range(one.begin - _NEAR, one.begin), *range(other.end + 1, other.end + 1 + _NEAR))
    return any(reading.has(position, "corner") for position in near)
