"""Turns texts into the matrix that heads are fitted on."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import sparse

from models.bundle import BATCH, encode
from models.encoders import DenseEncoder
from models.sparse import SparseEncoder
from training.errors import InvalidTrainingDataError
from training.settings import DEFAULTS, FitSettings
from training.splits import Indices
from triage.progress import Reporter


def encode_texts(
    texts: Sequence[str],
    rows: Indices,
    dense_encoder: DenseEncoder | None,
    progress: Reporter,
    settings: FitSettings = DEFAULTS,
) -> tuple[SparseEncoder, sparse.csr_matrix]:
    """Fit the sparse encoder on some of the rows, and encode all of them."""
    to_read = [texts[row] for row in rows]
    sparse_encoder = SparseEncoder.fit(
        progress.track("reading words", to_read, len(to_read)), max_features=settings.max_features
    )
    starts = range(0, len(texts), BATCH)
    parts = [
        encode(
            sparse_encoder,
            dense_encoder,
            texts[start : start + BATCH],
            dense_weight=settings.dense_weight,
        )[0]
        for start in progress.track("encoding texts", starts, len(starts))
    ]
    matrix = sparse.vstack(parts, format="csr")
    if not matrix.nnz:
        raise InvalidTrainingDataError("no text has a single word in it")
    return sparse_encoder, matrix
