"""Places found in text, against tables that were written apart from the code.

A line is `expected TAB text`; expected is `kind=normal` joined by ` ; `, or `-` for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.places import Gazetteer

TABLES = Path(__file__).parent / "data" / "places"
KINDS = ("address", "street", "intersection", "district", "bank", "route", "facility")
MIN_PRECISION, MIN_RECALL = 0.97, 0.92
MIN_LINES, MIN_TRAPS = 340, 90


@dataclass(frozen=True, slots=True)
class Line:
    """One line: where it stands, its text and the (kind, normal form) pairs it must give."""

    where: str
    text: str
    expected: frozenset[tuple[str, str]]

    def told(self, pairs) -> list[str]:
        return [f"{self.where} {kind}={normal}: {self.text}" for kind, normal in sorted(pairs)]


def pairs(expected: str) -> frozenset[tuple[str, str]]:
    split = [pair.split("=") for pair in expected.split(" ; ")] if expected != "-" else []
    return frozenset((kind, normal) for kind, normal in split)


def read(path: Path) -> list[Line]:
    rows = enumerate(path.read_text("utf-8").splitlines(), start=1)
    split = [(number, *row.split("\t")) for number, row in rows if not row.startswith("#")]
    return [Line(f"{path.name}:{number}", text, pairs(told)) for number, told, text in split]


LINES = [line for path in sorted(TABLES.glob("*.tsv")) for line in read(path)]


@pytest.fixture(scope="module")
def city():
    return load_city(STARTER_DATA)


@pytest.fixture(scope="module")
def found(city):
    """Return the places of each line, in the order of `LINES`."""
    gazetteer = Gazetteer.of(city)
    return [gazetteer.find(line.text) for line in LINES]


def expected_of(kind: str) -> list[tuple[Line, str]]:
    return [(line, normal) for line in LINES for told, normal in line.expected if told == kind]


@pytest.mark.parametrize("kind", KINDS)
def test_find_kind_over_all_tables_is_precise_and_complete(found, kind):
    finds, total, wrong, missing = 0, len(expected_of(kind)), [], []
    for line, places in zip(LINES, found, strict=True):
        got = [(place.kind, place.normal) for place in places if place.kind == kind]
        finds += len(got)
        wrong += line.told(pair for pair in got if pair not in line.expected)
        missing += line.told(pair for pair in line.expected - set(got) if pair[0] == kind)
    report = "\n".join(["", "wrong:", *wrong, "missing:", *missing])
    assert finds - len(wrong) >= MIN_PRECISION * finds, report
    assert total - len(missing) >= MIN_RECALL * total, report


def test_find_every_span_lies_in_the_text(found):
    for line, places in zip(LINES, found, strict=True):
        for place in places:
            assert 0 <= place.start < place.end <= len(line.text), line.where


def test_tables_hold_enough_lines_known_kinds_and_no_text_twice():
    assert {kind for line in LINES for kind, _ in line.expected} == set(KINDS)
    texts = {" ".join(line.text.casefold().split()) for line in LINES}
    assert len(texts) == len(LINES) >= MIN_LINES
    assert sum(line.where.startswith("traps") for line in LINES) >= MIN_TRAPS


def streets_of(kind: str, normal: str) -> Sequence[str]:
    if kind == "address":
        return [normal.rsplit(", ", 1)[0]]
    return normal.split(" × ") if kind == "intersection" else [normal]


@pytest.mark.parametrize("kind", ["address", "street", "intersection"])
def test_tables_expect_only_streets_of_the_city_in_order(city, kind):
    known = {street.name.ru for street in city.streets}
    for line, normal in expected_of(kind):
        named = streets_of(kind, normal)
        assert set(named) <= known, line.where
        assert list(named) == sorted(named), line.where


@pytest.mark.parametrize("kind", ["address", "street"])
def test_tables_expect_every_street_of_the_city(city, kind):
    named = {name for _, normal in expected_of(kind) for name in streets_of(kind, normal)}
    assert named == {street.name.ru for street in city.streets}
