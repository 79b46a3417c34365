from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from models.selective import Contract, Part
from triage.health import (
    MIN_DECISIONS,
    Mix,
    RoutedSums,
    State,
    by_decile,
    judge_embeddings,
    judge_mix,
    judge_precision,
    judge_unknown_words,
)
from triage.precision import StratumSums


def routed(
    language: str, enterprise: str | None, *, right: int, wrong: int, stratum: str = "housing"
) -> RoutedSums:
    """Return 1,000 decisions of which every tenth was checked, with as many right and wrong."""
    n = right + wrong
    sums = StratumSums(
        stratum=f"{stratum}/{language}",
        n_routed=1_000,
        n_drawn=n,
        n_checked=n,
        weight=10.0 * n,
        weight_squares=100.0 * n,
        weight_right=10.0 * right,
    )
    return RoutedSums(language, enterprise, sums)


def contract(*keys: tuple[str | None, str | None]) -> Contract:
    parts = tuple(Part(language, group, 0.9, 0.5, 1_000) for language, group in keys)
    return Contract(0.9, 0.9, parts, frozenset({"ru", "kk"}))


def judged(sums: list[RoutedSums], promised: Contract | None) -> dict[str, State]:
    found = judge_precision(sums, promised, target=0.9, confidence=0.9)
    parts = {f"{one.language}/{one.group}": one.state for one in found.parts}
    return {"all": found.precision.state, **parts}


def test_mix_same_shares_are_ok() -> None:
    found = judge_mix("languages", Mix({"ru": 600, "kk": 300}, {"ru": 60, "kk": 30}))
    assert found.state is State.OK
    assert (found.n, found.n_reference) == (90, 900)
    assert found.jensen_shannon == pytest.approx(0, abs=1e-9)


def test_mix_planted_drift_warns() -> None:
    found = judge_mix("languages", Mix({"ru": 700, "kk": 300}, {"ru": 100, "kk": 150}))
    assert found.state is State.WARN
    assert found.value is not None
    assert found.threshold is not None
    assert found.value > found.threshold


@pytest.mark.parametrize(
    ("n_before", "n_now"), [(900, MIN_DECISIONS - 1), (MIN_DECISIONS - 1, 900)]
)
def test_mix_of_few_says_nothing_however_far(n_before: int, n_now: int) -> None:
    found = judge_mix("topics", Mix({"snow": n_before}, {"heat": n_now}))
    assert found.state is State.TOO_FEW
    assert found.value is not None


@pytest.mark.parametrize("mix", [Mix({}, {}), Mix({"ru": 900}, {}), Mix({}, {"ru": 900})])
def test_mix_with_an_empty_side_has_no_value(mix: Mix) -> None:
    found = judge_mix("languages", mix)
    assert (found.value, found.threshold, found.state) == (None, None, State.TOO_FEW)


def test_mix_label_may_be_missing() -> None:
    assert judge_mix("categories", Mix({None: 100}, {None: 100})).state is State.OK


def test_deciles_hold_a_tenth_of_what_was_before() -> None:
    before = dict.fromkeys(range(1, 1_001), 1)
    found = by_decile(before, {1: 4, 100: 1, 101: 2, 1_000: 3})
    assert found.before == {str(decile): 100 for decile in range(1, 11)}
    assert found.now == {"1": 5, "2": 2, "10": 3}


def test_deciles_of_few_values_coincide_and_lose_nothing() -> None:
    found = by_decile({9_900: 5, 10_000: 95}, {0: 2, 9_950: 1, 10_000: 7})
    assert sum(found.before.values()) == 100
    assert sum(found.now.values()) == 10
    assert by_decile({5: 100}, {1: 3, 9: 4}) == Mix({"1": 100}, {"1": 7})


@pytest.mark.parametrize(("now", "expected"), [({}, Mix({}, {})), ({3: 2}, Mix({}, {"1": 2}))])
def test_deciles_of_nothing_before(now: dict[int, int], expected: Mix) -> None:
    assert by_decile({}, now) == expected


