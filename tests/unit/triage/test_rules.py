"""Rules: when they hold, what words they ask for, how a book orders them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from triage.appeal import Bilingual
from triage.rules import NO_RULES, Need, Rule, RuleBook, file_version
from triage.wordpatterns import WordPatterns

WHY = Bilingual("почему", "неге")
RULE = Rule("a", 1, frozenset({"t", "u"}), WHY, enterprise="A")
FIRST, LAST = date(2026, 11, 1), date(2027, 3, 31)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "until", "day", "holds"),
    [
        (None, None, FIRST, True),
        (FIRST, LAST, FIRST - DAY, False),
        (FIRST, LAST, FIRST, True),
        (FIRST, LAST, LAST, True),
        (FIRST, LAST, LAST + DAY, False),
        (FIRST, None, LAST + DAY, True),
        (FIRST, None, FIRST - DAY, False),
        (None, LAST, FIRST - DAY, True),
        (None, LAST, LAST + DAY, False),
    ],
)
def test_holds_on_both_days_are_included(
    since: date | None, until: date | None, day: date, *, holds: bool
) -> None:
    assert replace(RULE, since=since, until=until).holds_on(day) is holds


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Открытый люк теплотрассы", True),
        ("ЖЫЛУ люгі ашық", True),
        ("zhylu lyugi ashyq", True),
        ("открытый люк", False),
        ("", False),
    ],
)
def test_fits_words_one_pattern_in_any_spelling_is_enough(text: str, *, fits: bool) -> None:
    rule = replace(RULE, words=WordPatterns.of(["тепл*", "жылу*"]))
    assert rule.fits_words(text) is fits
    assert RULE.fits_words(text)


@pytest.mark.parametrize(
    "bound",
    [
        {"words": WordPatterns.of(["тепл*"])},
        {"since": FIRST},
        {"until": LAST},
        {"enterprise": None, "types": ("school",), "need": Need.NUMBER},
        {"enterprise": None, "banks": {"left": "A"}, "need": Need.BANK},
    ],
    ids=lambda bound: "-".join(bound),
)
def test_is_unconditional_anything_that_may_fail_makes_it_conditional(
    bound: dict[str, Any],
) -> None:
    assert RULE.is_unconditional
    assert not replace(RULE, **bound).is_unconditional


def test_is_unconditional_rule_that_asks_still_names_somebody() -> None:
    assert replace(RULE, ask=Need.ADDRESS).is_unconditional


def test_rule_book_keeps_the_order_of_rules_for_each_topic() -> None:
    second = replace(RULE, name="b", topics=frozenset({"u"}), ask=Need.ROUTE)
    book = RuleBook.of((second, RULE), {"ESIL": "left"}, "v1")
    assert book.by_topic == {"t": (RULE,), "u": (second, RULE)}
    assert book.asks == {Need.ROUTE}
    assert (book.version, book.bank_of) == ("v1", {"ESIL": "left"})


def test_no_rules_have_no_topic_and_ask_for_nothing() -> None:
    assert (NO_RULES.rules, NO_RULES.by_topic, NO_RULES.asks) == ((), {}, frozenset())


def test_file_version_changes_with_any_byte(tmp_path: Path) -> None:
    path = tmp_path / "routing.yaml"
    versions = set()
    for content in (b"rules: []\n", b"rules: []", b""):
        path.write_bytes(content)
        assert file_version(path) == file_version(path)
        versions.add(file_version(path))
    assert len(versions) == 3
    assert {len(version) for version in versions} == {12}
