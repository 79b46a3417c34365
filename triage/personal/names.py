"""Finds people's names: what follows "меня зовут" and its like, and patronymics with their names.

Names of streets, schools and squares after people are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from triage.personal.span import Kind, Span
from triage.personal.words import (
    AFTER_NAMED,
    BEFORE_NAMED,
    FAMOUS,
    FROM_SURNAME,
    NO_NAMES,
    PATRONYMIC,
    SURNAME,
)

_WORD = re.compile(r"[^\W\d_]++(?:[-'’][^\W\d_]++)*")
_SPACE = re.compile(r"[ \t\u00a0]{1,2}")
_INITIAL_GAP = re.compile(r"\.? ?")
_HOUSE = re.compile(r"[ ,]{0,2}(?:д\.? ?)?\d")
_MAX_WORDS = 4


class _Trust(Enum):
    """How much the words before a name say that it is one."""

    FULL = "in small letters as well"
    CAPITAL = "with a capital letter"
    SHORT = "with a capital letter, after a point"
    COMMA = "with a capital letter, after a comma"
    FORM = "with a surname, initials or a patronymic"


_PHRASES: Mapping[tuple[str, ...], _Trust] = {
    **dict.fromkeys(
        [
            ("меня", "зовут"),
            ("зовут", "меня"),
            ("мое", "имя"),
            ("моё", "имя"),
            ("менің", "атым"),
            ("менің", "есімім"),
            ("менин", "атым"),
            ("аты-жөнім",),
            ("аты", "жөнім"),
        ],
        _Trust.FULL,
    ),
    **dict.fromkeys(
        [
            ("фио",),
            ("гражданин",),
            ("гражданина",),
            ("гражданке",),
            ("гражданка",),
            ("гражданки",),
            ("с", "уважением"),
            ("заявитель",),
            ("заявительница",),
            ("подпись",),
            ("имя",),
            ("фамилия",),
            ("отчество",),
            ("атым",),
            ("есімім",),
            ("тегім",),
            ("аты-жөні",),
            ("азамат",),
            ("азаматша",),
            ("азаматы",),
            ("азаматшасы",),
            ("құрметпен",),
            ("курметпен",),
            ("өтініш", "беруші"),
            ("арыз", "беруші"),
            ("қолы",),
        ],
        _Trust.CAPITAL,
    ),
    ("ф", "и", "о"): _Trust.SHORT,
    ("гр",): _Trust.SHORT,
    ("я",): _Trust.COMMA,
    ("мен",): _Trust.COMMA,
    ("от",): _Trust.FORM,
}
_LONGEST = max(map(len, _PHRASES))
_OPENERS = frozenset(phrase[0] for phrase in _PHRASES)
_NO_NAMES = NO_NAMES | _OPENERS

_GAPS = {
    _Trust.FULL: re.compile(r"[ \t\u00a0:.,–—-]{1,4}"),
    _Trust.CAPITAL: re.compile(r"[ \t\u00a0:,–—-]{1,4}"),
    _Trust.SHORT: re.compile(r"[ .:]{1,4}"),
    _Trust.COMMA: re.compile(r" ?, ?"),
    _Trust.FORM: re.compile(r"[ :]{1,3}"),
}


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text with their spans."""

    text: str
    words: Sequence[re.Match[str]]
    lower: Sequence[str]

    @classmethod
    def of(cls, text: str) -> _Words:
        words = list(_WORD.finditer(text))
        return cls(text, words, [word[0].lower() for word in words])

    def at(self, index: int) -> str:
        """Return a word, empty beyond the ends."""
        return self.words[index][0] if 0 <= index < len(self.words) else ""

    def is_beside(self, index: int, gap: re.Pattern[str] = _SPACE) -> bool:
        """Whether only a gap stands between a word and the one before."""
        if not 0 < index < len(self.words):
            return False
        ends, starts = self.words[index - 1].end(), self.words[index].start()
        return bool(gap.fullmatch(self.text, ends, starts))

    def is_initial(self, index: int) -> bool:
        """Whether a word is a capital letter with a point."""
        word = self.words[index]
        return len(word[0]) == 1 and word[0].isupper() and self.text.startswith(".", word.end())

    def span(self, first: int, stop: int) -> Span:
        """Return the span of some words, the point after a last initial in it."""
        end = self.words[stop - 1].end()
        return Span(self.words[first].start(), end + self.is_initial(stop - 1), Kind.NAME)


