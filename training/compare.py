"""Compares a challenger with the champion on labelled appeals that neither was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd

from models.classifier import Floats
from models.registry import LoadedModel
from training.buckets import Bucket, buckets_of, weights_of
from training.comparison.answers import Answers, CityRules, answers_of
from training.comparison.bootstrap import Contrast, contrast
from training.comparison.changes import Change, changes_of
from training.data import Examples
from training.errors import InvalidTrainingDataError
from training.leaveout import ROUTED
from triage.policy import Policy
from triage.progress import Reporter, Silent


@dataclass(frozen=True)
class Measured:
    """Two models in one bucket of the appeals, at one level."""

    bucket: Bucket
    level: str
    contrast: Contrast


@dataclass(frozen=True, slots=True)
class LoadShift:
    """Share of appeals routed without a person, by the champion and by the challenger.

    Attributes
    ----------
    language
        All together, a language or a spelling.
    """

    language: str
    n: int
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """Two models on the same appeals.

    Attributes
    ----------
    champion, challenger
        Names and versions.
    answers
        Of each model, by level.
    weights
        Shape (n,): what each appeal counts.
    measured
        Levels that both models have and the data has labels of, over every bucket.
    changes
        Appeals whose answer changes, worst first.
    """

    champion: str
    challenger: str
    table: pd.DataFrame
    weights: Floats
    answers: tuple[Mapping[str, Answers], Mapping[str, Answers]]
    measured: tuple[Measured, ...]
    changes: tuple[Change, ...]
    load: tuple[LoadShift, ...]

    @property
    def levels(self) -> list[str]:
        """The levels compared, from the broad to the fine; appeals are routed by the last."""
        return list(dict.fromkeys(one.level for one in self.measured))

    @property
    def judged_levels(self) -> list[str]:
        """The levels that matter in service: where rules have a say, not what history thinks."""
        levels = self.levels
        return [one for one in levels if one != "enterprise" or ROUTED not in levels]

    def whole(self, level: str) -> Contrast:
        """Return what was measured at a level over all appeals."""
        return next(
            one.contrast for one in self.measured if one.level == level and one.bucket.kind == "all"
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Every figure over all appeals under one name, for MLflow."""
        found: dict[str, float] = {}
        for level in self.levels:
            whole = self.whole(level)
            found |= {f"{level}_n": float(whole.n), f"{level}_p_value": whole.p_value}
            for name, difference in whole.differences.items():
                found |= {
                    f"{level}_{name}_champion": whole.champion[name],
                    f"{level}_{name}_challenger": whole.challenger[name],
                    f"{level}_{name}_difference": difference.value,
                    f"{level}_{name}_difference_low": difference.low,
                    f"{level}_{name}_difference_high": difference.high,
                }
        return {name: value for name, value in found.items() if not isnan(value)}


def compare(
    champion: LoadedModel,
    challenger: LoadedModel,
    examples: Examples,
    *,
    policy: Policy,
    rules: CityRules | None = None,
    seed: int = 0,
    progress: Reporter | None = None,
) -> Comparison:
    """Compare two models on the same appeals.

    Parameters
    ----------
    policy
        Whose contract tells what would be routed without a person.
    rules
        Of a city, to compare what the service would decide as well; None compares models alone.
    seed
        Of the bootstrap.

    Raises
    ------
    IncompatibleModelError
        The city's taxonomy does not know a model's labels.
    InvalidTrainingDataError
        The models have no level in common that the data has labels of.
    """
    progress = progress or Silent()
    table, weights = examples.table, weights_of(examples.table)
    old, new = (
        answers_of(loaded, examples, policy, rules, progress) for loaded in (champion, challenger)
    )
    buckets = buckets_of(table)
    pairs = [(bucket, level) for level in old if level in new for bucket in buckets]
    measured = [
        Measured(bucket, level, found)
        for bucket, level in progress.track("resampling", pairs, len(pairs))
        if (found := _contrast(bucket, old[level], new[level], weights, seed)) is not None
    ]
    if not measured:
        raise InvalidTrainingDataError("the models and the data have no level in common")
    return Comparison(
        champion=f"{champion.name}/{champion.version}",
        challenger=f"{challenger.name}/{challenger.version}",
        table=table,
        weights=weights,
        answers=(old, new),
        measured=tuple(measured),
        changes=tuple(changes_of(old, new, table)),
        load=tuple(_load(buckets, old, new, weights)),
    )


def _contrast(
    bucket: Bucket, before: Answers, after: Answers, weights: Floats, seed: int
) -> Contrast | None:
    known = np.array([label is not None for label in before.choices.true], dtype=bool)
    rows = bucket.rows & known
    if not rows.any():
        return None
    return contrast(before.at(rows), after.at(rows), weights[rows], seed=seed)


def _load(
    buckets: list[Bucket],
    old: Mapping[str, Answers],
    new: Mapping[str, Answers],
    weights: Floats,
) -> list[LoadShift]:
    """Say what is routed unseen at the last level of both, labels or none."""
    level = [level for level in old if level in new][-1]
    return [
        LoadShift(
            bucket.name,
            int(bucket.rows.sum()),
            *(
                float(np.average(one[level].unseen[bucket.rows], weights=weights[bucket.rows]))
                for one in (old, new)
            ),
        )
        for bucket in buckets
        if bucket.kind in ("all", "language")
    ]
