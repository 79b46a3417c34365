"""Categories, topics and the version of their content."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from triage.appeal import Bilingual
from triage.taxonomy import Category, Taxonomy, Topic

WATER = Category("water", Bilingual(ru="Вода", kk="Су"))
HEAT = Category("heat", Bilingual(ru="Тепло", kk="Жылу"))
LEAK = Topic("water.leak", "water", Bilingual(ru="Течь", kk="Су ағуы"), 6, "UTIL-WATER")
TAP = Topic(
    code="water.tap",
    category="water",
    name=Bilingual(ru="Колонка", kk="Су бағаны"),
    sla_hours=72,
    usual_enterprise="UTIL-WATER",
    deprecated=True,
    replaced_by=("water.leak",),
)


@pytest.fixture
def taxonomy() -> Taxonomy:
    return Taxonomy.of([WATER, HEAT], [LEAK, TAP])


def test_parent_known_topic_returns_its_category(taxonomy: Taxonomy) -> None:
    assert taxonomy.parent("water.leak") == "water"


def test_held_on_deprecated_topic_holds_up_to_its_last_day() -> None:
    last = replace(TAP, valid_to=date(2026, 1, 31))
    assert last.held_on(date(2026, 1, 31))
    assert not last.held_on(date(2026, 2, 1))
    assert not TAP.held_on(date(2026, 1, 31))
    assert LEAK.held_on(date(2030, 1, 1))
    assert Taxonomy.of([WATER], [last]).version != Taxonomy.of([WATER], [TAP]).version


def test_parent_unknown_topic_raises(taxonomy: Taxonomy) -> None:
    with pytest.raises(KeyError):
        taxonomy.parent("water.steam")


def test_topics_of_category_leaves_out_deprecated(taxonomy: Taxonomy) -> None:
    assert taxonomy.topics_of("water") == (LEAK,)


def test_topics_of_category_without_topics_is_empty(taxonomy: Taxonomy) -> None:
    assert taxonomy.topics_of("heat") == ()


def test_topics_of_unknown_category_raises(taxonomy: Taxonomy) -> None:
    with pytest.raises(KeyError):
        taxonomy.topics_of("gas")


def test_topics_deprecated_code_still_has_its_name(taxonomy: Taxonomy) -> None:
    assert taxonomy.topics["water.tap"].name == Bilingual(ru="Колонка", kk="Су бағаны")


def test_version_other_row_order_is_the_same(taxonomy: Taxonomy) -> None:
    assert Taxonomy.of([HEAT, WATER], [TAP, LEAK]).version == taxonomy.version


def test_version_is_twelve_hexadecimal_digits(taxonomy: Taxonomy) -> None:
    assert len(taxonomy.version) == 12
    assert int(taxonomy.version, 16) >= 0


@pytest.mark.parametrize(
    "changed",
    [
        replace(LEAK, sla_hours=7),
        replace(LEAK, name=Bilingual(ru="Течь", kk="Ағу")),
        replace(LEAK, deprecated=True),
        replace(LEAK, usual_enterprise="UTIL-STORM"),
    ],
)
def test_version_other_content_differs(taxonomy: Taxonomy, changed: Topic) -> None:
    assert Taxonomy.of([WATER, HEAT], [changed, TAP]).version != taxonomy.version
