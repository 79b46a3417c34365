"""The starter corpus: leaving out each voice, and in folds.

What is measured is the first corpus, `APPEALS`. Where a voice is left out, the second corpus is
fitted on too, as in the starter model: it was written apart, and no text of it is a near-duplicate
of the first (a test holds this). The folds keep to the first, as do figures of others on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from training.benchmark.baselines import choose, prefix_svm
from training.benchmark.entries import Measured
from training.benchmark.measuring import measured, with_mean
from training.benchmark.suite import Suite
from training.benchmark.workbench import NamedEncoder, Workbench
from training.buckets import Parts, language_parts
from training.data import Examples, read_examples
from training.heads import Splits
from training.leaveout import group_parts, refit
from training.metrics import joined
from training.splits import folds, leaving_out, near_duplicate_groups
from training.starter import APPEALS, MORE_APPEALS
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.routing import Router
from triage.rulefile import load_city_rules

VOICE = "voice"
MEAN = "mean over voices"


@dataclass(frozen=True)
class Corpora:
    """Both corpora.

    Attributes
    ----------
    examples
        Those that are measured, then those that are only fitted on.
    n_measured
        How many are measured.
    """

    examples: Examples
    n_measured: int

    @property
    def measured(self) -> pd.DataFrame:
        """The rows that are measured."""
        return self.examples.table.iloc[: self.n_measured]

    def with_second(self, splits: Splits) -> Splits:
        """Add the second corpus to what is fitted on."""
        second = np.arange(self.n_measured, len(self.examples))
        return [(np.concatenate([train, second]), held_out) for train, held_out in splits]


def measure_voices(encoder: NamedEncoder, bench: Workbench) -> Measured:
    """Fit on all voices but one, for each in turn, and measure on that one."""
    corpora = _read_both(bench)
    return _with_mean(_refit(encoder, bench, corpora.examples, *_voices(corpora)))


def measure_folds(encoder: NamedEncoder, bench: Workbench) -> Measured:
    """Fit on four fifths, near-duplicates together, and measure on the rest."""
    examples = _read(bench, APPEALS)
    return _refit(encoder, bench, examples, *_folds(bench, examples.table))


def measure_voices_plainly(bench: Workbench) -> Measured:
    """Let a plain linear SVM do the same, for topics."""
    corpora = _read_both(bench)
    return _with_mean(_plainly(bench, corpora.examples, *_voices(corpora)))


def measure_folds_plainly(bench: Workbench) -> Measured:
    """Let a plain linear SVM do the same, for topics."""
    examples = _read(bench, APPEALS)
    return _plainly(bench, examples, *_folds(bench, examples.table))


def _refit(
    encoder: NamedEncoder, bench: Workbench, examples: Examples, splits: Splits, parts: Parts
) -> Measured:
    city = load_city(STARTER_DATA)
    chosen = refit(
        examples,
        splits,
        dense_encoder=encoder.dense,
        router=Router.of(city, load_city_rules(STARTER_DATA, city)),
        progress=bench.progress,
    )
    return measured(chosen, parts)


def _plainly(bench: Workbench, examples: Examples, splits: Splits, parts: Parts) -> Measured:
    texts, topics = (examples.table[name].to_numpy() for name in ("text", "topic"))
    chosen = [
        choose(prefix_svm, (texts[train], topics[train]), (texts[held_out], topics[held_out]))
        for train, held_out in bench.progress.track("refitting", splits, len(splits))
    ]
    return measured({"topic": joined(chosen, splits)}, parts)


def _voices(corpora: Corpora) -> tuple[Splits, Parts]:
    groups = group_parts(corpora.measured, VOICE)
    splits = corpora.with_second(leaving_out(groups.values()))
    return splits, language_parts(corpora.measured) | groups


def _folds(bench: Workbench, table: pd.DataFrame) -> tuple[Splits, Parts]:
    groups = near_duplicate_groups(table["text"])
    return folds(groups, seed=bench.seed), language_parts(table)


def _with_mean(found: Measured) -> Measured:
    return replace(found, figures=with_mean(found.figures, VOICE, MEAN))


def _read_both(bench: Workbench) -> Corpora:
    first, second = (_read(bench, path) for path in (APPEALS, MORE_APPEALS))
    both = pd.concat([first.table, second.table], ignore_index=True)
    return Corpora(replace(first, table=both), len(first))


def _read(bench: Workbench, path: Path) -> Examples:
    city = load_city(STARTER_DATA)
    return bench.limited(
        read_examples([str(path)], taxonomy=city.taxonomy, enterprises=city.enterprises)
    )


_LEVELS = (
    " *Enterprise* is what history alone proposes, *routed* the enterprise after rules and places,"
    " *routed given topic* the same with the true topic."
)

VOICES = Suite(
    name="voices",
    title="Starter corpus, leaving out each voice",
    about=(
        "Synthetic appeals of Astana. Fitted on the second corpus and all voices of the first but"
        " one, measured on that one, for each in turn. *All* counts every appeal once, and half of"
        " them are of the voice `general`;"
        f" *{MEAN}* counts every voice once." + _LEVELS
    ),
    files=lambda shared: (APPEALS, MORE_APPEALS),
    run=measure_voices,
    baselines={"prefix SVM": measure_voices_plainly},
)

FOLDS = Suite(
    name="folds",
    title="Starter corpus, five folds",
    about=(
        "Fitted anew on four fifths of the first corpus alone, calibration and all, and measured on"
        " the rest; near-duplicates are together." + _LEVELS
    ),
    files=lambda shared: (APPEALS,),
    run=measure_folds,
    baselines={"prefix SVM": measure_folds_plainly},
)
