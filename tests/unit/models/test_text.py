import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.text import (
    _ALL_VISIBLE,
    INVISIBLE,
    fold,
    is_russian,
    lemma,
    normalise,
    romanise,
    word_spans,
    words,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)
TAGS = ["<", ">", "&", "<b>", "</b>", "&lt;", "&amp;", "&nbsp;", "&#8203;", "<script>", "<!--"]
TEXTS = ["вода", " ", ";", "x", "/", "!", "\u200b", "\u00ad", "\ud800", "\u0338", "\u037e"]
MARKUP = st.lists(st.sampled_from(TAGS + TEXTS), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("<p>Нет&nbsp;воды<br>2 дня</p>", "Нет воды 2 дня"),
        ("вода<script>alert('x')</script><style>p {}</style> есть", "вода есть"),
        ("температура < 10", "температура < 10"),
        ("при t<10 и t>5 холодно", "при t<10 и t>5 холодно"),
        ("магазин AT&T", "магазин AT&T"),
        ("&lt;b&gt;срочно&lt;/b&gt;", "срочно"),
        ("нет\u00a0\u2003 воды\n\n\tвторой\u2028день ", "нет воды второй день"),
        ("водо\u00adпро\u200bвод", "водопровод"),
        ("и\u0306од", "йод"),
        ("\u202bсу\u202c жоқ\ufeff", "су жоқ"),
        ("пожар \ud83d 🔥", "пожар 🔥"),
        ("\x00\x07", ""),
        ("", ""),
    ],
)
def test_normalise_raw_text_gives_plain_text(raw, plain):
    assert normalise(raw) == plain


@given(ANY_TEXT | MARKUP)
def test_normalise_any_text_is_idempotent(text):
    once = normalise(text)
    assert normalise(once) == once


@given(ANY_TEXT | MARKUP)
def test_normalise_any_text_leaves_no_control_characters(text):
    assert not {unicodedata.category(one) for one in normalise(text)} & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    }


@pytest.mark.parametrize("text", ["<" * 20_000, "&amp;" * 4_000, "&lt;b" * 4_000, "<b " * 6_666])
def test_normalise_longest_hostile_text_is_idempotent(text):
    once = normalise(text)
    assert normalise(once) == once


def test_words_mixed_text_gives_lower_case_letters_and_digits():
    assert words("Ещё 32-й АВТОБУС, Сығанақ көшесі!") == [
        "еще",
        "32",
        "й",
        "автобус",
        "сығанақ",
        "көшесі",
    ]


def test_words_latin_look_alikes_inside_a_cyrillic_word_become_cyrillic():
    assert words("кiм жауап бередi, WhatsApp") == ["кім", "жауап", "береді", "whatsapp"]


@given(ANY_TEXT)
def test_word_spans_any_text_point_at_the_words(text):
    assert [word for word, _, _ in word_spans(text)] == words(text)
    assert all(words(text[start:end]) == [word] for word, start, end in word_spans(text))


def test_fold_kazakh_letters_gives_the_russian_ones_typed_instead():
    assert fold("қ ғ ң ү ұ ө ә і һ".replace(" ", "")) == "кгнууоаих"


@pytest.mark.parametrize(
    "spellings",
    [
        ("қоқыс", "кокыс", "qoqys", "kokys"),
        ("жөндеп", "жондеп", "jondep", "zhondep"),
        ("сәлем", "салем", "salem", "sälem", "sálem"),
        ("горячая", "goryachaya", "goriachaia"),
        ("щит", "shchit", "schit"),
        ("подъезд", "подьезд", "podezd"),
    ],
)
def test_romanise_spellings_of_one_word_meet_on_one_key(spellings):
    assert len({romanise(word) for word in spellings}) == 1


@pytest.mark.parametrize(
    ("word", "normal"),
    [("воды", "вода"), ("автобусами", "автобус"), ("шел", "идти"), ("елки", "елка")],
)
def test_lemma_russian_word_gives_the_normal_form(word, normal):
    assert lemma(word) == normal


@pytest.mark.parametrize(
    ("word", "known"),
    [("снега", True), ("елка", True), ("қар", False), ("жолдар", False), ("", False)],
)
def test_is_russian_tells_words_of_its_dictionary(word, known):
    assert is_russian(word) is known


@pytest.mark.parametrize("word", ["су", "жолдың", "voda", "32", "ж" * 20_000, "", "🔥"])
def test_lemma_other_word_stays(word):
    assert lemma(word) == word


@given(ANY_TEXT)
def test_lemma_any_word_never_raises(text):
    assert all(isinstance(lemma(word), str) for word in words(text))


def test_all_visible_has_no_invisible_character():
    every = (chr(code) for code in range(sys.maxunicode + 1))
    assert not [one for one in every if _ALL_VISIBLE.fullmatch(one) and INVISIBLE.match(one)]


@given(ANY_TEXT)
@example("ΟΔΟΣ İΣ İ ΑΣ.Σ кiм")
def test_words_of_a_text_are_those_of_its_chunks(text):
    assert words(text) == [word for chunk in text.split() for word in words(chunk)]