def find_names(text: str) -> Iterator[Span]:
    """Yield the names; time grows with the text."""
    words = _Words.of(text)
    at = hidden = 0
    while at < len(words.words):
        found = _after_phrase(words, at) or _around_patronymic(words, at, hidden)
        if found is None:
            at += 1
        else:
            yield words.span(*found)
            at = hidden = found[1]


def _after_phrase(words: _Words, first: int) -> tuple[int, int] | None:
    """Return the words of a name that follows the phrase beginning here."""
    if words.lower[first] not in _OPENERS:
        return None
    for size in range(_LONGEST, 0, -1):
        trust = _PHRASES.get(tuple(words.lower[first : first + size]))
        if trust is None:
            continue
        begin = first + size
        if not words.is_beside(begin, _GAPS[trust]):
            return None
        stop = _end_of_name(words, begin, trust)
        return (begin, stop) if _is_name(words, begin, stop, trust) else None
    return None


def _end_of_name(words: _Words, begin: int, trust: _Trust) -> int:
    """Return where the words end that may be a name; `begin` where none may."""
    stop = begin
    while stop - begin < _MAX_WORDS and _continues(words, begin, stop, trust):
        stop += 1
    return stop


def _continues(words: _Words, begin: int, at: int, trust: _Trust) -> bool:
    word = words.at(at)
    if not word or (not words.is_initial(at) and _is_no_name(words, at)):
        return False
    if at == begin:
        return word[0].isupper() or trust is _Trust.FULL
    is_after_initial = len(words.at(at - 1)) == 1
    if not words.is_beside(at, _INITIAL_GAP if is_after_initial else _SPACE):
        return False
    if word.isupper() and len(word) > 1:
        return words.at(begin).isupper() and _has_form(word)
    return word[0].isupper() or _has_form(word) or _is_before_patronymic(words, at)


def _is_before_patronymic(words: _Words, at: int) -> bool:
    return words.is_beside(at + 1) and bool(PATRONYMIC.search(words.at(at + 1)))


def _is_name(words: _Words, begin: int, stop: int, trust: _Trust) -> bool:
    name = [words.at(index) for index in range(begin, stop)]
    if all(len(word) == 1 for word in name) or _is_of_a_place(words, begin, stop):
        return False
    if trust is not _Trust.FORM:
        return True
    if _HOUSE.match(words.text, words.words[stop - 1].end()):
        return False
    is_marked = any(len(word) == 1 or PATRONYMIC.search(word) for word in name)
    return len(name) > 1 and (is_marked or bool(FROM_SURNAME.search(name[0])))


def _around_patronymic(words: _Words, first: int, hidden: int) -> tuple[int, int] | None:
    """Return the words of a name that begins here and has a patronymic among its next words.

    Words before `hidden` are found already.
    """
    if not _is_capital(words, first) or (first > hidden and _is_hanging(words, first)):
        return None
    stop = first + 1
    while stop - first < _MAX_WORDS and _is_capital(words, stop) and words.is_beside(stop):
        stop += 1
    places = [place for place in range(first, stop) if PATRONYMIC.search(words.at(place))]
    if not places or places[0] == first == stop - 1:
        return None
    # After a patronymic there is at most a surname.
    stop = min(stop, places[0] + (2 if places[0] - first < 2 else 1))
    return None if _is_of_a_place(words, first, stop) else (first, stop)


def _is_hanging(words: _Words, first: int) -> bool:
    """Whether the word before is a part of the same row of capitals, looked at before."""
    return words.is_beside(first) and _is_capital(words, first - 1)


def _is_capital(words: _Words, at: int) -> bool:
    word = words.at(at)
    return len(word) > 1 and word[0].isupper() and not _is_no_name(words, at)


def _is_no_name(words: _Words, at: int) -> bool:
    word = words.lower[at]
    places = BEFORE_NAMED.fullmatch(word), AFTER_NAMED.match(word), FAMOUS.match(word)
    return word in _NO_NAMES or any(places)


def _is_of_a_place(words: _Words, begin: int, stop: int) -> bool:
    """Whether a street or school bears the name: a word before or after it says so."""
    before = words.at(begin - 1) if words.is_beside(begin, _PLACE_GAP) else ""
    after = words.at(stop) if words.is_beside(stop, _PLACE_GAP) else ""
    return bool(BEFORE_NAMED.fullmatch(before) or AFTER_NAMED.match(after))


def _has_form(word: str) -> bool:
    return bool(SURNAME.search(word) or PATRONYMIC.search(word))


_PLACE_GAP = re.compile(r"[ .\u00a0«\"]{1,3}")
