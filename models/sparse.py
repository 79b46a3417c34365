"""Sparse features of a text: word prefixes and lemmas, weighted by TF-IDF.

The first four and the first six characters of a word are a cheap stem that suits Russian
endings and Kazakh suffixes alike; lemmas and pairs of lemmas add what Russian morphology knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.preprocessing import normalize

from models.text import WORD_CACHE_SIZE, lemma, romanise, words

PREFIXES = (4, 6)
MAX_FEATURES = 50_000

_key = lru_cache(WORD_CACHE_SIZE)(romanise)


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
    for key in map(_key, tokens):
        yield f"p {key[: PREFIXES[0]]}"
        if len(key) > PREFIXES[0]:
            yield f"q {key[: PREFIXES[1]]}"
    lemmas = [_key(lemma(token)) for token in tokens]
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
        """Turn normalised texts into rows.

        Returns
        -------
        matrix
            Shape (n_texts, n_features), float32. A row's length is the root of its evidence: what
            little is known of a text in another language must not speak as loud as a whole text,
            or the dense vector beside it is not heard.
        evidence
            Shape (n_texts,): share of each text's features that are in the vocabulary.
        """
        columns: list[int] = []
        row_ends = [0]
        evidence = np.zeros(len(texts))
        for row, text in enumerate(texts):
            found = [self.vocabulary.get(feature, -1) for feature in features(text)]
            known = [column for column in found if column >= 0]
            columns.extend(known)
            row_ends.append(len(columns))
            evidence[row] = len(known) / len(found) if found else 0.0
        matrix = sparse.csr_matrix(
            (np.ones(len(columns), dtype=np.float32), columns, row_ends),
            shape=(len(texts), len(self.vocabulary)),
        )
        matrix.sum_duplicates()
        matrix.data *= self.idf[matrix.indices]
        if matrix.nnz:  # scikit-learn refuses a matrix without rows or without columns
            matrix = normalize(matrix, copy=False)
            lengths = np.sqrt(evidence).astype(np.float32)
            matrix.data *= np.repeat(lengths, np.diff(matrix.indptr))
        return matrix, evidence
