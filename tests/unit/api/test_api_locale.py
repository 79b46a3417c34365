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

WEB = Path(api.web.__file__).parent
TEMPLATES = "\n".join(path.read_text(encoding="utf-8") for path in WEB.rglob("*.html"))
SOURCES = re.sub(r"{#.*?#}", "", TEMPLATES, flags=re.DOTALL) + "\n".join(
    path.read_text(encoding="utf-8") for path in WEB.parent.rglob("*.py")
)
ENGLISH_ONLY = (
    {f"reason.{code}" for code in REASONS}
    | {f"reason.rule.{rule}" for rule in RULES}
    | {f"reason.note.{note}" for note in NOTES}
)


def _wordings(language: str) -> dict[str, str]:
    """Return every message of a language, a counted one by its last form."""
    locale = load_locale(language)
    return {**locale.words, **{key: forms[-1] for key, forms in locale.forms.items()}}


def _placeholders(wording: str) -> set[str]:
    return set(re.findall(r"{(\w*)}", wording))


def _named() -> set[str]:
    """Return the keys that templates and handlers give to `t` and `count` as they are."""
    return set(re.findall(r"(?:\bt|tell|count)\(\s*['\"]([\w.]+\w)['\"]\s*[,)]", SOURCES))


def test_locales_have_the_same_keys() -> None:
    keys = {language: _wordings(language).keys() for language in LANGUAGES}

    assert keys["ru"] == keys["kk"]
    assert keys["en"] == keys["ru"] | ENGLISH_ONLY


def test_locales_fill_the_same_values() -> None:
    russian = _wordings("ru")

    for language in LANGUAGES:
        words = _wordings(language)
        assert all(words[key].strip() for key in words)
        for key, wording in russian.items():
            assert _placeholders(words[key]) == _placeholders(wording), key


@pytest.mark.parametrize(("language", "forms"), [("ru", 3), ("kk", 2), ("en", 2)])
def test_locale_counted_messages_have_all_forms(language: str, forms: int) -> None:
    told = load_locale(language).forms

    assert told
    assert {len(one) for one in told.values()} == {forms}
    assert all(form.strip() for one in told.values() for form in one)


def test_locales_have_every_key_that_is_named() -> None:
    named = _named()

    assert len(named) > 100
    assert named <= _wordings("ru").keys()


def test_locales_have_no_key_that_nothing_names() -> None:
    literals = set(re.findall(r"['\"]([\w.]+)['\"]", SOURCES))
    prefixes = tuple(set(re.findall(r"['\"](\w[\w.]*\.)(?:['\"]|\{)", SOURCES)))

    unused = {
        key for key in _wordings("ru") if key not in literals and not key.startswith(prefixes)
    }

    assert not unused


@pytest.mark.parametrize(
    ("language", "n", "expected"),
    [
        ("ru", 1, "1 обращение"),
        ("ru", 3, "3 обращения"),
        ("ru", 11, "11 обращений"),
        ("ru", 1021, "1\xa0021 обращение"),
        ("kk", 1, "1 өтініш"),
        ("kk", 5, "5 өтініш"),
        ("en", 1, "1 appeal"),
        ("en", 1200, "1,200 appeals"),
    ],
)
def test_locale_counts_as_its_language_does(language: str, n: int, expected: str) -> None:
    assert load_locale(language).count("queue.count", n) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [("ru", "20 янв. 2026, 01:15"), ("kk", "20 қаң. 2026, 01:15"), ("en", "20 Jan 2026, 01:15")],
)
def test_locale_moment_has_the_month_in_words(language: str, expected: str) -> None:
    moment = datetime(2026, 1, 19, 20, 15, tzinfo=UTC)

    assert load_locale(language).moment(moment) == expected


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
