"""The student's tokeniser: every spelling of a word on one key, its pieces the teacher's.

The normaliser, part of the tokeniser's own file, writes Latin letters as Cyrillic ones and Kazakh
letters as their Russian neighbours: 'қоқыс', 'кокыс', 'qoqys' and 'kokys' are cut into the same
pieces. Pieces are the teacher's, respelled so, and the frequent words of the texts.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from models.text import fold

VOCABULARY_SIZE = 40_000
"""With 256 dimensions in int8, an encoder of some 11.5 MB."""

WORD_START = "▁"
KAZAKH_LETTERS = "қғңөұүәіһ"
ALPHABET = "абвгдежзийклмнопрстуфхцчшщъыьэюя0"
"""What is left after normalising; 0 stands for any number."""

DIGRAPHS = (
    ("shch", "щ"),
    ("sch", "щ"),
    ("zh", "ж"),
    ("kh", "х"),
    ("gh", "г"),
    ("ts", "ц"),
    ("ch", "ч"),
    ("sh", "ш"),
    ("yu", "ю"),
    ("iu", "ю"),
    ("ya", "я"),
    ("ia", "я"),
    ("yo", "е"),
    ("ye", "е"),
)
LATIN = "abcdefghijklmnopqrstuvwxyzäáəçğǵıíïñńŋöóşüúūý"
CYRILLIC = "абцдефгхижклмнопкрстувухызааачггыииннноошуууу"
"""The letters of `LATIN` in Russian ones, as Kazakh is typed: q is қ, w is у, j is ж."""

MIN_COUNT = 3
"""A word must come so often to become a piece."""

MIN_WORD = 4
"""Shorter words, with the mark of a word's start, are hardly longer than the teacher's pieces."""

WORD_SHARE = 0.3
"""Share of the texts' probability that whole words get, the rest being left to pieces."""

RARE, ALONE, UNKNOWN = 1e-8, 1e-5, 1e-13
"""Probabilities of a letter, of a word's start by itself, and of what is no letter."""

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS_OR_DIGITS = re.compile(r"[^\W_]+")
_LATIN_WORD = re.compile("[A-Za-z]+")
_PIECE = re.compile(f"{WORD_START}?(?:[{ALPHABET[:-1]}]+|0)")


@dataclass(frozen=True)
class StudentTokeniser:
    """A tokeniser and how its pieces are usually written.

    Attributes
    ----------
    tokenizer
        Without special tokens; piece 0 is the unknown one.
    surfaces
        A text for each piece but the unknown: the teacher's view of it starts its vector.
    """

    tokenizer: Tokenizer
    surfaces: tuple[str, ...]


def spelling_normalizer() -> normalizers.Normalizer:
    """Return the normaliser that brings all spellings of a word together."""
    letters = [(letter, fold(letter)) for letter in KAZAKH_LETTERS]
    latin = list(zip(LATIN, CYRILLIC, strict=True))
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            *_replace([("ё", "е"), *DIGRAPHS]),
            normalizers.Replace(Regex("(?<=[aeiouаеиоуыэюя])y"), "й"),
            *_replace([*latin, *letters]),
            normalizers.Replace(Regex("[0-9]+"), "0"),
            normalizers.Replace(Regex(r"[^\p{L}0]+"), " "),
            normalizers.Strip(),
        ]
    )


def make_tokeniser(
    teacher: Tokenizer, texts: Sequence[str], size: int = VOCABULARY_SIZE
) -> StudentTokeniser:
    """Make a Unigram tokeniser (Kudo, "Subword Regularization", 2018) of at most `size` pieces.

    Every letter is a piece, then come the teacher's, the most probable first, then words.
    """
    normalizer = spelling_normalizer()
    counts, surfaces = _count_words(texts, normalizer)
    probability = _merged(_teacher_pieces(teacher, normalizer), counts)
    kept = dict(islice(probability.items(), size - 1))
    vocabulary = sorted(kept, key=lambda piece: -kept[piece])
    scores = [("<unk>", UNKNOWN), *((piece, kept[piece]) for piece in vocabulary)]
    tokenizer = Tokenizer(
        models.Unigram([(p, round(math.log(share), 2)) for p, share in scores], 0)
    )
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    written = (surfaces.get(piece, piece.lstrip(WORD_START) or piece) for piece in vocabulary)
    return StudentTokeniser(tokenizer, tuple(written))


def _merged(pieces: dict[str, float], words: Counter[str]) -> dict[str, float]:
    """Return the probabilities of letters, pieces and words, what must be kept first."""
    probability = {WORD_START: ALONE}
    probability |= {start + letter: RARE for letter in ALPHABET for start in ("", WORD_START)}
    for piece in sorted(pieces, key=lambda piece: -pieces[piece]):
        probability[piece] = max(pieces[piece], probability.get(piece, 0))
    total = words.total()
    for word, count in words.most_common():
        if word in probability or (count >= MIN_COUNT and len(word) >= MIN_WORD):
            probability[word] = max(WORD_SHARE * count / total, probability.get(word, 0))
    return probability


def _replace(pairs: Iterable[tuple[str, str]]) -> list[normalizers.Normalizer]:
    return [normalizers.Replace(old, new) for old, new in pairs]


def _teacher_pieces(teacher: Tokenizer, normalizer: normalizers.Normalizer) -> dict[str, float]:
    """Return the teacher's Cyrillic pieces and numbers, respelled, with their probabilities."""
    pieces: dict[str, float] = defaultdict(float)
    for piece, share in _probabilities(json.loads(teacher.to_str())["model"]):
        start = WORD_START if piece.startswith(WORD_START) else ""
        body = piece.removeprefix(WORD_START)
        if _LETTERS_OR_DIGITS.fullmatch(body) and not _LATIN_WORD.fullmatch(body):
            respelled = start + normalizer.normalize_str(body)
            if _PIECE.fullmatch(respelled):
                pieces[respelled] += share
    return pieces


def _probabilities(model: dict[str, Any]) -> list[tuple[str, float]]:
    """Return a tokeniser's pieces, a word's first marked with `WORD_START`.

    Only Unigram models hold probabilities. Others list frequent pieces first, so that Zipf's law
    stands in for them.
    """
    if model["type"] == "Unigram":
        return [(piece, math.exp(score)) for piece, score in model["vocab"]]
    ranked = sorted(model["vocab"], key=model["vocab"].__getitem__)
    if model["type"] == "WordPiece":
        ranked = [piece[2:] if piece.startswith("##") else WORD_START + piece for piece in ranked]
    total = sum(1 / rank for rank in range(1, len(ranked) + 1))
    return [(piece, 1 / rank / total) for rank, piece in enumerate(ranked, start=1)]


def _count_words(
    texts: Iterable[str], normalizer: normalizers.Normalizer
) -> tuple[Counter[str], dict[str, str]]:
    """Count words as pieces, and find how each is written most often."""
    written = Counter(word for text in texts for word in _WORD.findall(text))
    counts: Counter[str] = Counter()
    surfaces: dict[str, str] = {}
    for word, count in written.most_common():
        piece = WORD_START + normalizer.normalize_str(word)
        if _PIECE.fullmatch(piece):
            counts[piece] += count
            surfaces.setdefault(piece, word)
    return counts, surfaces
