"""Text as the models see it: plain, NFC, one space, and its words in a few spellings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from selectolax.lexbor import LexborHTMLParser

WORD_CACHE_SIZE = 50_000
"""Words whose lemma or key is remembered: nearly every word of a city's appeals, in some 10 MB."""

MAX_WORD_CHARS = 40
"""Longer words are typing accidents or worse: they are cut, lest caches of words fill memory."""

MARKUP_DEPTH = 4
"""How often escaped markup is unescaped again ('&amp;lt;' needs two)."""

# Cc, Cf and Cs without the white space among them, and what is invisible in other categories.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f"
    "\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# What most texts are made of; to look for what is not in here takes a fifth of the time.
_ALL_VISIBLE = re.compile(
    "[\t-\r -~\xa0-\xac\xae-\u02ff\u0400-\u04ff\u2010-\u2027\u2030-\u205e\u2116]*"
)
TAG_OR_ENTITY = re.compile(r"<[A-Za-z/!?]|&[A-Za-z#]")
_BARE_LESS_THAN = re.compile(r"<(?![A-Za-z/!?][^<>]*>)")
_MARKUP_TO_SPACE = str.maketrans("<&", "  ")

_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile("[a-zə]")
_BOTH_SCRIPTS = re.compile("[a-zə][а-яқғңүұөәіһ]|[а-яқғңүұөәіһ][a-zə]")
_LOOK_ALIKES = str.maketrans("aceopxyikhmtə", "асеорхуікһмтә")
_TO_RUSSIAN = str.maketrans("қғңүұөәіһ", "кгнууоаих")
_TO_LATIN = str.maketrans(
    dict(zip("абвгдеёзийклмнопрстуфхыэ", "abvgdeeziiklmnoprstufhie", strict=True))
    | {"ж": "j", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "ю": "iu", "я": "ia"}
    | dict(zip("əäáöóüūúýıíğǵñń", "aaaoouuuuiiggnn", strict=True))
    | {"ş": "sh", "ç": "ch", "q": "k", "w": "u", "x": "h", "y": "i"}
)
_DIGRAPH = re.compile("shch|sch|zh|kh|gh|ts|ii+")
_DIGRAPH_LETTER = {"shch": "sh", "sch": "sh", "zh": "j", "kh": "h", "gh": "g", "ts": "c"}
_RUSSIAN_WORD = re.compile("[а-яё]+")


def normalise(text: str) -> str:
    """Return the text without markup and invisible characters, in NFC, its white space folded.

    Tags become spaces, scripts and styles go, entities are unescaped; a `<` that opens no tag
    stays. The result is a fixed point: normalising it again changes nothing.
    """
    text = _clean(text)
    for _ in range(MARKUP_DEPTH):
        if not TAG_OR_ENTITY.search(text):
            return text
        plain = _clean(_without_markup(text))
        if plain == text:
            return text
        text = plain
    return _clean(text.translate(_MARKUP_TO_SPACE))


def words(text: str) -> list[str]:
    """Return the words: lower case, letters and digits of any script, ё as е.

    Latin look-alikes inside a Cyrillic word ('кiм' with a Latin i) become Cyrillic; a word is
    cut after `MAX_WORD_CHARS`.
    """
    lowered = _lower(text)
    found = [word[:MAX_WORD_CHARS] for word in _WORD.findall(lowered)]
    return list(map(_one_script, found)) if _LATIN.search(lowered) else found


@lru_cache(maxsize=1)
def word_spans(text: str) -> tuple[tuple[str, int, int], ...]:
    """Return the words as `words` does, each with where it starts and ends in the text.

    The last text is remembered: places, danger and words of rules are looked for in the same one.
    """
    lowered = _lower(text)
    spans = ((match[0][:MAX_WORD_CHARS], *match.span()) for match in _WORD.finditer(lowered))
    if not _LATIN.search(lowered):
        return tuple(spans)
    return tuple((_one_script(word), start, end) for word, start, end in spans)


def fold(word: str) -> str:
    """Return the word as it is typed on a keyboard without Kazakh letters (қала -> кала)."""
    return word.translate(_TO_RUSSIAN)


@lru_cache(maxsize=WORD_CACHE_SIZE)
def romanise(word: str) -> str:
    """Return a Latin key on which the spellings of a word meet.

    'қоқыс', 'кокыс', 'qoqys' and 'kokis' give 'kokis'; 'горячая' and 'goryachaya' 'goriachaia'.
    """
    key = fold(word).translate(_TO_LATIN)
    return _DIGRAPH.sub(lambda found: _DIGRAPH_LETTER.get(found[0], "i"), key)


def lemma(word: str) -> str:
    """Return the normal form of a Russian word, ё as е; any other word as it is."""
    if not _RUSSIAN_WORD.fullmatch(word):
        return word
    return _russian_lemma(word)


@lru_cache(maxsize=WORD_CACHE_SIZE)
def is_russian(word: str) -> bool:
    """Tell whether the Russian dictionary has a word, ё as е or not."""
    return bool(_RUSSIAN_WORD.fullmatch(word)) and bool(_analyzer().word_is_known(word))


def _lower(text: str) -> str:
    """Return the text in lower case, ё as е, letter for letter."""
    # 'İ' alone becomes two characters: it is left as it is.
    return "İ".join(part.lower() for part in text.split("İ")).replace("ё", "е")


def _one_script(word: str) -> str:
    if not _BOTH_SCRIPTS.search(word):
        return word
    cyrillic = word.translate(_LOOK_ALIKES)
    return word if _LATIN.search(cyrillic) else cyrillic


def _clean(text: str) -> str:
    visible = text if _ALL_VISIBLE.fullmatch(text) else INVISIBLE.sub("", text)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def _without_markup(text: str) -> str:
    tree = LexborHTMLParser(_BARE_LESS_THAN.sub("&lt;", text))
    tree.strip_tags(["script", "style"])
    return tree.root.text(separator=" ") if tree.root else ""


@lru_cache(maxsize=WORD_CACHE_SIZE)
def _russian_lemma(word: str) -> str:
    normal: str = _analyzer().parse(word)[0].normal_form
    return normal.replace("ё", "е")


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    # Loading its dictionaries takes half a second, and most processes never lemmatise.
    import pymorphy3

    return pymorphy3.MorphAnalyzer()
