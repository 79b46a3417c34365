"""Spellings that must meet, endings that must be told from other words."""

import pytest

from triage.places.keys import is_ending, is_locative, is_name_ending, is_ski, key, stem
from triage.places.typos import TypoIndex


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("сейфуллина", "seyfulina"),
        ("сығанақ", "syganaq"),
        ("жұмабаев", "zhumabayev"),
        ("есиль", "yesil"),
        ("джамбул", "жамбул"),
        ("левый", "levyj"),
        ("момышұлы", "momyshuly"),
    ],
)
def test_key_spellings_of_a_word_meet(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize("ending", ["", "а", "ой", "ами", "да", "дағы", "ның", "ларымыз", "нда"])
def test_is_ending_takes_cases_of_both_languages(ending):
    assert is_ending(key(ending))


@pytest.mark.parametrize("rest", ["ник", "лық", "чик", "ский", "тор"])
def test_is_ending_refuses_what_makes_another_word(rest):
    assert not is_ending(key(rest))


def test_is_name_ending_allows_for_the_lost_vowel_of_a_stem():
    assert stem("жырау") == "jirau"
    assert stem("сарыарқа") == "sariark"
    assert is_name_ending(key("сарыарқада").removeprefix("sariark"))


@pytest.mark.parametrize("ending", ["да", "тағы", "нда", "дегі"])
def test_is_locative_takes_the_case_of_being_in_a_place(ending):
    assert is_locative(key(ending))


@pytest.mark.parametrize("ending", ["", "а", "ға", "мен", "дан"])
def test_is_locative_refuses_other_cases(ending):
    assert not is_locative(key(ending))


@pytest.mark.parametrize(("stem_of_name", "word"), [("esil", "есильском"), ("nur", "нуринского")])
def test_is_ski_takes_adjectives_of_names(stem_of_name, word):
    assert is_ski(key(word).removeprefix(stem_of_name))


@pytest.mark.parametrize(
    "word",
    ["нежимеденова", "нажимденова", "нажимеоденова", "нажимеденвоа", "нажимединовада"],
)
def test_find_typo_of_one_letter_is_found(word):
    index: TypoIndex[str] = TypoIndex()
    index.add(key("нажимеденов"), "found")
    assert [found.payload for found in index.find(key(word))] == ["found"]


@pytest.mark.parametrize("word", ["нежимидинова", "режиссера", "нажим"])
def test_find_typo_of_more_letters_is_not_found(word):
    index: TypoIndex[str] = TypoIndex()
    index.add(key("нажимеденов"), "found")
    assert list(index.find(key(word))) == []