def test_unknown_words_rise_warns_and_fall_does_not() -> None:
    rng = np.random.default_rng(0)
    known, unknown = rng.uniform(0.6, 1, 200), rng.uniform(0.3, 0.8, 200)
    risen, fallen = judge_unknown_words(known, unknown), judge_unknown_words(unknown, known)
    assert (risen.state, fallen.state) == (State.WARN, State.OK)
    assert risen.value == pytest.approx(0.45, abs=0.03)
    assert risen.threshold == pytest.approx(0.25, abs=0.03)


def test_unknown_words_sure_and_small_rise_is_no_matter() -> None:
    before, now = np.full(400, 0.80), np.full(400, 0.77)
    assert judge_unknown_words(before, now).state is State.OK


def test_unknown_words_without_texts_say_nothing() -> None:
    found = judge_unknown_words(np.zeros(0), np.full(80, 0.5))
    assert (found.value, found.state, found.n, found.n_reference) == (None, State.TOO_FEW, 80, 0)


def test_embeddings_of_other_texts_warn() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=(80, 5)), rng.normal(2, size=(60, 5))
    found = judge_embeddings(sparse.csr_matrix(before), sparse.csr_matrix(now))
    assert (found.state, found.n, found.n_reference) == (State.WARN, 60, 80)


def test_embeddings_of_few_texts_say_nothing() -> None:
    rows = sparse.csr_matrix(np.eye(3))
    assert judge_embeddings(rows, rows).state is State.TOO_FEW
    assert judge_embeddings(rows, sparse.csr_matrix((0, 1))).value is None


def test_precision_under_the_target_for_sure_is_a_breach() -> None:
    promised = contract(("ru", "snow"), ("ru", None), (None, None))
    sums = [
        routed("ru", "snow", right=60, wrong=40),
        routed("ru", "heat", right=99, wrong=1),
        routed("kk", "snow", right=97, wrong=3),
    ]
    assert judged(sums, promised) == {
        "all": State.WARN,
        "None/None": State.OK,
        "ru/None": State.OK,
        "ru/snow": State.WARN,
    }


def test_precision_a_little_under_the_target_may_be_chance() -> None:
    found = judge_precision(
        [routed("ru", "snow", right=87, wrong=13)],
        contract(("ru", None)),
        target=0.9,
        confidence=0.9,
    )
    assert found.precision.value == pytest.approx(0.87)
    assert found.breaches == ()


def test_precision_of_one_part_does_not_hide_behind_the_rest() -> None:
    sums = [routed("ru", "snow", right=60, wrong=40)]
    sums += [routed("kk", None, right=98, wrong=2, stratum=f"s{one}") for one in range(9)]
    states = judged(sums, contract(("ru", None), ("kk", None)))
    assert states == {"all": State.OK, "kk/None": State.OK, "ru/None": State.WARN}


def test_precision_more_parts_make_each_interval_wider() -> None:
    sums = [routed("ru", "snow", right=80, wrong=20)]
    one = judge_precision(sums, contract(("ru", None)), target=0.9, confidence=0.9).parts[0]
    several = contract(("ru", None), ("kk", None), (None, None))
    [wider] = [
        part
        for part in judge_precision(sums, several, target=0.9, confidence=0.9).parts
        if part.language == "ru"
    ]
    assert one.high is not None
    assert wider.high is not None
    assert wider.high > one.high


def test_precision_few_checks_say_nothing() -> None:
    sums = [routed("ru", "snow", right=0, wrong=20)]
    assert judged(sums, contract(("ru", None))) == {
        "all": State.TOO_FEW,
        "ru/None": State.TOO_FEW,
    }


def test_precision_language_without_a_promise_counts_in_all_alone() -> None:
    sums = [routed("en", "snow", right=10, wrong=90)]
    found = judge_precision(sums, contract(("ru", None), (None, None)), target=0.9, confidence=0.9)
    assert found.precision.state is State.WARN
    assert [part.n for part in found.parts] == [0, 0]


def test_precision_without_a_model_is_that_of_all() -> None:
    assert judged([routed("ru", "snow", right=99, wrong=1)], None) == {"all": State.OK}


def test_precision_strata_are_added_up_across_enterprises() -> None:
    sums = [
        routed("ru", "snow", right=20, wrong=0),
        routed("ru", "heat", right=20, wrong=0),
    ]
    found = judge_precision(sums, None, target=0.9, confidence=0.9).precision
    assert (found.value, found.n, found.n_routed, found.state) == (1.0, 40, 2_000, State.OK)
