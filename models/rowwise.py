"""Arithmetic on rows whose result for a row does not depend on the rows beside it.

A text must get the same answer, to the last bit, alone and among others: a stored decision can be
made again. BLAS adds up in another order for one row than for many, so it is not used here.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Values = TypeVar("Values", np.float32, np.float64)


def multiply(rows: npt.NDArray[Values], matrix: npt.NDArray[Values]) -> npt.NDArray[Values]:
    """Return ``rows @ matrix``, shape (n_rows, n_columns)."""
    product: npt.NDArray[Values] = as_sparse(rows) @ matrix
    return product


def as_sparse(rows: npt.NDArray[Values]) -> sparse.csr_matrix:
    """Return rows as a sparse matrix with every entry in it, zeros as well."""
    n_rows, n_columns = rows.shape
    columns = np.tile(np.arange(n_columns), n_rows)
    row_ends = np.arange(n_rows + 1) * n_columns
    return sparse.csr_matrix((rows.ravel(), columns, row_ends), shape=rows.shape)


def log_softmax(margins: Floats) -> Floats:
    """Return the logarithms of each row's softmax, shape (n_rows, n_columns)."""
    shifted: Floats = margins - margins.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def softmax(margins: Floats) -> Floats:
    """Return each row's softmax, shape (n_rows, n_columns)."""
    shares: Floats = np.exp(margins - margins.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def best_columns(values: Floats, size: int) -> npt.NDArray[np.int64]:
    """Return the columns of each row's largest values, largest first, ties from the left.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows, size), or all columns where there are fewer.

    Examples
    --------
    >>> best_columns(np.array([[0.2, 0.5, 0.2, 0.1]]), 3)
    array([[1, 0, 2]])
    """
    left = values.copy()
    rows = np.arange(len(values))
    columns = np.empty((len(values), min(size, values.shape[1])), dtype=np.int64)
    for place in range(columns.shape[1]):
        best = left.argmax(axis=1)
        columns[:, place] = best
        left[rows, best] = -np.inf
    return columns
