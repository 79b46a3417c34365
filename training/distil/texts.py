"""What an encoder is distilled on: texts, their languages, and which say the same."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import training
from models.language import Language, identify
from models.text import normalise
from training.errors import InvalidTrainingDataError
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.records import read_records

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Pair = tuple[str, str]
"""A Kazakh text and the same in Russian."""

GLOSSARY = Path(training.__file__).parent / "data" / "glossary.tsv"
PAIR_HEADER = "kk\tru"

MAX_CHARS = 300
"""Longer texts are read in parts: the mean of many words says little about any of them."""

MIN_PART = 20
"""Shorter ends of long texts are left out."""

MAX_LENGTH_RATIO = 2
"""Sentences whose lengths differ more are taken for badly aligned."""


@dataclass(frozen=True)
class Corpus:
    """Texts without repeats.

    Attributes
    ----------
    texts, languages
        Each text and its language.
    counterparts
        Shape (n_texts,): row of the Russian counterpart of a Kazakh text, else the text's own row.
    is_term
        Shape (n_texts,): whether the text is a term or a name, not a sentence.
    """

    texts: tuple[str, ...]
    languages: tuple[Language, ...]
    counterparts: Indices
    is_term: Flags

    def __len__(self) -> int:
        return len(self.texts)


def read_corpus(text_files: Sequence[Path], pair_files: Sequence[Path] = ()) -> Corpus:
    """Read texts and pairs, and add the terms that come with the project.

    Parameters
    ----------
    text_files
        ``.txt`` with a sentence a line, or any file of records with a column ``text``.
    pair_files
        Two columns, ``kk`` and ``ru``, with a tab between them.

    Raises
    ------
    InvalidTrainingDataError, InvalidRecordsError, OSError
    """
    texts = [part for path in text_files for text in _read_texts(path) for part in _parts(text)]
    pairs = [pair for path in pair_files for pair in _read_pairs(path) if _is_aligned(pair)]
    if not texts and not pairs:
        names = ", ".join(map(str, [*text_files, *pair_files]))
        raise InvalidTrainingDataError(f"{names or 'no files'}: no texts")
    return make_corpus(texts, pairs, project_terms())


def make_corpus(texts: Iterable[str], pairs: Iterable[Pair], terms: Iterable[Pair]) -> Corpus:
    """Put texts together; of one that comes twice, the first counts, terms and pairs before all.

    A pair's sides have the languages that their columns say, the other texts are identified. A
    pair of the same word twice is no pair.
    """
    terms, pairs = list(terms), list(pairs)
    languages: dict[str, Language] = {}
    counterparts: dict[str, str] = {}
    for kazakh, russian in [*terms, *pairs]:
        languages.setdefault(russian, "ru")
        if languages.setdefault(kazakh, "kk") == "kk":
            counterparts.setdefault(kazakh, russian)
    n_terms = len({side for pair in terms for side in pair})
    for text in texts:
        if text not in languages:
            languages[text] = identify(text)
    rows = {text: row for row, text in enumerate(languages)}
    return Corpus(
        texts=tuple(languages),
        languages=tuple(languages.values()),
        counterparts=np.array([rows[counterparts.get(text, text)] for text in languages]),
        is_term=np.arange(len(rows)) < n_terms,
    )


def project_terms() -> list[Pair]:
    """Return the glossary, and the names of the starter's categories, topics and enterprises."""
    city = load_city(STARTER_DATA)
    names = [
        *(category.name for category in city.taxonomy.categories.values()),
        *(topic.name for topic in city.taxonomy.topics.values()),
        *(enterprise.name for enterprise in city.enterprises.enterprises.values()),
    ]
    return [*_read_pairs(GLOSSARY), *((name.kk, name.ru) for name in names)]


def _read_texts(path: Path) -> Iterator[str]:
    if path.suffix.lower() == ".txt":
        yield from _lines(path)
        return
    for number, record in enumerate(read_records(str(path))):
        if number == 0 and "text" not in record.values:
            raise InvalidTrainingDataError(
                f"{path}: no column 'text'; it has {', '.join(record.values)}"
            )
        yield str(record.values.get("text") or "")


def _read_pairs(path: Path) -> Iterator[Pair]:
    for number, line in enumerate(_lines(path), start=1):
        if number == 1 and line != PAIR_HEADER:
            raise InvalidTrainingDataError(f"{path}:1: 'kk', a tab and 'ru' are expected")
        kazakh, tab, russian = line.partition("\t")
        if not tab or "\t" in russian:
            raise InvalidTrainingDataError(f"{path}:{number}: not two columns with a tab between")
        pair = normalise(kazakh), normalise(russian)
        if number > 1 and all(map(_has_letters, pair)):
            yield pair


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                yield line.rstrip("\n")
    except UnicodeDecodeError as error:
        raise InvalidTrainingDataError(f"{path}: not UTF-8: save it as UTF-8") from error


def _parts(text: str) -> list[str]:
    """Return a text in parts that a mean of words can stand for; none if it has no letter."""
    first, *rest = textwrap.wrap(normalise(text), MAX_CHARS, break_on_hyphens=False) or [""]
    parts = [first, *(part for part in rest if len(part) >= MIN_PART)]
    return [part for part in parts if _has_letters(part)]


def _is_aligned(pair: Pair) -> bool:
    shorter, longer = sorted(map(len, pair))
    return longer <= MAX_CHARS and longer <= MAX_LENGTH_RATIO * shorter


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))
