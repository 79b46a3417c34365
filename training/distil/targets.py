"""What the student is to reproduce: the teacher's vectors, shorter and with no language in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.encoders import Vectors
from models.language import Language
from training.distil.texts import Corpus, Indices

KAZAKH_SHARE: dict[Language, float] = {"ru": 0.0, "mixed": 0.5, "other": 0.5, "kk": 1.0}


@dataclass(frozen=True)
class Projection:
    """The linear map from the teacher's vectors to the student's.

    Attributes
    ----------
    mean, difference
        Shape (n_teacher,): between the languages, and from Russian to Kazakh.
    axes
        Shape (n_teacher, dim): the principal axes, the longest first.
    """

    mean: Vectors
    difference: Vectors
    axes: Vectors

    def apply(self, vectors: Vectors, languages: Sequence[Language]) -> Vectors:
        """Return vectors of length one, shape (n_texts, dim), without what tells languages."""
        return unit((vectors - self.mean - _shift(languages, self.difference)) @ self.axes)

    def apply_to_words(self, vectors: Vectors) -> Vectors:
        """Return vectors of length one for words, less the mean of all words."""
        return unit((vectors - vectors.mean(axis=0)) @ self.axes)


def fit_projection(vectors: Vectors, corpus: Corpus, dim: int) -> Projection:
    """Centre each language and find the principal axes of what is left.

    A teacher keeps a text's language in its vector. The mean difference over pairs that say the
    same is that part alone, where the difference of two corpora holds their topics as well.
    """
    rows = paired_rows(corpus)
    difference = (vectors[rows] - vectors[corpus.counterparts[rows]]).mean(axis=0)
    shifted = vectors - _shift(corpus.languages, difference)
    mean = shifted.mean(axis=0)
    centred = shifted - mean
    _, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    return Projection(mean, difference, np.ascontiguousarray(axes[:, ::-1][:, :dim]))


def paired_rows(corpus: Corpus) -> Indices:
    """Return the rows of Kazakh sentences that have a counterpart; of terms, if there are none."""
    paired = corpus.counterparts != np.arange(len(corpus))
    sentences = paired & ~corpus.is_term
    return np.flatnonzero(sentences if sentences.any() else paired)


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    """Return the vectors scaled to length one; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def _shift(languages: Sequence[Language], difference: Vectors) -> Vectors:
    shares = np.array([KAZAKH_SHARE[language] for language in languages], dtype=np.float32)
    return (shares[:, None] - 0.5) * difference
