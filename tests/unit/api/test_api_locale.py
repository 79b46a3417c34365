from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import api.web
from api.web.language import LANGUAGES, load_locale
from triage.appeal import Action, Bilingual
from triage.messages import NOTES, REASONS, RULES
from triage.place import Kind

TEMPLATES = Path(api.web.__file__).parent / "templates"
ENGLISH_ONLY = (
    {f"reason.{code}" for code in REASONS}
    | {f"reason.rule.{rule}" for rule in RULES}
    | {f"reason.note.{note}" for note in NOTES}
)


def _placeholders(wording: str) -> set[str]:
    return set(re.findall(r"{(\w*)}", wording))


def test_locales_have_the_same_keys() -> None:
    words = {language: load_locale(language).words for language in LANGUAGES}

    assert words["ru"].keys() == words["kk"].keys()
    assert words["en"].keys() == words["ru"].keys() | ENGLISH_ONLY


def test_locales_fill_the_same_values() -> None:
    russian = load_locale("ru").words

    for language in LANGUAGES:
        words = load_locale(language).words
        assert all(words[key].strip() for key in words)
        for key, wording in russian.items():
            assert _placeholders(words[key]) == _placeholders(wording), key


def test_locales_have_every_key_that_templates_name() -> None:
    named = {
        key
        for template in TEMPLATES.glob("*.html")
        for key in re.findall(r"\bt\(['\"]([\w.]+)['\"][,)]", template.read_text(encoding="utf-8"))
    }

    assert named
    assert named <= load_locale("ru").words.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_locales_have_a_word_for_every_action_and_kind_of_place(language: str) -> None:
    keys = [*(f"action.{action}" for action in Action), *(f"place.{kind}" for kind in Kind)]

    assert all(load_locale(language).has(key) for key in keys)


@pytest.mark.parametrize(
    ("language", "expected"), [("ru", "94,9 %"), ("kk", "94,9 %"), ("en", "94.9 %")]
)
def test_locale_percent_has_the_decimal_sign_of_its_language(language: str, expected: str) -> None:
    assert load_locale(language).percent(0.9499) == expected


@pytest.mark.parametrize(("language", "expected"), [("ru", "да"), ("kk", "иә"), ("en", "да")])
def test_locale_message_without_english_wording_is_in_russian(language: str, expected: str) -> None:
    assert load_locale(language).reason("no such code", Bilingual("да", "иә")) == expected


def test_locale_time_is_that_of_kazakhstan() -> None:
    moment = datetime(2026, 1, 19, 20, 15, tzinfo=UTC)

    assert load_locale("ru").time(moment) == "20.01.2026 01:15"
