from __future__ import annotations

import pytest

from triage.search import MAX_WORDS, parse_query, stems

HOSTILE = [
    "\"'\\;--",
    'снег" OR "қар',
    "снег' | 'қар",
    "снег:*",
    "(((((",
    "NOT AND OR NEAR",
    "🥶👩‍👩‍👧‍👦 снег",
    "\x00\x01 снег",
    "щ" * 10_000,
    "снег " * 2_000,
    "雪 снег ﷽ Ǆ İ ß",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: ascii(hostile[:12]))
def test_stems_of_anything_are_letters_and_digits(hostile: str) -> None:
    terms = parse_query(hostile)
    found = [stem for term in terms for stem in (*term.stems, term.prefix or "x")]
    assert all(stem.isalnum() for stem in (*found, *stems(hostile, "kk")))
    assert all(stem == stem.lower() for stem in found if stem.isascii())


def test_parse_query_long_keeps_its_first_words() -> None:
    words = [f"слово{number}" for number in range(1_000)]
    terms = parse_query(" ".join(words))
    assert len(terms) == MAX_WORDS
    assert terms == (*parse_query(" ".join(words[:MAX_WORDS])),)


def test_parse_query_without_words_has_no_terms() -> None:
    assert parse_query(" \"'🥶*()") == ()


def test_stems_of_a_text_come_once() -> None:
    assert stems("снег, снега, снегу", "ru") == ("sneg",)
