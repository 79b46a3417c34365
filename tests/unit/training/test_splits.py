from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from appeal_files import corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from training import splits as module
from training.splits import (
    CONTRACT_SHARE,
    MIN_FOR_CONTRACT,
    N_FOLDS,
    contract_split,
    folds,
    forward_folds,
    hold_out,
    leaving_out,
    near_duplicate_groups,
)

LONG = [row["text"] for row in corpus() if len(row["text"]) > 300][:60]


def change_a_word(text: str) -> str:
    """Put another word in place of the longest one in the middle third."""
    words = text.split()
    middle = range(len(words) // 3, 2 * len(words) // 3)
    place = max(middle, key=lambda number: len(words[number]))
    return " ".join([*words[:place], "параллелепипед", *words[place + 1 :]])


@pytest.mark.parametrize(
    "alter",
    [str, str.upper, change_a_word, lambda text: f"{text} Спасибо!"],
    ids=["repeated", "case", "word", "thanks"],
)
def test_near_duplicate_groups_altered_text_is_with_its_original(alter: object) -> None:
    assert callable(alter)
    groups = near_duplicate_groups([*LONG, *(alter(text) for text in LONG)])
    originals, copies = np.split(groups, 2)
    assert (originals == copies).all()


def test_near_duplicate_groups_different_texts_are_apart() -> None:
    assert len(np.unique(near_duplicate_groups(LONG))) == len(LONG)


def test_near_duplicate_groups_likeness_is_passed_on() -> None:
    first = LONG[0]
    second = change_a_word(first)
    third = f"{second} Жауабын күтемін, рахмет алдын ала"
    groups = near_duplicate_groups([first, LONG[1], second, third])
    assert groups[0] == groups[2] == groups[3] != groups[1]


def test_near_duplicate_groups_shortest_texts_are_told_apart() -> None:
    groups = near_duplicate_groups(["а", "б", "а", "нет", "Нет", "ә"])
    assert groups[0] == groups[2]
    assert groups[3] == groups[4]
    assert len(np.unique(groups)) == 4


def test_near_duplicate_groups_nothing_is_no_group() -> None:
    assert near_duplicate_groups([]).shape == (0,)


def test_near_duplicate_groups_is_the_same_each_time() -> None:
    texts = [*LONG, *map(change_a_word, LONG)]
    assert (near_duplicate_groups(texts) == near_duplicate_groups(iter(texts))).all()


GROUPS = st.lists(st.integers(0, 30), min_size=1, max_size=120).map(np.array)


@settings(deadline=None)
@given(groups=GROUPS, seed=st.integers(0, 9))
def test_folds_are_disjoint_cover_all_and_cut_no_group(groups: np.ndarray, seed: int) -> None:
    splits = folds(groups, seed=seed)
    n_groups = len(np.unique(groups))
    assert len(splits) == (min(N_FOLDS, n_groups) if n_groups > 1 else 0)
    for train, held_out in splits:
        assert sorted([*train, *held_out]) == list(range(len(groups)))
        assert not set(groups[train]) & set(groups[held_out])
    if splits:
        everything = sorted(itertools.chain.from_iterable(held for _, held in splits))
        assert everything == list(range(len(groups)))


def test_folds_seed_decides() -> None:
    groups = np.arange(200)
    first, again, other = (
        [held.tolist() for _, held in folds(groups, seed=seed)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_leaving_out_holds_out_each_group_in_turn() -> None:
    group = np.array([True, False, True])
    found = [
        (train.tolist(), held_out.tolist()) for train, held_out in leaving_out([group, ~group])
    ]
    assert found == [([1], [0, 2]), ([0, 2], [1])]


def days(numbers: np.ndarray) -> pd.Series:
    return pd.Series(pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(numbers, "D"))


def test_contract_split_dated_keeps_the_latest() -> None:
    order = np.random.default_rng(0).permutation(1000)
    split = contract_split(np.arange(1000), days(order).astype(object))
    assert len(split.contract) == round(CONTRACT_SHARE * 1000)
    assert order[split.contract].min() > order[split.fit].max()
    assert sorted([*split.fit, *split.contract]) == list(range(1000))


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_contract_split_never_cuts_a_group(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    n_rows = MIN_FOR_CONTRACT + seed % 100
    groups = generator.integers(0, data.draw(st.integers(1, 2 * n_rows)), n_rows)
    split = contract_split(groups, days(generator.integers(0, 50, n_rows)))
    assert not set(groups[split.fit]) & set(groups[split.contract])
    assert sorted([*split.fit, *split.contract]) == list(range(n_rows))


def test_contract_split_group_that_goes_on_is_on_its_first_side() -> None:
    groups = np.arange(500)
    groups[-1] = 0  # the last appeal repeats the first
    split = contract_split(groups, days(np.arange(500)))
    assert 499 in split.fit
    assert 498 in split.contract


@pytest.mark.parametrize(
    "received_at",
    [
        pd.Series([None] * 500, dtype=object),
        days(np.arange(500)).astype(object).where(np.arange(500) != 250, None),
        days(np.zeros(500)),
        days(np.arange(MIN_FOR_CONTRACT - 1)),
    ],
    ids=["undated", "one undated", "all on one day", "too few"],
)
def test_contract_split_without_enough_dates_fits_on_all(received_at: pd.Series) -> None:
    split = contract_split(np.arange(len(received_at)), received_at)
    assert split.fit.tolist() == list(range(len(received_at)))
    assert len(split.contract) == 0


def test_forward_folds_hold_out_what_came_next_and_fit_on_all_before() -> None:
    groups = np.arange(60)
    times = pd.Series(pd.date_range("2026-01-01", periods=60, tz="UTC"))
    shuffled = np.random.default_rng(0).permutation(60)
    splits = forward_folds(groups, times.iloc[shuffled], n_folds=5)
    assert [(len(train), len(held_out)) for train, held_out in splits] == [
        (10, 10),
        (20, 10),
        (30, 10),
        (40, 10),
        (50, 10),
    ]
    for train, held_out in splits:
        assert shuffled[train].max() < shuffled[held_out].min()


def test_forward_folds_a_group_is_where_its_first_appeal_is() -> None:
    groups = np.array([*range(59), 0])
    times = pd.Series(pd.date_range("2026-01-01", periods=60, tz="UTC"))
    for train, held_out in forward_folds(groups, times):
        assert not set(groups[train]) & set(groups[held_out])
        assert 59 in train


def test_forward_folds_of_one_time_are_none() -> None:
    times = pd.Series([pd.Timestamp("2026-01-01", tz="UTC")] * 10)
    assert forward_folds(np.arange(10), times) == []


@pytest.mark.parametrize(("n_parts", "n_rows"), [(1, 100), (2, 100), (2, 1_000)])
def test_hold_out_parts_are_apart_from_what_is_fitted_and_groups_stay_whole(
    n_parts: int, n_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_HELD_OUT", 50)
    groups = np.arange(n_rows) // 2
    splits = hold_out(groups, seed=0, n_parts=n_parts)
    sides = [splits[0][0], *(part for _, part in splits)]
    assert sorted(np.concatenate(sides)) == list(range(n_rows))
    assert all((rest == sides[0]).all() for rest, _ in splits)
    assert all(len(part) <= min(50, n_rows // N_FOLDS) for _, part in splits)
    in_sides = [set(groups[side]) for side in sides]
    assert not any(one & other for one, other in itertools.combinations(in_sides, 2))
