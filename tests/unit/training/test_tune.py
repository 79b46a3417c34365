from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.data import Examples, read_examples
from training.errors import InvalidTrainingDataError, OtherStudyError, TrainingError
from training.settings import DEFAULTS, FitSettings
from training.tune import WORDS, Gain, Score, Trial, Tuned, compare, tune
from training.validation import Validation
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.progress import Silent, T


@pytest.fixture(scope="module")
def examples() -> Examples:
    path = STARTER_DATA / "appeals.jsonl"
    found = read_examples([str(path)], taxonomy=load_city(STARTER_DATA).taxonomy)
    return replace(found, table=found.table.iloc[:300].reset_index(drop=True))


def search(examples: Examples, study: Path, n_trials: int, **options) -> Tuned:
    options = {"level": "category", "dense_encoder": None, **options}
    return tune(examples, options.pop("level"), study, n_trials=n_trials, **options)


class Stopping(Silent):
    """Is interrupted after so many trials, as by Ctrl-C."""

    def __init__(self, n_trials: int) -> None:
        self.n_trials = n_trials

    def track(self, step: str, items: Iterable[T], total: int | None = None) -> Iterator[T]:
        for number, item in enumerate(items):
            if step == "trials" and number == self.n_trials:
                raise KeyboardInterrupt
            yield item


def dated(examples: Examples) -> Examples:
    start = np.datetime64("2026-01-01T00:00", "s")
    times = [str(start + 3600 * number) + "Z" for number in range(len(examples))]
    return replace(examples, table=examples.table.assign(received_at=times))


def trial(*values: float) -> Trial:
    return Trial(0, DEFAULTS, tuple(Score(value, value) for value in values), pruned=False)


@pytest.fixture(scope="module")
def tuned(examples, tmp_path_factory) -> Tuned:
    return search(examples, tmp_path_factory.mktemp("tune") / "new" / "study.db", 3)


def test_tune_first_trial_is_the_default_settings(tuned: Tuned) -> None:
    assert [one.number for one in tuned.trials] == [0, 1, 2]
    assert tuned.trials[0].settings == DEFAULTS
    assert tuned.default == tuned.trials[0]
    assert DEFAULTS.max_features in WORDS["max_features"].choices


def test_tune_best_is_no_worse_than_the_default_and_gain_is_their_difference(tuned: Tuned) -> None:
    assert tuned.best.value == max(one.value for one in tuned.trials if not one.pruned)
    assert tuned.gain.difference == pytest.approx(tuned.best.value - tuned.default.value)
    assert 0 < tuned.best.value < 1


def test_tune_same_seed_tries_the_same_settings(examples, tuned, tmp_path) -> None:
    again = search(examples, tmp_path / "study.db", 3)
    assert again.trials == tuned.trials


def test_tune_rerun_goes_on_and_tries_other_settings(examples, tmp_path) -> None:
    first = search(examples, tmp_path / "study.db", 3)
    second = search(examples, tmp_path / "study.db", 5)
    assert (first.n_before, second.n_before) == (0, 3)
    assert second.trials[:3] == first.trials
    assert len({one.settings for one in second.trials}) == 5
    third = search(examples, tmp_path / "study.db", 4)
    assert third.trials == second.trials


def test_tune_interrupt_keeps_finished_trials_and_a_rerun_goes_on(examples, tmp_path) -> None:
    stopped = search(examples, tmp_path / "study.db", 9, progress=Stopping(2))
    assert stopped.interrupted
    assert len(stopped.trials) == 2
    after = search(examples, tmp_path / "study.db", 3)
    assert not after.interrupted
    assert after.trials[:2] == stopped.trials


