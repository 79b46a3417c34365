"""Outlines of districts: how they are written, and what lies inside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.boundaries import Boundary

SQUARE = "POLYGON ((71 51, 72 51, 72 52, 71 52, 71 51))"
HOLED = "POLYGON((71 51,72 51,72 52,71 52,71 51),(71.4 51.4,71.6 51.4,71.6 51.6,71.4 51.4))"
APART = "multipolygon (((71 51, 72 51, 72 52, 71 51)), ((75 51, 76 51, 76 52, 75 51)))"


@pytest.mark.parametrize(
    ("wkt", "latitude", "longitude", "inside"),
    [
        (SQUARE, 51.5, 71.5, True),
        (SQUARE, 71.5, 51.5, False),
        (SQUARE, 52.5, 71.5, False),
        (SQUARE, 51.5, 70.9, False),
        (SQUARE, 51.5, 72.1, False),
        (HOLED, 51.45, 71.55, False),
        (HOLED, 51.9, 71.1, True),
        (APART, 51.1, 71.9, True),
        (APART, 51.1, 75.9, True),
        (APART, 51.1, 73.5, False),
        (APART, 51.9, 71.1, False),
    ],
)
def test_contains_by_hand(wkt: str, latitude: float, longitude: float, *, inside: bool) -> None:
    assert Boundary.parse(wkt).contains(latitude, longitude) is inside


@given(st.floats(51, 52, exclude_max=True), st.floats(71, 72, exclude_max=True))
def test_contains_squares_side_by_side_share_no_point_and_leave_none(
    latitude: float, longitude: float
) -> None:
    west = "POLYGON ((71 51, 71.5 51, 71.5 52, 71 52, 71 51))"
    east = "POLYGON ((71.5 51, 72 51, 72 52, 71.5 52, 71.5 51))"
    holding = [Boundary.parse(wkt).contains(latitude, longitude) for wkt in (west, east)]
    assert sorted(holding) == [False, True]


@pytest.mark.parametrize(
    ("wkt", "problem"),
    [
        ("", "no POLYGON"),
        ("POINT (71 51)", "no POLYGON"),
        ("POLYGON (71 51, 72 51, 72 52, 71 51)", "no POLYGON"),
        ("POLYGON ((71 51, 72 51, 72 52, 71 51)", "no POLYGON"),
        ("POLYGON EMPTY", "no POLYGON"),
        ("POLYGON ((71 51, 72 51, 72 52))", "four points"),
        ("POLYGON ((71 51, 72 51, 72 52, 71 52))", "the first one again"),
        ("POLYGON ((71 51 0, 72 51 0, 72 52 0, 71 51 0))", "is no point"),
        ("POLYGON ((71;51, 72 51, 72 52, 71;51))", "is no point"),
        ("POLYGON ((51 171, 52 171, 52 172, 51 171))", "longitude comes first"),
        ("POLYGON ((nan 51, 72 51, 72 52, nan 51))", "not on Earth"),
    ],
)
def test_parse_what_is_no_outline_is_refused(wkt: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Boundary.parse(wkt)
