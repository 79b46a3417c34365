"""Searches for the settings of a fit that do best on appeals it did not see.

The search is Optuna's tree-structured Parzen estimator (Bergstra et al., "Algorithms for
Hyper-Parameter Optimization", NeurIPS 2011); its study is a SQLite file that a later run goes on
with. What is searched for is a high mean of accuracy and macro-F1 of one level's head: accuracy
alone is blind to rare classes, and macro-F1 alone hangs on classes of which a fold has an example
or two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    distribution_to_json,
)
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import t as student_t
from sqlalchemy.exc import DatabaseError

from models.encoders import DenseEncoder
from models.prediction import Level
from training.data import Examples
from training.errors import OtherStudyError, TrainingError
from training.settings import DEFAULTS, FitSettings
from training.validation import Score, Validation
from triage.progress import Reporter, Silent

Space = dict[str, BaseDistribution]

STUDY = "settings"
"""Name of the one study in a file."""

FACTS, FOLDS = "facts", "folds"
"""What a study was made of, and how each fold of a trial did: kept in the file by these names."""

WORDS: Space = {
    "svm_c": FloatDistribution(0.05, 10, log=True),
    # A few values, since each one's features are made once and kept.
    "max_features": CategoricalDistribution((10_000, 20_000, 50_000, 100_000)),
}
VECTORS: Space = {"dense_weight": FloatDistribution(0.1, 1.5)}
"""Searched as well where there is a dense encoder."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings and how they did.

    Attributes
    ----------
    scores
        Fold by fold; fewer than there are folds where the trial was given up.
    pruned
        Whether it was given up, being worse than half of the others on the folds so far.
    """

    number: int
    settings: FitSettings
    scores: tuple[Score, ...]
    pruned: bool

    @property
    def value(self) -> float:
        """What the search goes by."""
        return fmean(score.value for score in self.scores)


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better some settings do than others on the same folds.

    Attributes
    ----------
    standard_error
        Of the difference, corrected for the folds' common training rows (Nadeau and Bengio,
        "Inference for the Generalization Error", Machine Learning 52, 2003).
    """

    difference: float
    standard_error: float
    n_folds: int

    @property
    def is_clear(self) -> bool:
        """Whether its 95 % interval by Student's t, of so few folds, is above zero."""
        quantile = float(student_t.ppf(0.975, self.n_folds - 1))
        return self.difference > quantile * self.standard_error


@dataclass(frozen=True)
class Tuned:
    """What a search has found.

    Attributes
    ----------
    trials
        Of the study, earlier runs' included; those that were cut off are not there.
    n_before
        How many of them there were before this run.
    interrupted
        Whether the run was stopped before its last trial.
    gain
        Of the best settings over the default ones.
    """

    level: Level
    validation: str
    trials: tuple[Trial, ...]
    n_before: int
    interrupted: bool
    best: Trial
    default: Trial
    gain: Gain


def tune(
    examples: Examples,
    level: Level,
    study_file: Path,
    *,
    n_trials: int,
    dense_encoder: DenseEncoder | None,
    seed: int = 0,
    progress: Reporter | None = None,
) -> Tuned:
    """Search until the study has so many trials; the default settings are the first of them.

    An interrupt ends the search, and what is finished is kept.

    Raises
    ------
    InvalidTrainingDataError
        Too few examples have a label of this level.
    OtherStudyError
        The study is of other data, another level, encoder, seed, or another search.
    KeyboardInterrupt
        It came before the default settings were through.
    """
    progress = progress or Silent()
    space = WORDS | VECTORS if dense_encoder else WORDS
    validation = Validation.of(examples, level, dense_encoder, seed=seed, progress=progress)
    facts = {
        "data": examples.data_hash,
        "level": level,
        "encoder": dense_encoder.name if dense_encoder else "none",
        "validation": f"{validation.kind}, seed {seed}",
        "space": {name: json.loads(distribution_to_json(one)) for name, one in space.items()},
    }
    with _opened(study_file, facts) as study:
        n_before = len(_finished(study))
        # By the trials so far: the same seed again would try the same settings again.
        study.sampler = TPESampler(seed=seed + len(study.trials))
        interrupted = _search(study, space, validation, n_trials - n_before, progress)
        trials = _finished(study)
    default = _find_default(trials)
    if default is None:
        raise KeyboardInterrupt
    best = max((trial for trial in trials if not trial.pruned), key=lambda trial: trial.value)
    gain = compare(best, default, validation.held_out_ratio)
    return Tuned(level, validation.kind, trials, n_before, interrupted, best, default, gain)


def compare(one: Trial, other: Trial, held_out_ratio: float) -> Gain:
    """Compare two trials fold by fold.

    Parameters
    ----------
    held_out_ratio
        Rows held out to rows fitted on.
    """
    pairs = zip(one.scores, other.scores, strict=True)
    differences = np.array([own.value - its.value for own, its in pairs])
    variance = differences.var(ddof=1) * (1 / len(differences) + held_out_ratio)
    return Gain(float(differences.mean()), float(np.sqrt(variance)), len(differences))


@contextmanager
def _opened(path: Path, facts: dict[str, Any]) -> Iterator[optuna.Study]:
    """Open a study or make it, and check that it is of these facts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = RDBStorage(f"sqlite:///{path}")
    except DatabaseError as error:
        raise TrainingError(f"{path}: not a study: {error.orig}") from error
    try:
        study = optuna.create_study(
            study_name=STUDY,
            storage=storage,
            direction="maximize",
            pruner=MedianPruner(),
            load_if_exists=True,
        )
        was = study.user_attrs.get(FACTS, facts)
        for name, value in facts.items():
            if was.get(name) != value:
                raise OtherStudyError(
                    f"{path}: a study of other {name}: {was.get(name)}, now {value};"
                    " name another file"
                )
        study.set_user_attr(FACTS, facts)
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _search(
    study: optuna.Study, space: Space, validation: Validation, n_left: int, progress: Reporter
) -> bool:
    """Make trials; return whether they were interrupted."""
    if _find_default(_finished(study)) is None:
        defaults = asdict(DEFAULTS)
        study.enqueue_trial({name: defaults[name] for name in space})
    try:
        for _ in progress.track("trials", range(n_left), max(0, n_left)):
            _try(study, space, validation)
    except KeyboardInterrupt:
        return True
    return False


def _try(study: optuna.Study, space: Space, validation: Validation) -> None:
    trial = study.ask(space)
    scores: list[Score] = []
    try:
        for fold in range(validation.n_folds):
            scores.append(validation.score(FitSettings(**trial.params), fold))
            trial.report(fmean(score.value for score in scores), fold)
            if len(scores) < validation.n_folds and trial.should_prune():
                break
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    trial.set_user_attr(FOLDS, [asdict(score) for score in scores])
    if len(scores) < validation.n_folds:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, fmean(score.value for score in scores))


def _finished(study: optuna.Study) -> tuple[Trial, ...]:
    return tuple(_trial(found) for found in study.get_trials(deepcopy=False, states=FINISHED))


def _trial(found: FrozenTrial) -> Trial:
    scores = tuple(Score(**score) for score in found.user_attrs[FOLDS])
    settings = FitSettings(**found.params)
    return Trial(found.number, settings, scores, found.state == TrialState.PRUNED)


def _find_default(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial of the default settings that ran on all folds, if there is one."""
    found = (trial for trial in trials if trial.settings == DEFAULTS and not trial.pruned)
    return next(found, None)
