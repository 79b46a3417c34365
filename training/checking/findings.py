"""What there is in a table of labelled appeals: columns, balance, lengths, contradictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.prediction import LEVELS, Level
from training.data import COLUMNS, label_counts
from training.splits import Indices
from triage.citydata import City
from triage.drift import Drift, measure_drift

FEW = 5
"""Labels with fewer examples are told of: hardly one of them is in each fold."""

QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)

Counts = dict[str, dict[str, int]]
"""How often each label comes, by level, and each language under ``language``."""


@dataclass(frozen=True)
class Conflict:
    """Texts that are alike and have different labels; rows of the table in their order."""

    level: Level
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Findings:
    """What there is in a table.

    Attributes
    ----------
    filled
        By column, how many rows say something; columns that the files lack are missing.
    unlabelled
        Rows without a label at any level.
    counts
        As of `training.data.label_counts`.
    lengths
        Characters of a text at each of `QUANTILES`.
    repeated
        Rows whose text, or one alike, stands in another row as well.
    unknown
        By level, labels that the city does not know, with how often they come.
    """

    n_rows: int
    filled: dict[str, int]
    unlabelled: int
    counts: Counts
    lengths: dict[float, float]
    repeated: int
    conflicts: tuple[Conflict, ...]
    unknown: dict[Level, dict[str, int]]


def find(table: pd.DataFrame, groups: Indices, city: City) -> Findings:
    """Look at a table.

    Parameters
    ----------
    groups
        Shape (n_rows,), as of `training.splits.near_duplicate_groups`.
    """
    filled = {name: int(table[name].notna().sum()) for name in COLUMNS}
    lengths = table["text"].str.len().to_numpy(dtype=np.float64)
    counts = label_counts(table)
    return Findings(
        n_rows=len(table),
        filled={name: count for name, count in filled.items() if count},
        unlabelled=int(table[list(LEVELS)].isna().all(axis=1).sum()),
        counts=counts,
        lengths={at: float(np.quantile(lengths, at)) for at in QUANTILES},
        repeated=len(groups) - int((np.bincount(groups) == 1).sum()),
        conflicts=tuple(_conflicts(table, groups)),
        unknown=_unknown(counts, city),
    )


def few(counts: Mapping[str, int]) -> list[str]:
    """Return the labels that have too few examples, the rarest first."""
    return sorted((label for label, n in counts.items() if n < FEW), key=lambda one: counts[one])


def drift_from(before: Counts, now: Counts) -> dict[str, Drift]:
    """Compare labels and languages with those that a model was fitted on, where it says."""
    found = {
        name: measure_drift(before[name], counts) for name, counts in now.items() if name in before
    }
    return {name: drift for name, drift in found.items() if drift is not None}


def _conflicts(table: pd.DataFrame, groups: Indices) -> Iterator[Conflict]:
    for level in LEVELS:
        labels = table[level].reset_index(drop=True)
        several = labels.groupby(groups).transform("nunique") > 1
        rows = np.flatnonzero(several & labels.notna())
        for _, together in pd.Series(rows).groupby(groups[rows]):
            yield Conflict(level, tuple(together.tolist()))


def _unknown(counts: Counts, city: City) -> dict[Level, dict[str, int]]:
    known: dict[Level, Mapping[str, object]] = {
        "category": city.taxonomy.categories,
        "topic": city.taxonomy.topics,
        "enterprise": city.enterprises.enterprises,
    }
    found = {
        level: {label: n for label, n in counts.get(level, {}).items() if label not in codes}
        for level, codes in known.items()
    }
    return {level: labels for level, labels in found.items() if labels}
