"""TriageModel: everything that scores a text, frozen, versioned, saved without pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.classifier import Floats, LinearHead
from models.encoders import DenseEncoder, StaticEncoder, Vectors
from models.heads import Heads
from models.hierarchy import Hierarchy
from models.language import identify_all, tallies
from models.names import NameEvidence
from models.prediction import CANDIDATES, Candidate, Distribution, Level, Prediction
from models.remembered import Remembered, Teller, Told
from models.rowwise import best_columns, softmax
from models.selective import ContractSample
from models.selftest import Case
from models.sparse import SparseEncoder
from models.text import normalise

URGENT, NORMAL = "urgent", "normal"
"""Classes of the urgency head."""

DENSE_WEIGHT = 0.5
"""Length of dense vectors beside sparse rows of length 1 at most; 0 to 1.5 were tried."""

BATCH = 256
"""Texts scored at once: dense margins of this many texts fit in the cache."""


@dataclass(frozen=True)
class ModelInfo:
    """Where a model comes from.

    Attributes
    ----------
    data_hash
        SHA-256 of the training rows, hexadecimal.
    taxonomy_version
        Version of the taxonomy the labels were checked against; None for labels as they are.
    parameters, metrics
        What it was fitted with, and how it did out of fold and on its contract sample.
    counts
        How often each label and language was among the training rows, by level and ``language``;
        none for models of before this was kept.
    """

    created_at: str
    data_hash: str
    n_examples: int
    encoder: str
    taxonomy_version: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model says of several texts.

    Attributes
    ----------
    languages
        As in `Prediction`.
    levels
        For each level that the model was fitted on, probabilities, shape (n_texts, n_classes).
    urgency
        Shape (n_texts,), or None where the model has no urgency head.
    evidence
        Shape (n_texts,), as in `Prediction`.
    """

    languages: Sequence[str]
    levels: dict[Level, Floats]
    urgency: Floats | None
    evidence: Floats


@dataclass(frozen=True)
class TriageModel:
    """Encoders, heads and calibration of one fitted model.

    Attributes
    ----------
    dense_encoder
        Encoder beside the sparse one, or None.
    dense_weight
        Length of its vectors beside sparse rows of length 1 at most.
    heads
        A head for each level there were labels for.
    hierarchy
        Turns the heads' margins into probabilities that agree with each other.
    urgency
        Head of the classes ``normal`` and ``urgent``, or None.
    urgency_weight
        Its inverse temperature.
    contract_samples
        For each level, choices on texts that were neither fitted nor calibrated on.
    names
        What proper names in a text say of the enterprise, or None.
    routing
        Weights for joining the enterprise level with whatever rules the caller has; opaque here.
    self_test
        What it said of a few texts when it was saved; none for one that was not.
    """

    sparse_encoder: SparseEncoder
    dense_encoder: DenseEncoder | None
    heads: Heads
    hierarchy: Hierarchy
    urgency: LinearHead | None
    urgency_weight: float
    contract_samples: dict[Level, ContractSample]
    info: ModelInfo
    names: NameEvidence | None = None
    routing: dict[str, float] = field(default_factory=dict)
    dense_weight: float = DENSE_WEIGHT
    fingerprint: str = ""
    self_test: tuple[Case, ...] = ()

    def predict(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None
    ) -> list[Prediction]:
        """Score texts.

        Parameters
        ----------
        texts
            As they came in; any string will do.
        languages
            What is known of each text's language; None lets the model tell.
        """
        hints = [None] * len(texts) if languages is None else languages
        predictions: list[Prediction] = []
        for start in range(0, len(texts), BATCH):
            stop = start + BATCH
            plain = [normalise(text) for text in texts[start:stop]]
            predictions += self._predictions(self.score(plain, hints[start:stop]))
        return predictions

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> Scores:
        """Score normalised texts, `BATCH` at once at most: what `predict` makes objects of."""
        told = self._tell(texts)
        matrix, evidence = self._encode(texts, told)
        found = identify_all(told["language"])
        return Scores(
            languages=[known or other for known, other in zip(languages, found, strict=True)],
            levels=self._probabilities(matrix, texts, told),
            urgency=self._urgency(matrix),
            evidence=evidence,
        )

    def _predictions(self, scores: Scores) -> list[Prediction]:
        candidates = {
            level: top_candidates(self.heads[level].classes, rows)
            for level, rows in scores.levels.items()
        }
        distributions = {
            level: [Distribution(self.heads[level].classes, row) for row in rows]
            for level, rows in scores.levels.items()
        }
        urgency = scores.urgency
        return [
            Prediction(
                language=scores.languages[row],
                levels={level: listed[row] for level, listed in candidates.items()},
                urgency=None if urgency is None else float(urgency[row]),
                evidence=known,
                distributions={level: listed[row] for level, listed in distributions.items()},
            )
            for row, known in enumerate(scores.evidence.tolist())
        ]

    def encode(self, texts: Sequence[str]) -> tuple[sparse.csr_matrix, npt.NDArray[np.float64]]:
        """Turn normalised texts into the features that the heads see, as `encode` does."""
        return self._encode(texts, self._tell(texts))

    def probabilities(self, matrix: sparse.csr_matrix, texts: Sequence[str]) -> dict[Level, Floats]:
        """Return each level's calibrated probabilities, shape (n_texts, n_classes).

        Parameters
        ----------
        matrix
            As of `encode`.
        texts
            The normalised texts that it is of.
        """
        return self._probabilities(matrix, texts, self._tell(texts))

    def _tell(self, texts: Sequence[str]) -> dict[str, Told]:
        """Return what there is to be known of the words of normalised texts."""
        told = self._remembered.of_texts(map(str.split, texts))
        return dict(zip(self._tellers, told, strict=True))

    @cached_property
    def _remembered(self) -> Remembered:
        return Remembered(*self._tellers.values())

    @cached_property
    def _tellers(self) -> dict[str, Teller]:
        tellers: dict[str, Teller] = {"facts": self.sparse_encoder.facts, "language": tallies}
        if isinstance(self.dense_encoder, StaticEncoder) and self.dense_encoder.is_by_word:
            tellers["subwords"] = self.dense_encoder.subwords
        if self.names:
            tellers["names"] = self.names.finder.beginnings
        return tellers

    def _encode(
        self, texts: Sequence[str], told: Mapping[str, Told]
    ) -> tuple[sparse.csr_matrix, npt.NDArray[np.float64]]:
        matrix, evidence = self.sparse_encoder.encode_facts(told["facts"])
        if self.dense_encoder is None:
            return matrix, evidence
        if isinstance(self.dense_encoder, StaticEncoder) and "subwords" in told:
            vectors = self.dense_encoder.encode_subwords(texts, told["subwords"])
        else:
            vectors = self.dense_encoder.encode(texts)
        return join_features(matrix, vectors, self.dense_weight), evidence

    def _probabilities(
        self, matrix: sparse.csr_matrix, texts: Sequence[str], told: Mapping[str, Told]
    ) -> dict[Level, Floats]:
        evidence = self.names.of_named(texts, told["names"]) if self.names else None
        return self.hierarchy.probabilities(self.heads.margins(matrix), evidence)

    def _urgency(self, matrix: sparse.csr_matrix) -> Floats | None:
        if self.urgency is None:
            return None
        margins = self.urgency_weight * self.urgency.margins(matrix)
        probabilities: Floats = softmax(margins)[:, self.urgency.classes.index(URGENT)]
        return probabilities


