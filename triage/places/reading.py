"""A text read once: its words with what they may be, and its numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from models.text import word_spans
from triage.places.words import UNKNOWN, Word, Words

_RUNS = re.compile(r"\d+|\D+")
_NOTHING = ("", " ")
_JOINING = ("-", "/")
_SENTENCE_END = re.compile(r"[!?…;\n]|\.(?!\d)")


class Token(NamedTuple):
    """A word or a number of a text.

    Attributes
    ----------
    text
        In lower case.
    start, end
        Its span in the text.
    gap
        What stands between it and the token before.
    sentence
        The number of its sentence.
    """

    text: str
    start: int
    end: int
    gap: str
    sentence: int
    word: Word

    @property
    def is_number(self) -> bool:
        """Whether it is written in digits."""
        return self.text.isdecimal()


_END = Token("", -1, -1, "\n", -1, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Reading:
    """The tokens of a text, and which parts the words of each sentence may play."""

    text: str
    tokens: tuple[Token, ...]
    sentences: Mapping[int, set[str]]

    @classmethod
    def of(cls, text: str, words: Words) -> Reading:
        """Read a text."""
        tokens = _tokens(text, words)
        sentences: defaultdict[int, set[str]] = defaultdict(set)
        for token in tokens:
            if token.word.parts:
                sentences[token.sentence] |= token.word.parts
        return cls(text, tuple(tokens), sentences)

    def at(self, position: int) -> Token:
        """Return a token; beyond the text's ends, one that is nothing."""
        return self.tokens[position] if 0 <= position < len(self.tokens) else _END

    def has(self, position: int, part: str) -> bool:
        """Tell whether a token may play a part."""
        return part in self.at(position).word.parts

    def is_near(self, position: int, part: str) -> bool:
        """Tell whether a word of a token's sentence may play a part."""
        return part in self.sentences.get(self.at(position).sentence, ())

    def is_capital(self, position: int) -> bool:
        """Tell whether a token begins with a capital letter."""
        token = self.at(position)
        return self.text[token.start : token.start + 1].isupper()

    def is_title(self, position: int) -> bool:
        """Tell whether a capital letter begins a token that is not all in capitals."""
        token = self.at(position)
        return self.is_capital(position) and not self.text[token.start + 1 : token.end].isupper()


def _tokens(text: str, words: Words) -> list[Token]:
    tokens: list[Token] = []
    end = sentence = 0
    for word, start, stop in word_spans(text):
        for run, run_start, run_end in _runs(word, start, stop):
            gap = text[end:run_start]
            if tokens and gap not in _NOTHING:
                before = tokens[-1]
                if gap in _JOINING and before.text + gap + run in words.compounds:
                    run, gap, run_start = before.text + gap + run, before.gap, before.start
                    tokens.pop()
                elif _ends_sentence(before, gap):
                    sentence += 1
            known = UNKNOWN if run.isdecimal() else words.read(run)
            tokens.append(Token(run, run_start, run_end, gap, sentence, known))
            end = run_end
    return tokens


def _runs(word: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """Split a word where letters and digits meet."""
    if word.isalpha() or word.isdecimal():
        return [(word, start, end)]
    return [(run[0], start + run.start(), start + run.end()) for run in _RUNS.finditer(word)]


def _ends_sentence(before: Token, gap: str) -> bool:
    if not _SENTENCE_END.search(gap):
        return False
    if gap.strip() != ".":
        return True
    short = len(before.text) == 1 and not before.is_number
    return not (short or "abbreviation" in before.word.parts)
