"""Whether two samples come from the same distribution, by permutation; pure.

Permutation tests need no assumption on the distribution: had nothing changed, which of the two
samples an observation lies in would be chance, and the statistic could be drawn anew by shuffling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from triage.drift import SURE, Floats

N_PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Shift:
    """How far two samples are apart.

    Attributes
    ----------
    value
        The statistic.
    noise
        What it stays below with probability `SURE`, had nothing changed.
    """

    value: float
    noise: float


def mean_shift(before: Floats, now: Floats) -> Shift:
    """Compare two samples of numbers by their means: how much the mean has risen.

    The same samples give the same answer: the shuffling has a fixed seed.
    """
    groups = _shuffled(len(before), len(now))
    pooled = np.concatenate([before, now])
    drawn = pooled @ groups / len(now) - pooled @ ~groups / len(before)
    return Shift(float(now.mean() - before.mean()), float(np.quantile(drawn, SURE)))


def maximum_mean_discrepancy(before: sparse.csr_matrix, now: sparse.csr_matrix) -> Shift:
    """Compare two samples of vectors by the squared maximum mean discrepancy.

    It is the unbiased estimate, which may be below 0, with a Gaussian kernel as wide as the median
    distance (Gretton, Borgwardt, Rasch, Schölkopf and Smola, "A Kernel Two-Sample Test", JMLR 13,
    2012). The same samples give the same answer.

    Parameters
    ----------
    before, now
        Shape (n, n_dimensions), at least two rows each.
    """
    n_before, n_now = before.shape[0], now.shape[0]
    kernel = _kernel(sparse.vstack([before, now], format="csr"))
    actual = np.arange(n_before + n_now)[:, None] >= n_before
    groups = np.hstack([actual, _shuffled(n_before, n_now)]).astype(np.float64)
    within_now = (groups * (kernel @ groups)).sum(axis=0)
    of_now = kernel.sum(axis=0) @ groups
    across = of_now - within_now
    within_before = kernel.sum() - of_now - across
    found = (
        within_before / (n_before * (n_before - 1))
        + within_now / (n_now * (n_now - 1))
        - 2 * across / (n_before * n_now)
    )
    return Shift(float(found[0]), float(np.quantile(found[1:], SURE)))


def _kernel(rows: sparse.csr_matrix) -> Floats:
    """Return the kernel of each pair, shape (n, n), with 0 for a row and itself."""
    products = np.asarray((rows @ rows.T).toarray(), dtype=np.float64)
    lengths = products.diagonal()
    distances = np.maximum(lengths[:, None] + lengths - 2 * products, 0)
    median = np.median(distances[np.triu_indices(len(distances), k=1)])
    kernel: Floats = np.exp(-distances / (median or 1.0))
    np.fill_diagonal(kernel, 0)
    return kernel


def _shuffled(n_before: int, n_now: int) -> npt.NDArray[np.bool_]:
    """Return which observations count as new in each permutation, shape (n, N_PERMUTATIONS)."""
    rng = np.random.default_rng(0)
    is_now = np.arange(n_before + n_now)[:, None] >= n_before
    return rng.permuted(np.repeat(is_now, N_PERMUTATIONS, axis=1), axis=0)
