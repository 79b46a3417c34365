"""The enterprise registry: ids, search in both languages, version."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from triage.appeal import Bilingual
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.enterprises import Enterprise, EnterpriseRegistry

TABLE = Path(__file__).parent / "data" / "enterprise_search.tsv"
SEARCHES = [
    line.split("\t")
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.fixture(scope="module")
def registry() -> EnterpriseRegistry:
    return load_city(STARTER_DATA).enterprises


@pytest.mark.parametrize(("query", "first"), SEARCHES)
def test_search_query_of_table_finds_it_first(
    registry: EnterpriseRegistry, query: str, first: str
) -> None:
    assert [enterprise.id for enterprise in registry.search(query, limit=1)] == [first]


@pytest.mark.parametrize("query", ["", "  «№» ", "марсоход", "школа марсоход"])
def test_search_word_that_nobody_has_finds_nothing(
    registry: EnterpriseRegistry, query: str
) -> None:
    assert registry.search(query, limit=10) == []


def test_search_many_found_stops_at_limit(registry: EnterpriseRegistry) -> None:
    assert len(registry.search("мектеп", limit=7)) == 7


def test_search_equally_good_come_by_id(registry: EnterpriseRegistry) -> None:
    found = [enterprise.id for enterprise in registry.search("дэу", limit=3)]
    assert found == ["ROAD-ALMATY", "ROAD-BAIKONYR", "ROAD-ESIL"]


def test_search_closed_enterprise_is_not_found_but_kept(registry: EnterpriseRegistry) -> None:
    closed = replace(registry.enterprises["SCHOOL-012"], active=False)
    changed = EnterpriseRegistry.of([*registry.enterprises.values(), closed])
    assert changed.search("школа 12", limit=10) == []
    assert changed.get("SCHOOL-012") == closed


def test_search_1500_enterprises_takes_milliseconds(registry: EnterpriseRegistry) -> None:
    originals = registry.enterprises.values()
    copies = [replace(one, id=f"{one.id}-{copy}") for one in originals for copy in "AB"]
    large = EnterpriseRegistry.of([*copies, *list(originals)[:60]])
    large.search("а 1", limit=10)  # builds the index
    best = min(_seconds(large, "а 1") for _ in range(5))
    assert len(large.enterprises) > 1_500
    assert best < 0.025  # about 1 ms on an idle core


def _seconds(registry: EnterpriseRegistry, query: str) -> float:
    started = time.thread_time()
    registry.search(query, limit=10)
    return time.thread_time() - started


def test_get_unknown_id_returns_none(registry: EnterpriseRegistry) -> None:
    assert registry.get("SCHOOL-999") is None


def test_version_other_row_order_is_the_same(registry: EnterpriseRegistry) -> None:
    backwards = EnterpriseRegistry.of(reversed(list(registry.enterprises.values())))
    assert backwards.version == registry.version


@pytest.mark.parametrize(
    "change", [{"active": False}, {"aliases": ("x",)}, {"district": "NURA"}, {"number": "2"}]
)
def test_version_other_content_differs(change: dict[str, object]) -> None:
    school = Enterprise("S-1", "school", Bilingual(ru="Школа", kk="Мектеп"), "ESIL", "1")
    changed = replace(school, **change)  # type: ignore[arg-type]  # one field at a time
    assert EnterpriseRegistry.of([changed]).version != EnterpriseRegistry.of([school]).version
