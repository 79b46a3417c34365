"""How far two mixes of labels are apart, and how far chance alone would take them.

The population stability index (PSI) is the symmetric Kullback-Leibler divergence; its usual bounds
(0.1, 0.25) say nothing of how many there were. Under no drift it grows with one over the counts
(Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal of Risk
Model Validation, 2020): what it reaches by chance is drawn here, for rare labels are too few for
the chi-square that it tends to.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Label = TypeVar("Label", bound=Hashable)
Counts = npt.NDArray[np.int64]

NOTABLE_PSI = 0.1
"""Less is no matter for anybody, however sure it is; the usual lower bound."""

SURE = 0.99
"""Share of mixes without drift that stay below `Drift.noise`."""

N_RESAMPLES = 2_000

PSEUDO_COUNT = 0.5
"""Added to each count, or a label that only one side has would be infinitely far."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a mix is from the one before.

    Attributes
    ----------
    psi
        Population stability index; 0 for equal shares.
    jensen_shannon
        Jensen-Shannon divergence in bits, 0 to 1.
    noise
        The PSI that counts of this size stay below with probability `SURE`, had nothing changed.
    n_before, n_now
        How many were counted.
    """

    psi: float
    jensen_shannon: float
    noise: float
    n_before: int
    n_now: int

    @property
    def has_drifted(self) -> bool:
        """Whether the mixes differ by more than chance, and by enough to matter."""
        return self.psi > max(self.noise, NOTABLE_PSI)


def measure_drift(before: Mapping[Label, int], now: Mapping[Label, int]) -> Drift | None:
    """Compare how often each label came, before and now; None where one side is empty.

    The same counts give the same answer: the resampling has a fixed seed.
    """
    labels = sorted(before.keys() | now.keys(), key=str)
    first = np.array([before.get(label, 0) for label in labels], dtype=np.int64)
    second = np.array([now.get(label, 0) for label in labels], dtype=np.int64)
    n_before, n_now = int(first.sum()), int(second.sum())
    if not n_before or not n_now:
        return None
    return Drift(
        psi=float(psi(first, second)),
        jensen_shannon=jensen_shannon(first, second),
        noise=_noise(first, second),
        n_before=n_before,
        n_now=n_now,
    )


def psi(before: Counts, now: Counts) -> Floats:
    """Return the population stability index of counts.

    Parameters
    ----------
    before, now
        Shape (..., n_labels).

    Returns
    -------
    psi
        Shape (...).
    """
    first, second = _shares(before), _shares(now)
    found: Floats = ((second - first) * np.log(second / first)).sum(axis=-1)
    return found


def jensen_shannon(before: Counts, now: Counts) -> float:
    """Return the Jensen-Shannon divergence of two rows of counts, in bits.

    Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information
    Theory, 1991.

    Examples
    --------
    >>> jensen_shannon(np.array([5, 0]), np.array([0, 3]))
    1.0
    """
    first, second = before / before.sum(), now / now.sum()
    return _entropy((first + second) / 2) - (_entropy(first) + _entropy(second)) / 2


def _noise(before: Counts, now: Counts) -> float:
    rng = np.random.default_rng(0)
    pooled = (before + now) / (before + now).sum()
    resampled = psi(
        rng.multinomial(before.sum(), pooled, size=N_RESAMPLES),
        rng.multinomial(now.sum(), pooled, size=N_RESAMPLES),
    )
    return float(np.quantile(resampled, SURE))


def _shares(counts: Counts) -> Floats:
    smoothed = counts + PSEUDO_COUNT
    shares: Floats = smoothed / smoothed.sum(axis=-1, keepdims=True)
    return shares


def _entropy(shares: Floats) -> float:
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())
