from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.offsets import AHEAD, trace
from models.text import normalise, word_spans, words

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)
TAGS = ["<b>", "</b>", "<br/>", "&lt;", "&amp;", "&nbsp;", "&#1074;", "<script>", "<!--", "-->"]
TEXTS = ["вода", "су", " ", "\n", "и\u0306", "\u00ad", "<", "&", "🥶", "x>y", "\ud800"]
MARKUP = st.lists(st.sampled_from(TAGS + TEXTS), max_size=30).map("".join)


def found(text: str) -> list[tuple[str, str]]:
    """Return the words of the normalised text, each with what stands for it in the original."""
    traced = trace(text)
    places = ((word, traced.origin(start, end)) for word, start, end in word_spans(traced.text))
    return [(word, "" if place is None else text[slice(*place)]) for word, place in places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Су  жоқ", [("су", "Су"), ("жоқ", "жоқ")]),
        ("водо\u00adпро\u200bвод", [("водопровод", "водо\u00adпро\u200bвод")]),
        ("и\u0306од 🥶 лед", [("йод", "и\u0306од"), ("лед", "лед")]),
        (
            "<p title='снег'>Снег&nbsp;не<br>убран</p>",
            [("снег", "Снег"), ("не", "не"), ("убран", "убран")],
        ),
        ("<script>снег()</script>лёд<!-- снег -->", [("лед", "лёд")]),
        ("&#1074;ода", [("вода", "&#1074;ода")]),
        ("&lt;b&gt;вода&lt;/b&gt;", [("вода", "вода")]),
        ("при t<10 холодно", [("при", "при"), ("t", "t"), ("10", "10"), ("холодно", "холодно")]),
        # A parser takes `y'>` for text, or does not; either way the words after it are found.
        ("<a title='x>y'>снег</a> лежит", [("снег", "снег"), ("лежит", "лежит")]),
        ("снег <script>лежит", [("снег", "снег")]),
    ],
)
def test_trace_word_is_found_where_it_was_written(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert found(text) == expected


@given(ANY_TEXT | MARKUP)
def test_trace_any_text_gives_the_normalised_one(text: str) -> None:
    traced = trace(text)

    assert traced.text == normalise(text)
    assert len(traced.spans) == len(traced.text)
    assert all(0 <= start < end <= len(text) for start, end in filter(None, traced.spans))


@given(ANY_TEXT | MARKUP)
def test_trace_words_that_are_found_read_the_same(text: str) -> None:
    for word, place in found(text):
        # A final sigma is told by its neighbours.
        read = [other.casefold() for other in words(normalise(place))]
        assert not place or word.casefold() in read


@given(st.text(st.characters(codec="utf-8", exclude_characters="<&"), max_size=100))
def test_trace_text_without_markup_keeps_its_order(text: str) -> None:
    starts = [start for start, _ in filter(None, trace(text).spans)]

    assert starts == sorted(starts)


def test_trace_what_is_gone_far_ahead_has_no_origin() -> None:
    text = "<a title='x>" + "y " * AHEAD + "'>снег</a>"

    assert trace(text).origin(0, 10) is None
