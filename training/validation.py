"""Judges settings of a fit: one level's head, fold by fold, on texts that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from models.bundle import BATCH, join_features
from models.classifier import Floats, fit_head
from models.encoders import DenseEncoder, Vectors
from models.prediction import Level
from training.data import Examples, complete_levels
from training.encode import encode_texts
from training.errors import InvalidTrainingDataError
from training.heads import Labels, Splits
from training.metrics import Choices, measure
from training.settings import FitSettings
from training.splits import (
    Indices,
    contract_split,
    folds,
    forward_folds,
    near_duplicate_groups,
)
from training.tasks import row_weights
from triage.progress import Reporter, Silent

Kind = Literal["by time", "grouped"]


@dataclass(frozen=True, slots=True)
class Score:
    """How a head does on what is held out of one fold."""

    accuracy: float
    macro_f1: float

    @property
    def value(self) -> float:
        """Mean of both."""
        return (self.accuracy + self.macro_f1) / 2


@dataclass(frozen=True)
class Validation:
    """Texts, labels and folds of one level.

    Attributes
    ----------
    vectors
        Shape (n_texts, n_dimensions), dense; None without an encoder.
    weights
        How much each row counts, fitted on or held out, shape (n_texts,); None for all alike.
    kind
        Whether folds hold out what came later, or whole groups of near-duplicates.
    """

    texts: Sequence[str]
    labels: Labels
    vectors: Vectors | None
    weights: Floats | None
    splits: Splits
    kind: Kind
    seed: int
    _encoded: dict[tuple[int, int], sparse.csr_matrix] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        examples: Examples,
        level: Level,
        dense_encoder: DenseEncoder | None,
        *,
        seed: int,
        progress: Reporter,
    ) -> Validation:
        """Split the examples, those apart that a fit would keep for its contract.

        Raises
        ------
        InvalidTrainingDataError
            Too few examples have a label of this level.
        """
        texts = list(examples.table["text"])
        groups = near_duplicate_groups(progress.track("comparing texts", texts, len(texts)))
        rows = contract_split(groups, examples.table["received_at"]).fit
        table = complete_levels(examples.table.iloc[rows])
        labelled = table[level].notna().to_numpy()
        table, groups = table[labelled], groups[rows][labelled]
        kind, splits = _split(table, groups, seed)
        if len(splits) < 2 or table[level].nunique() < 2:
            raise InvalidTrainingDataError(f"too few examples with a {level} to tune on")
        texts = list(table["text"])
        return cls(
            texts,
            table[level].to_numpy(dtype=object),
            _vectors(texts, dense_encoder, progress),
            row_weights(table),
            splits,
            kind,
            seed,
        )

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return len(self.splits)

    @property
    def held_out_ratio(self) -> float:
        """Rows held out to rows fitted on, on average over the folds."""
        return fmean(len(held_out) / len(train) for train, held_out in self.splits)

    def score(self, settings: FitSettings, fold: int) -> Score:
        """Fit a head by some settings, and measure it."""
        train, held_out = self.splits[fold]
        matrix = self._matrix(settings, fold)
        head = fit_head(
            matrix[train],
            self.labels[train].tolist(),
            seed=self.seed,
            c=settings.svm_c,
            weights=self._weights(train),
        )
        margins = head.margins(matrix[held_out])
        choices = Choices.of(self.labels[held_out], margins, head.classes, probable=False)
        figures = measure(choices, self._weights(held_out))
        return Score(figures["accuracy"], figures["macro_f1"])

    def _weights(self, rows: Indices) -> Floats | None:
        return None if self.weights is None else self.weights[rows]

    def _matrix(self, settings: FitSettings, fold: int) -> sparse.csr_matrix:
        key = fold, settings.max_features
        if key not in self._encoded:
            train = self.splits[fold][0]
            self._encoded[key] = encode_texts(self.texts, train, None, Silent(), settings)[1]
        matrix = self._encoded[key]
        if self.vectors is None:
            return matrix
        return join_features(matrix, self.vectors, settings.dense_weight)


def _split(table: pd.DataFrame, groups: Indices, seed: int) -> tuple[Kind, Splits]:
    if table["received_at"].notna().all():
        return "by time", forward_folds(groups, table["received_at"])
    return "grouped", folds(groups, seed=seed)


def _vectors(
    texts: Sequence[str], dense_encoder: DenseEncoder | None, progress: Reporter
) -> Vectors | None:
    if dense_encoder is None:
        return None
    starts = range(0, len(texts), BATCH)
    parts = [
        dense_encoder.encode(texts[start : start + BATCH])
        for start in progress.track("encoding texts", starts, len(starts))
    ]
    return np.concatenate(parts)
