"""Where districts lie: their outlines as WKT polygons, as any map program exports them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
"""Longitude and latitude, in the order of WKT."""

Ring = tuple[Point, ...]

MIN_POINTS = 4
"""Of a ring: a triangle and its first corner again."""

_MAX_LONGITUDE, _MAX_LATITUDE = 180, 90
_RING = re.compile(r"\(([^()]*)\)")
_SHAPE = re.compile(r"POLYGON\((R(,R)*)\)|MULTIPOLYGON\(\(R(,R)*\)(,\(R(,R)*\))*\)")


@dataclass(frozen=True, slots=True)
class Boundary:
    """The outline of a district, with its holes and its separate parts.

    Attributes
    ----------
    rings
        Closed: the last point is the first.
    """

    rings: tuple[Ring, ...]

    @classmethod
    def parse(cls, wkt: str) -> Boundary:
        """Read ``POLYGON`` or ``MULTIPOLYGON``, WGS 84, longitude first.

        Raises
        ------
        ValueError
            It is neither, a ring is not closed, or a point is not on Earth.

        Examples
        --------
        >>> Boundary.parse("POLYGON ((71 51, 72 51, 72 52, 71 51))").contains(51.2, 71.5)
        True
        """
        shape = "".join(_RING.sub("R", wkt).split()).upper()
        if not _SHAPE.fullmatch(shape):
            raise ValueError("no POLYGON ((lon lat, ...)) and no MULTIPOLYGON")
        return cls(tuple(_ring(found) for found in _RING.findall(wkt)))

    def contains(self, latitude: float, longitude: float) -> bool:
        """Tell whether a point lies inside: a line from it crosses the outline an odd time."""
        crossed = 0
        for ring in self.rings:
            for (x1, y1), (x2, y2) in pairwise(ring):
                if (y1 > latitude) != (y2 > latitude):
                    crossed += longitude < x1 + (latitude - y1) * (x2 - x1) / (y2 - y1)
        return crossed % 2 == 1


def _ring(text: str) -> Ring:
    ring = tuple(_point(pair) for pair in text.split(","))
    if len(ring) < MIN_POINTS or ring[0] != ring[-1]:
        raise ValueError("a ring needs four points or more, and the first one again at its end")
    return ring


def _point(text: str) -> Point:
    try:
        longitude, latitude = map(float, text.split())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no point: longitude and latitude") from None
    # Written so that NaN fails too.
    if not (abs(longitude) <= _MAX_LONGITUDE and abs(latitude) <= _MAX_LATITUDE):
        raise ValueError(f"{text.strip()!r} is not on Earth: longitude comes first")
    return longitude, latitude
