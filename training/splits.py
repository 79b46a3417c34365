"""Splits that keep near-duplicates on one side, by time where there are dates.

A text that comes twice, or comes again with a word changed, must not be fitted on in one copy and
measured on in the other: the figure would be memory, not skill.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import pandas as pd
from datasketch import MinHash, MinHashLSH
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold

Indices = npt.NDArray[np.int64]

SHINGLE = 5
"""Characters of a shingle: longer than most stems, so that shared ones mean shared phrases."""

SIMILARITY = 0.7
"""Share of shingles in common from which two texts are near-duplicates."""

N_PERMUTATIONS = 64
CONTRACT_SHARE = 0.15
MAX_FOR_CONTRACT = 20_000
"""Dated examples that are kept for the contract at most: more would prove no more."""

MIN_FOR_CONTRACT = 400
"""Fewer dated examples would leave too few for a contract; the folds have to do then."""

N_FOLDS = 5

MAX_FOLD_WORK = 8_000_000
"""Rows times classes up to which heads are fitted on all folds; beyond, a part is held out."""

MAX_HELD_OUT = 10_000
"""Rows of such a part: accuracy on them is known to 0.005, and more would only be missed."""


@dataclass(frozen=True)
class Split:
    """Rows to fit and calibrate on, and rows kept for the contract."""

    fit: Indices
    contract: Indices


def near_duplicate_groups(texts: Iterable[str]) -> Indices:
    """Give each text the number of its group of texts that are alike.

    Candidates come from MinHash with banding (Broder, "On the resemblance and containment of
    documents", 1997); groups are their connected components.

    Returns
    -------
    groups
        Shape (n_texts,), group number of each text.
    """
    lsh = MinHashLSH(threshold=SIMILARITY, num_perm=N_PERMUTATIONS)
    edges: list[tuple[int, int]] = []
    shingles = (_shingles(text) for text in texts)
    hashes = MinHash.generator(shingles, num_perm=N_PERMUTATIONS, hashfunc=zlib.crc32)
    n_texts = 0
    for row, minhash in enumerate(hashes):
        edges += [(row, int(other)) for other in lsh.query(minhash)]
        lsh.insert(row, minhash)
        n_texts += 1
    rows, columns = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    ones = np.ones(len(rows), dtype=np.int8)
    graph = sparse.coo_matrix((ones, (rows, columns)), shape=(n_texts, n_texts))
    groups: Indices = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def contract_split(groups: Indices, received_at: pd.Series) -> Split:
    """Keep the latest of dated appeals for the contract.

    Undated appeals are all fitted on: their contract sample comes from the folds.

    Parameters
    ----------
    groups
        Shape (n,), as of `near_duplicate_groups`.
    received_at
        Shape (n,), times or None.
    """
    if len(groups) < MIN_FOR_CONTRACT or not received_at.notna().all():
        everything = np.arange(len(groups))
        return Split(everything, everything[:0])
    first = _first_times(groups, received_at)
    share = min(CONTRACT_SHARE, MAX_FOR_CONTRACT / len(groups))
    contract = (first > first.quantile(1 - share)).to_numpy()
    return Split(np.flatnonzero(~contract), np.flatnonzero(contract))


def folds(groups: Indices, *, seed: int, n_folds: int = N_FOLDS) -> list[tuple[Indices, Indices]]:
    """Split rows into folds for out-of-fold margins; none where there are too few groups."""
    n_folds = min(n_folds, len(np.unique(groups)))
    if n_folds < 2:
        return []
    splitter = GroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(groups)), groups=groups))


def hold_out(groups: Indices, *, seed: int, n_parts: int) -> list[tuple[Indices, Indices]]:
    """Hold parts out, each a fold at most, of what is too much to be fitted fold by fold.

    Returns
    -------
    splits
        All with the same rows to fit on, which are in no part.
    """
    n_folds = max(N_FOLDS, ceil(len(groups) / MAX_HELD_OUT))
    parts = [part for _, part in folds(groups, seed=seed, n_folds=n_folds)[:n_parts]]
    rest = np.setdiff1d(np.arange(len(groups)), np.concatenate(parts))
    return [(rest, part) for part in parts]


def forward_folds(
    groups: Indices, received_at: pd.Series, *, n_folds: int = N_FOLDS
) -> list[tuple[Indices, Indices]]:
    """Split dated rows into what came before and what came next, fold by fold.

    The first fold is fitted on the oldest part alone, each later one on a part more; a fold that
    has nothing to fit on or to hold out, where many came at one time, is left out.
    """
    first = _first_times(groups, received_at)
    edges = first.quantile([part / (n_folds + 1) for part in range(1, n_folds + 1)])
    part = np.searchsorted(edges.to_numpy(), first.to_numpy())
    splits = [
        (np.flatnonzero(part < number), np.flatnonzero(part == number))
        for number in range(1, n_folds + 1)
    ]
    return [split for split in splits if all(map(len, split))]


def leaving_out(groups: Iterable[npt.NDArray[np.bool_]]) -> list[tuple[Indices, Indices]]:
    """Split rows into all others and one group, for each group in turn.

    Parameters
    ----------
    groups
        Shape (n,) each, which rows are in the group.
    """
    return [(np.flatnonzero(~rows), np.flatnonzero(rows)) for rows in groups]


def _first_times(groups: Indices, received_at: pd.Series) -> pd.Series:
    """Return when each row's group first came: a group belongs to the side of its first appeal."""
    times = pd.to_datetime(received_at, utc=True).reset_index(drop=True)
    return times.groupby(groups).transform("min")


def _shingles(text: str) -> list[bytes]:
    lowered = text.lower()
    starts = range(max(1, len(lowered) - SHINGLE + 1))
    return [lowered[start : start + SHINGLE].encode() for start in starts]
