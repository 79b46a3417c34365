from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from training.snapshots.mapping import LabelMap, Unmapped
from triage.appeal import Bilingual
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.store.labels import Codes
from triage.taxonomy import Category, Taxonomy, Topic

NAME = Bilingual("имя", "атау")
LAST_DAY = date(2026, 1, 31)


def topic(code: str, *replaced_by: str, valid_to: date | None = None) -> Topic:
    deprecated = code.split(".")[1].startswith("old")
    category = code.split(".")[0]
    return Topic(code, category, NAME, 24, "", deprecated, replaced_by, valid_to)


TAXONOMY = Taxonomy.of(
    [Category(code, NAME) for code in ("water", "heat")],
    [
        topic("water.leak"),
        topic("water.tap"),
        topic("heat.cold"),
        topic("water.old-pipe", "water.leak"),
        topic("water.old-split", "water.leak", "water.tap"),
        topic("water.old-mixed", "water.leak", "heat.cold"),
        topic("water.old-gone"),
        topic("water.old-lately", "heat.cold", valid_to=LAST_DAY),
    ],
)
ENTERPRISES = EnterpriseRegistry.of(
    [Enterprise("CLOSED", "utility", NAME, active=False), Enterprise("OPEN", "utility", NAME)]
)
MAP = LabelMap(TAXONOMY, ENTERPRISES, date(2026, 3, 1))

# What a label becomes: category, topic, and the reason why a level could not be mapped.
TABLE = {
    "offered": ("water", "water.leak", "water", "water.leak", None),
    "offered, another category given": ("heat", "water.leak", "water", "water.leak", None),
    "renamed or merged": ("water", "water.old-pipe", "water", "water.leak", None),
    "moved to another category": ("water", "water.old-lately", "heat", "heat.cold", None),
    "split": ("water", "water.old-split", "water", None, "split into water.leak, water.tap"),
    "gone": ("water", "water.old-gone", "water", None, "deprecated, and nothing took its place"),
    "unknown": ("water", "water.typo", "water", None, "unknown topic"),
    "category alone": ("water", None, "water", None, None),
    "nothing": (None, None, None, None, None),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_apply_topic_becomes_what_holds_on_the_day(row: tuple[str | None, ...]) -> None:
    given_category, given_topic, category, expected, reason = row
    codes, unmapped = MAP.apply(Codes(given_category, given_topic, "OPEN"))
    assert codes == Codes(category, expected, "OPEN")
    assert [one.reason for one in unmapped] == ([] if reason is None else [reason])


def test_apply_topic_split_over_categories_loses_both_levels() -> None:
    codes, unmapped = MAP.apply(Codes("water", "water.old-mixed", None))
    assert codes == Codes(None, None, None)
    assert unmapped == (
        Unmapped("topic", "water.old-mixed", "split into water.leak, heat.cold"),
        Unmapped("category", "water", "its topic went to several categories"),
    )


def test_apply_topic_that_held_on_the_day_stays() -> None:
    codes = Codes("water", "water.old-lately", None)
    assert replace(MAP, day=LAST_DAY).apply(codes) == (codes, ())


def test_apply_unknown_category_and_enterprise_are_told() -> None:
    codes, unmapped = MAP.apply(Codes("watr", None, "GHOST"))
    assert codes == Codes(None, None, None)
    assert [(one.level, one.reason) for one in unmapped] == [
        ("category", "unknown category"),
        ("enterprise", "unknown enterprise"),
    ]


def test_apply_closed_enterprise_stays() -> None:
    assert MAP.apply(Codes("water", None, "CLOSED")) == (Codes("water", None, "CLOSED"), ())