def encode(
    sparse_encoder: SparseEncoder,
    dense: DenseEncoder | None,
    texts: Sequence[str],
    *,
    dense_weight: float,
) -> tuple[sparse.csr_matrix, npt.NDArray[np.float64]]:
    """Turn normalised texts into one feature matrix, and tell how much of each is known."""
    matrix, evidence = sparse_encoder.encode(texts)
    if dense is not None:
        matrix = join_features(matrix, dense.encode(texts), dense_weight)
    return matrix, evidence


def join_features(
    matrix: sparse.csr_matrix, vectors: Vectors, dense_weight: float
) -> sparse.csr_matrix:
    """Put dense vectors, shape (n_texts, n_dimensions), beside sparse features."""
    n_texts, n_dimensions = vectors.shape
    row_ends = matrix.indptr + n_dimensions * np.arange(n_texts + 1)
    starts = row_ends[1:] - n_dimensions  # of each row's dense part
    is_dense = np.zeros(row_ends[-1], dtype=bool)
    is_dense[(starts[:, None] + np.arange(n_dimensions)).ravel()] = True
    columns = np.empty(row_ends[-1], dtype=np.int32)
    columns[~is_dense] = matrix.indices
    columns[is_dense] = np.tile(matrix.shape[1] + np.arange(n_dimensions), n_texts)
    values = np.empty(row_ends[-1], dtype=np.float32)
    values[~is_dense] = matrix.data
    values[is_dense] = (np.float32(dense_weight) * vectors).ravel()
    shape = (n_texts, matrix.shape[1] + n_dimensions)
    return sparse.csr_matrix((values, columns, row_ends), shape=shape)


def top_candidates(classes: Sequence[str], probabilities: Floats) -> list[tuple[Candidate, ...]]:
    """Return each row's most probable classes, best first, ties in the order of the classes.

    Parameters
    ----------
    probabilities
        Shape (n_texts, n_classes).
    """
    columns = best_columns(probabilities, CANDIDATES)
    values = np.take_along_axis(probabilities, columns, axis=1)
    return [
        tuple(Candidate(classes[column], value) for column, value in zip(*row, strict=True))
        for row in zip(columns.tolist(), values.tolist(), strict=True)
    ]
