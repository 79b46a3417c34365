from __future__ import annotations

from dataclasses import replace

import pytest
from benchmark_entries import make_entry, with_accuracy

from training.benchmark.bars import AT_LEAST, AT_MOST, Bar, judge, read_bars
from training.benchmark.entries import Results
from training.benchmark.run import SUITES
from training.encoders import STATIC

BAR = Bar("kursk", "all", "topic", "accuracy", "best", AT_LEAST, 0.7)
RESULTS = Results(
    (
        make_entry(measured=with_accuracy(0.6)),
        make_entry(method="e5", measured=with_accuracy(0.7)),
        make_entry(method="SVM", is_baseline=True, measured=with_accuracy(0.9)),
    )
)


@pytest.mark.parametrize(
    ("bar", "method", "is_met"),
    [
        (BAR, "e5", True),
        (replace(BAR, value=0.71), "e5", False),
        (replace(BAR, encoder=STATIC), STATIC, False),
        (replace(BAR, bound=AT_MOST, value=0.6), STATIC, True),
        (replace(BAR, bound=AT_MOST, value=0.5), STATIC, False),
        (replace(BAR, suite="folds"), None, None),
        (replace(BAR, figure="ece"), None, None),
    ],
)
def test_judge_holds_the_best_encoder_against_a_bar_and_never_a_baseline(
    bar: Bar, method: str | None, is_met: bool | None
) -> None:
    (outcome,) = judge(RESULTS, [bar])
    assert (outcome.entry and outcome.entry.method, outcome.is_met) == (method, is_met)


def test_judge_passes_over_what_nothing_is_asked_of() -> None:
    assert judge(RESULTS, [replace(BAR, value=None)]) == []


def test_read_bars_name_suites_that_there_are_and_sound_bounds() -> None:
    bars = read_bars()
    assert {bar.suite for bar in bars} == set(SUITES)
    assert {bar.bound for bar in bars if bar.value is not None} == {AT_LEAST, AT_MOST}
    assert all(0 < bar.value < 1 for bar in bars if bar.value is not None)
    assert BAR.figure in {bar.figure for bar in bars}
