"""Sparse features of a text: word prefixes and lemmas, weighted by TF-IDF.

The first four and the first six characters of a word are a cheap stem that suits Russian
endings and Kazakh suffixes alike; lemmas and pairs of lemmas add what Russian morphology knows.

`features` says what they are. `SparseEncoder` finds their columns without making them: what is
known of the words of a chunk is remembered, and the rest is arithmetic on flat arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.remembered import Remembered, Told
from models.text import lemma, romanise, words

PREFIXES = (4, 6)
MAX_FEATURES = 50_000

UNKNOWN, NONE = -1, -2
"""Stand for a column: of a feature outside the vocabulary, and of one that a word has not."""

FACTS = 4
"""Numbers of a word: columns of its prefixes and its lemma, and the lemma's number in pairs."""

Columns = npt.NDArray[np.int64]


def features(text: str) -> Iterator[str]:
    """Yield the features of a normalised text, repeated as often as they occur.

    Each feature opens with a letter of its kind, so that kinds never collide. Words are taken by
    their key, on which Kazakh letters, their Russian stand-ins and Latin spellings meet.

    Examples
    --------
    >>> list(features("нет воды"))
    ['p net', 'p vodi', 'l net', 'l voda', 'b net voda']
    """
    tokens = words(text)
    for key in map(romanise, tokens):
        yield f"p {key[: PREFIXES[0]]}"
        if len(key) > PREFIXES[0]:
            yield f"q {key[: PREFIXES[1]]}"
    lemmas = [romanise(lemma(token)) for token in tokens]
    for token in lemmas:
        yield f"l {token}"
    for first, second in pairwise(lemmas):
        yield f"b {first} {second}"


@dataclass(frozen=True)
class SparseEncoder:
    """TF-IDF over `features`, with plain term counts and rows as long as they are known.

    Attributes
    ----------
    vocabulary
        Column of each known feature.
    idf
        Shape (n_features,), float32: ``1 + ln((1 + n) / (1 + df))``.
    """

    vocabulary: dict[str, int]
    idf: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Iterable[str], *, max_features: int = MAX_FEATURES) -> SparseEncoder:
        """Keep the `max_features` features that occur in most texts; ties go by the alphabet."""
        frequency: Counter[str] = Counter()
        n_texts = 0
        for text in texts:
            frequency.update(set(features(text)))
            n_texts += 1
        kept = sorted(frequency, key=lambda feature: (-frequency[feature], feature))[:max_features]
        counts = np.array([frequency[feature] for feature in kept], dtype=np.float64)
        idf = 1 + np.log((1 + n_texts) / (1 + counts))
        vocabulary = {feature: column for column, feature in enumerate(kept)}
        return cls(vocabulary, idf.astype(np.float32))

    def encode(self, texts: Sequence[str]) -> tuple[sparse.csr_matrix, npt.NDArray[np.float64]]:
        """Turn normalised texts into rows; see `encode_facts`."""
        return self.encode_facts(*self._remembered.of_texts(map(str.split, texts)))

    def encode_facts(self, told: Told) -> tuple[sparse.csr_matrix, npt.NDArray[np.float64]]:
        """Turn the facts of texts into rows; a row does not depend on the texts beside it.

        Parameters
        ----------
        told
            As `facts` tells them.

        Returns
        -------
        matrix
            Shape (n_texts, n_features), float32. A row's length is the root of its evidence: what
            little is known of a text in another language must not speak as loud as a whole text,
            or the dense vector beside it is not heard.
        evidence
            Shape (n_texts,): share of each text's features that are in the vocabulary.
        """
        n_texts, n_features = len(told.sizes), len(self.idf)
        rows, columns, n_found = self._find(told)
        n_known = np.bincount(rows, minlength=n_texts)
        evidence = n_known / np.maximum(n_found, 1)
        cells, counts = np.unique(rows * n_features + columns, return_counts=True)
        rows, columns = np.divmod(cells, n_features)
        values = counts * self.idf[columns].astype(np.float64)
        lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=n_texts))
        scales = np.divide(np.sqrt(evidence), lengths, out=np.zeros(n_texts), where=lengths > 0)
        row_ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_texts))])
        matrix = sparse.csr_matrix(
            ((values * scales[rows]).astype(np.float32), columns, row_ends),
            shape=(n_texts, n_features),
        )
        return matrix, evidence

    def _find(self, told: Told) -> tuple[Columns, Columns, Columns]:
        """Return row and column of each known feature, and how many features each text has."""
        rows = told.rows[::FACTS]
        seen = told.numbers.astype(np.int64).reshape(-1, FACTS)
        of_words, lemmas = seen[:, :3], seen[:, 3]
        is_known = of_words >= 0
        paired = np.flatnonzero(rows[:-1] == rows[1:])
        of_pairs = self._pairs.find(lemmas[paired], lemmas[paired + 1])
        known_pairs = paired[of_pairs >= 0]
        n_found = np.bincount(
            rows, weights=(of_words != NONE).sum(axis=1), minlength=len(told.sizes)
        )
        return (
            np.concatenate([np.repeat(rows, is_known.sum(axis=1)), rows[known_pairs]]),
            np.concatenate([of_words[is_known], of_pairs[of_pairs >= 0]]),
            n_found.astype(np.int64) + np.maximum(told.sizes // FACTS - 1, 0),
        )

    def facts(self, chunk: str) -> Iterator[int]:
        """Yield the `FACTS` of each word of a chunk."""
        find, numbers = self.vocabulary.get, self._pairs.numbers
        for word in words(chunk):
            key, of_lemma = romanise(word), romanise(lemma(word))
            is_long = len(key) > PREFIXES[0]
            yield find(f"p {key[: PREFIXES[0]]}", UNKNOWN)
            yield find(f"q {key[: PREFIXES[1]]}", UNKNOWN) if is_long else NONE
            yield find(f"l {of_lemma}", UNKNOWN)
            yield numbers.get(of_lemma, UNKNOWN)

    @cached_property
    def _remembered(self) -> Remembered:
        return Remembered(self.facts)

    @cached_property
    def _pairs(self) -> _Pairs:
        return _Pairs.of(self.vocabulary)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairs of lemmas in a vocabulary, found by the numbers of the two.

    Attributes
    ----------
    numbers
        Of each lemma that is in a pair.
    codes
        Sorted: the first lemma's number times how many there are, plus the second's.
    columns
        Of the pairs, in the order of their codes.
    """

    numbers: dict[str, int]
    codes: Columns
    columns: Columns

    @classmethod
    def of(cls, vocabulary: dict[str, int]) -> _Pairs:
        pairs = {
            (first, second): column
            for feature, column in vocabulary.items()
            if feature[0] == "b"
            for _, first, second in [feature.split(" ")]
        }
        lemmas = dict.fromkeys(chain.from_iterable(pairs))
        numbers = {one: number for number, one in enumerate(lemmas)}
        codes = np.array(
            [numbers[first] * len(numbers) + numbers[second] for first, second in pairs],
            dtype=np.int64,
        )
        order = np.argsort(codes)
        return cls(numbers, codes[order], np.array([*pairs.values()], dtype=np.int64)[order])

    def find(self, first: Columns, second: Columns) -> Columns:
        """Return the column of each pair, `UNKNOWN` where there is none."""
        if not len(self.codes):
            return np.full(len(first), UNKNOWN)
        codes = np.where((first < 0) | (second < 0), -1, first * len(self.numbers) + second)
        places = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[places] == codes, self.columns[places], UNKNOWN)
