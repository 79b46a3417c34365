from __future__ import annotations

from itertools import pairwise

import pytest
from uuid_utils import uuid7

from triage import sampling

IDS = [str(uuid7()) for _ in range(20_000)]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_is_drawn_as_often_as_its_share_says(share: float) -> None:
    drawn = sum(sampling.is_drawn(one, "astana", share) for one in IDS)
    # Five standard errors.
    assert drawn / len(IDS) == pytest.approx(share, abs=5 * (share / len(IDS)) ** 0.5)


def test_is_drawn_twice_is_the_same_and_a_larger_share_draws_those_as_well() -> None:
    few = {one for one in IDS if sampling.is_drawn(one, "astana", 0.05)}
    assert few == {one for one in IDS if sampling.is_drawn(one, "astana", 0.05)}
    assert few < {one for one in IDS if sampling.is_drawn(one, "astana", 0.2)}


def test_is_drawn_other_city_draws_others() -> None:
    here, there = (
        {one for one in IDS if sampling.is_drawn(one, city, 0.05)} for city in ("astana", "almaty")
    )
    # Independent draws would share 0.05 of either.
    assert 0 < len(here & there) < 0.15 * len(here)


def test_is_drawn_share_one_draws_all() -> None:
    assert all(sampling.is_drawn(one, "astana", 1.0) for one in IDS)


def test_share_rare_stratum_gets_more_up_to_the_most() -> None:
    shares = [sampling.share_of(n, 0.05) for n in (1, 10, 21, 60, 199, 200, 5_000)]
    assert shares[:2] == [sampling.MAX_SHARE] * 2
    assert shares[-2:] == [0.05] * 2
    assert all(before >= after for before, after in pairwise(shares))
    assert sampling.share_of(100, 0.05) * 100 == pytest.approx(sampling.WANTED)


def test_share_base_above_the_most_holds() -> None:
    assert sampling.share_of(1, 0.8) == 0.8


@pytest.mark.parametrize("base", [0.01, 0.05, 0.3, 1.0])
def test_enough_is_where_the_base_share_begins(base: float) -> None:
    enough = sampling.enough(base)
    assert sampling.share_of(enough, base) == base
    assert enough == 1 or base >= sampling.MAX_SHARE or sampling.share_of(enough - 1, base) > base


@pytest.mark.parametrize("category", ["housing", None, "a/b"])
def test_stratum_is_named_after_category_and_language(category: str | None) -> None:
    assert sampling.parts_of(sampling.stratum_of(category, "kk")) == (category, "kk")


def test_preference_checkers_prefer_different_ones() -> None:
    bench = IDS[:20]
    first = [
        min(bench, key=lambda one: sampling.preference(one, who)) for who in map(str, range(40))
    ]
    assert len(set(first)) > 10
