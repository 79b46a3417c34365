"""A place that is found in a text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of place."""

    ADDRESS = "address"
    STREET = "street"
    INTERSECTION = "intersection"
    DISTRICT = "district"
    BANK = "bank"
    ROUTE = "route"
    FACILITY = "facility"


@dataclass(frozen=True, slots=True)
class Place:
    """A place and where the text tells it.

    Attributes
    ----------
    normal
        The same for every spelling: ``улица Сыганак, 15/2``, ``улица Сыганак``,
        ``проспект Республики × улица Кенесары``, a district's code, ``left`` or ``right``,
        ``12А``, ``polyclinic:4``, ``hospital:2:children`` where one for adults has the number too.
    start, end
        Its span in the text as given.
    confidence
        From 0 to 1, a judgement by the kind of evidence, not a measured probability.
    """

    kind: Kind
    normal: str
    start: int
    end: int
    confidence: float