def test_tune_interrupt_before_the_default_is_through_is_one(examples, tmp_path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(examples, tmp_path / "study.db", 3, progress=Stopping(0))
    after = search(examples, tmp_path / "study.db", 2)
    assert after.default == after.trials[0]


def test_tune_interrupt_within_a_trial_leaves_no_half_of_one(
    examples, tmp_path, monkeypatch
) -> None:
    scored = Validation.score

    def score(self: Validation, settings: FitSettings, fold: int) -> Score:
        if settings != DEFAULTS and fold == 1:
            raise KeyboardInterrupt
        return scored(self, settings, fold)

    monkeypatch.setattr(Validation, "score", score)
    stopped = search(examples, tmp_path / "study.db", 3)
    assert stopped.interrupted
    assert [one.settings for one in stopped.trials] == [DEFAULTS]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"level": "topic"}, "other level: category, now topic"),
        ({"seed": 1}, "other validation: grouped, seed 0, now grouped, seed 1"),
    ],
)
def test_tune_study_of_something_else_is_refused(examples, tmp_path, change, told) -> None:
    search(examples, tmp_path / "study.db", 2)
    with pytest.raises(OtherStudyError, match=told):
        search(examples, tmp_path / "study.db", 2, **change)


def test_tune_study_of_other_data_is_refused(examples, tmp_path) -> None:
    search(examples, tmp_path / "study.db", 2)
    with pytest.raises(OtherStudyError, match="other data: "):
        search(replace(examples, data_hash="ab"), tmp_path / "study.db", 2)


def test_tune_study_of_another_search_space_is_refused(examples, tmp_path, monkeypatch) -> None:
    search(examples, tmp_path / "study.db", 2)
    monkeypatch.delitem(WORDS, "max_features")
    with pytest.raises(OtherStudyError, match="other space"):
        search(examples, tmp_path / "study.db", 2)


def test_tune_file_that_is_no_study_is_told_and_kept(examples, tmp_path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a list of things to do, longer than a header of SQLite's " * 3)
    with pytest.raises(TrainingError, match="not a study"):
        search(examples, path, 2)
    assert path.read_text().startswith("a list")


def test_tune_one_class_says_there_is_too_little(examples, tmp_path) -> None:
    one = replace(examples, table=examples.table.assign(category="roads", topic=None))
    with pytest.raises(InvalidTrainingDataError, match="too few examples with a category"):
        search(one, tmp_path / "study.db", 2)


def test_validation_of_dated_examples_holds_out_what_came_later(examples) -> None:
    found = dated(examples)
    validation = Validation.of(found, "category", None, seed=0, progress=Silent())
    assert validation.kind == "by time"
    for train, held_out in validation.splits:
        assert train.max() < held_out.min() or not set(train) & set(held_out)


def test_validation_leaves_out_what_a_fit_keeps_for_its_contract(examples) -> None:
    enough = replace(examples, table=pd.concat([examples.table] * 2, ignore_index=True))
    enough.table["text"] = [f"{number} {text}" for number, text in enumerate(enough.table["text"])]
    found = dated(enough)
    validation = Validation.of(found, "category", None, seed=0, progress=Silent())
    last = found.table["text"].iloc[-1]
    assert last not in validation.texts
    assert len(validation.texts) < len(found)


def test_validation_score_is_of_weighted_rows_as_a_fit_is(examples) -> None:
    weights = np.where(np.arange(len(examples)) % 2, 1.0, 0.01)
    weighted = replace(examples, table=examples.table.assign(weight=list(weights)))
    plain, other = (
        Validation.of(found, "category", None, seed=0, progress=Silent()).score(DEFAULTS, 0)
        for found in (examples, weighted)
    )
    assert plain != other


def test_compare_same_scores_have_no_gain() -> None:
    gain = compare(trial(0.5, 0.6), trial(0.5, 0.6), 0.25)
    assert gain == Gain(0.0, 0.0, 2)
    assert not gain.is_clear


@pytest.mark.parametrize(("difference", "is_clear"), [(0.027, False), (0.028, True)])
def test_gain_of_five_folds_is_clear_beyond_the_t_quantile_of_four(difference, is_clear) -> None:
    # 2.776 standard errors, where two would do for many folds.
    assert Gain(difference, 0.01, 5).is_clear is is_clear


def test_compare_error_counts_the_folds_common_rows() -> None:
    gain = compare(trial(0.6, 0.8), trial(0.5, 0.5), 0.25)
    assert gain.difference == pytest.approx(0.2)
    # Differences of 0.1 and 0.3 have a variance of 0.02.
    assert gain.standard_error == pytest.approx((0.02 * (0.5 + 0.25)) ** 0.5)
    assert not gain.is_clear


def test_compare_equal_differences_are_clear() -> None:
    assert compare(trial(0.6, 0.7), trial(0.5, 0.6), 0.25).is_clear
