from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from appeal_files import corpus, write_jsonl

from training.buckets import ALL
from training.data import Examples, read_examples
from training.errors import InvalidTrainingDataError
from training.leaveout import ROUTED, ROUTED_GIVEN_TOPIC, group_parts, leave_out, refit
from training.metrics import Choices
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.progress import Silent
from triage.routing import Router
from triage.rulefile import load_city_rules

N_ROWS = 120


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    path = tmp_path_factory.mktemp("data") / "appeals.jsonl"
    spread = corpus()[:: len(corpus()) // N_ROWS][:N_ROWS]
    city = load_city(STARTER_DATA)
    return read_examples([str(write_jsonl(path, spread))], taxonomy=city.taxonomy)


@pytest.fixture(scope="module")
def router() -> Router:
    city = load_city(STARTER_DATA)
    return Router.of(city, load_city_rules(STARTER_DATA, city))


@pytest.fixture(scope="module")
def chosen(examples: Examples, router: Router) -> dict[str, Choices]:
    odd, even = np.arange(1, N_ROWS, 2), np.arange(0, N_ROWS, 2)
    splits = [(even, odd), (odd, even)]
    return refit(examples, splits, dense_encoder=None, router=router, progress=Silent())


def test_refit_keeps_the_order_of_the_examples(
    examples: Examples, chosen: dict[str, Choices]
) -> None:
    assert chosen.keys() == {"category", "topic", "enterprise", ROUTED, ROUTED_GIVEN_TOPIC}
    assert chosen["topic"].true.tolist() == examples.table["topic"].tolist()
    assert chosen[ROUTED].true.tolist() == examples.table["enterprise"].tolist()


def test_refit_never_chooses_a_topic_that_only_the_held_out_side_has(
    examples: Examples, chosen: dict[str, Choices]
) -> None:
    topics = examples.table["topic"].to_numpy()
    for side in (0, 1):
        known = set(topics[1 - side :: 2])
        assert set(chosen["topic"].best[side::2, 0]) <= known
    assert set(topics[::2]) != set(topics[1::2])


def test_refit_given_the_topic_routes_better_and_claims_no_probability(
    chosen: dict[str, Choices],
) -> None:
    given, routed = chosen[ROUTED_GIVEN_TOPIC], chosen[ROUTED]
    assert given.correct.mean() > 0.8 > routed.correct.mean()
    assert np.isnan(given.probability).all()
    assert ((routed.probability > 0) & (routed.probability <= 1)).all()
    assert (routed.second <= routed.probability).all()


def test_leave_out_measures_every_group_and_language(examples: Examples, router: Router) -> None:
    few = np.flatnonzero(examples.table["voice"].isin(["workers", "repeat"]))
    some = replace(examples, table=examples.table.iloc[few].reset_index(drop=True))
    figures = leave_out(some, "voice", dense_encoder=None, router=router, progress=Silent())
    assert figures.keys() >= {ALL, "voice workers", "voice repeat", "ru", "kk"}
    counted = figures["voice workers"]["topic"]["n"] + figures["voice repeat"]["topic"]["n"]
    assert counted == figures[ALL]["topic"]["n"] == len(few)
    assert {"accuracy", "macro_f1", "ece"} <= figures["ru"]["topic"].keys()


def test_group_parts_row_without_a_group_is_an_error(examples: Examples) -> None:
    table = examples.table.copy()
    table.loc[3, "voice"] = None
    with pytest.raises(InvalidTrainingDataError, match="voice: every row needs one"):
        group_parts(table, "voice")
