"""Where each character of a normalised text comes from in the text as it came in.

`models.text.normalise` is followed step by step, with a span beside every character. Broken
markup, which an HTML parser mends in ways that can't be followed so, is traced word by word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from itertools import pairwise
from typing import NamedTuple

from models.text import INVISIBLE, MARKUP_DEPTH, TAG_OR_ENTITY, normalise, word_spans


class Span(NamedTuple):
    """A stretch of a text: where it starts, and where it has ended."""

    start: int
    end: int


class Traced(NamedTuple):
    """A text on its way to the normalised one, and each character's span in the original."""

    text: str
    spans: Sequence[Span | None]

    def origin(self, start: int, end: int) -> Span | None:
        """Return the stretch of the original that a stretch of this text comes from.

        None where that is not known.
        """
        known = [span for span in self.spans[start:end] if span is not None]
        if not known:
            return None
        return Span(min(span.start for span in known), max(span.end for span in known))


AHEAD = 50
"""Words to look ahead for one of broken markup: more than an attribute has."""

_Piece = tuple[str, Span | None]

_MARKUP = re.compile(
    r"(?P<tag><(?P<silent>script|style)\b[^<>]*>.*?</(?P=silent)\s*>"
    r"|<!--.*?-->|<[A-Za-z/!?][^<>]*>)|&#?[^\t\n\f <&#;]{1,32};?",
    re.IGNORECASE | re.DOTALL,
)
_MARKUP_SIGN = re.compile("[<&]")


def trace(text: str) -> Traced:
    """Return the normalised text with the origins of its characters."""
    normal = normalise(text)
    followed = _follow(Traced(text, [Span(at, at + 1) for at in range(len(text))]))
    return followed if followed.text == normal else _by_words(normal, followed)


def _follow(traced: Traced) -> Traced:
    """Do what `normalise` does."""
    traced = _clean(traced)
    for _ in range(MARKUP_DEPTH):
        if not TAG_OR_ENTITY.search(traced.text):
            return traced
        plain = _clean(_built(_without_markup(traced)))
        if plain.text == traced.text:
            return traced
        traced = plain
    return _clean(Traced(_MARKUP_SIGN.sub(" ", traced.text), traced.spans))


def _clean(traced: Traced) -> Traced:
    for step in (_visible, _composed, _folded):
        traced = _built(step(traced))
    return traced


def _built(pieces: Iterable[_Piece]) -> Traced:
    """Put pieces together; each character of a piece has the span of the piece."""
    listed = list(pieces)
    spans = [span for piece, span in listed for _ in piece]
    return Traced("".join(piece for piece, _ in listed), spans)


def _visible(traced: Traced) -> Iterator[_Piece]:
    for piece in zip(*traced, strict=True):
        if not INVISIBLE.match(piece[0]):
            yield piece


def _composed(traced: Traced) -> Iterator[_Piece]:
    """Yield clusters of a character and its combining marks, in NFC."""
    starts = [at for at, one in enumerate(traced.text) if not at or not unicodedata.combining(one)]
    for start, end in pairwise([*starts, len(traced.text)]):
        yield unicodedata.normalize("NFC", traced.text[start:end]), traced.origin(start, end)


def _folded(traced: Traced) -> Iterator[_Piece]:
    """Yield words, and the white space between them as one space."""
    last_end = 0
    for word in re.finditer(r"\S+", traced.text):
        if last_end:
            yield " ", traced.origin(last_end, word.start())
        yield from zip(word[0], traced.spans[word.start() : word.end()], strict=True)
        last_end = word.end()


def _without_markup(traced: Traced) -> Iterator[_Piece]:
    """Yield a space for each tag, what each entity stands for, and all between as it is."""
    last_end = 0
    for found in _MARKUP.finditer(traced.text):
        yield from _between(traced, last_end, found.start())
        last_end = found.end()
        plain = " " if found["tag"] else unescape(found[0])
        yield plain, traced.origin(found.start(), found.end())
    yield from _between(traced, last_end, len(traced.text))


def _between(traced: Traced, start: int, end: int) -> Iterator[_Piece]:
    yield from zip(traced.text[start:end], traced.spans[start:end], strict=True)


def _by_words(normal: str, followed: Traced) -> Traced:
    """Give words of the normalised text the origins of the same words in the same order.

    What was followed has nearly all words of the normalised text and a few more, so that each is
    looked for a little ahead of the one before.
    """
    spans: list[Span | None] = [None] * len(normal)
    theirs = word_spans(followed.text)
    last = 0
    for word, start, end in word_spans(normal):
        for at, (other, other_start, other_end) in enumerate(theirs[last : last + AHEAD], last):
            if other == word:
                spans[start:end] = [followed.origin(other_start, other_end)] * (end - start)
                last = at + 1
                break
    return Traced(normal, spans)
