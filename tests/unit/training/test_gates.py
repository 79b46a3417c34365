from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from comparison_cases import answers, comparison_of, table_of

from models import folder
from models.heads import Heads
from models.registry import LoadedModel
from training.data import Examples
from training.gatefile import load_gates
from training.gates import (
    Trial,
    judge_buckets,
    judge_contract,
    judge_coverage,
    judge_latency,
    judge_overall,
    judge_self_test,
    judge_taxonomy,
    run_gates,
    time_models,
)
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.policy import Policy
from triage.taxonomy import Taxonomy

N = 400
TRUE = np.resize(["a", "b"], N).tolist()
START = datetime(2026, 1, 1, tzinfo=UTC)


def wrong_in(rows, n=N):
    """Answers that are wrong in these rows alone."""
    chosen = list(TRUE[:n])
    for row in rows:
        chosen[row] = "c"
    return chosen


def compared(champion_wrong, challenger_wrong, unseen=False, **columns):
    return comparison_of(
        answers(TRUE, wrong_in(champion_wrong), unseen=unseen),
        answers(TRUE, wrong_in(challenger_wrong), unseen=unseen),
        table_of(N, **columns),
    )


@pytest.fixture(scope="module")
def loaded(model_folder: Path) -> LoadedModel:
    return LoadedModel(folder.load(model_folder), "triage", "2")


def test_overall_equal_models_pass_and_a_much_worse_one_does_not():
    assert judge_overall(compared(range(40), range(40)), margin=0.03, minimum=200)[0]
    passed, reason = judge_overall(compared(range(40), range(80)), margin=0.03, minimum=200)
    assert not passed
    assert "topic -0.100 (at worst -0.1" in reason


def test_overall_what_could_be_lost_counts():
    # Only two in a hundred were lost, but four may be.
    lost, won = range(20), range(20, 28)
    comparison = compared(won, lost)
    assert comparison.whole("topic").differences["accuracy"].value == pytest.approx(-0.03)
    assert not judge_overall(comparison, margin=0.04, minimum=200)[0]
    assert judge_overall(comparison, margin=0.10, minimum=200)[0]


def test_overall_too_few_appeals_fail_closed():
    passed, reason = judge_overall(compared([], []), margin=0.03, minimum=1000)
    assert (passed, reason) == (False, "topic: 400 appeals, 1000 are needed")


def test_buckets_one_language_that_loses_is_named():
    languages = ["kk"] * 100 + ["ru"] * 300
    comparison = compared([], range(20), language=languages)
    passed, reason = judge_buckets(comparison, "language", margin=0.05, minimum=50)
    assert not passed
    assert reason.startswith("kk at topic -0.200 (")
    assert "ru at topic" not in reason
    assert judge_buckets(comparison, "language", margin=0.25, minimum=50)[0]


def test_buckets_a_loss_that_chance_explains_passes():
    # Seven lost and three won of fifty is eight in a hundred less, and no news.
    languages = ["kk"] * 50 + ["ru"] * 350
    comparison = compared(range(7, 10), range(7), language=languages)
    assert judge_buckets(comparison, "language", margin=0.05, minimum=50)[0]


def test_buckets_small_ones_are_not_judged_and_one_must_be():
    languages = ["kk"] * 40 + ["ru"] * 360
    comparison = compared([], range(30), language=languages)
    assert judge_buckets(comparison, "language", margin=0.10, minimum=50)[0]
    passed, reason = judge_buckets(comparison, "language", margin=0.10, minimum=500)
    assert (passed, reason) == (False, "no language has 500 appeals")


def test_buckets_data_without_channels_passes_and_without_categories_does_not():
    comparison = compared([], [])
    assert judge_buckets(comparison, "channel", margin=0.05, minimum=50)[0]
    assert not judge_buckets(comparison, "category", margin=0.05, minimum=50)[0]


def test_coverage_may_fall_by_the_margin():
    comparison = compared([], [])
    load = replace(comparison.load[0], before=0.50, after=0.42)
    shifted = replace(comparison, load=(load,))
    assert judge_coverage(shifted, margin=0.10, minimum=200)[0]
    assert judge_coverage(shifted, margin=0.05, minimum=200) == (
        False,
        "50.0% routed without a person before, 42.0% after",
    )
    assert not judge_coverage(shifted, margin=0.10, minimum=2000)[0]


CONTRACT = {"share": 0.3, "risk": 0.05, "minimum": 30}


def test_contract_kept_and_broken_on_the_latest_appeals():
    times = [START + timedelta(hours=row) for row in range(N)]
    latest = range(N - 120, N)
    kept = compared([], [*latest][:6], unseen=True, received_at=times)
    assert judge_contract(kept, 0.95, **CONTRACT) == (
        True,
        "the latest 120 appeals: 120 of 120 would be routed, 0.950 of them rightly"
        " (at best 0.978); 0.95 asked",
    )
    broken = compared([], [*latest][:20], unseen=True, received_at=times)
    assert not judge_contract(broken, 0.95, **CONTRACT)[0]
    early = compared([], range(20), unseen=True, received_at=times[::-1])
    assert not judge_contract(early, 0.95, **CONTRACT)[0]
    assert judge_contract(compared([], range(20), unseen=True), 0.95, **CONTRACT)[0]


def test_contract_few_routed_fail_closed_and_none_break_no_promise():
    few = [row < 10 for row in range(N)]
    passed, reason = judge_contract(compared([], [], unseen=few), 0.95, **CONTRACT)
    assert not passed
    assert reason.endswith("10 of 400 would be routed, 30 are needed")
    assert judge_contract(compared([], [], unseen=False), 0.95, **CONTRACT)[0]


def test_latency_is_bounded_by_ratio_and_altogether():
    bounds = {"ratio": 2.0, "most_ms": 200, "negligible_ms": 10, "minimum": 20}
    assert judge_latency(20, 39, n=20, **bounds)[0]
    assert not judge_latency(20, 41, n=20, **bounds)[0]
    assert judge_latency(1, 9, n=20, **bounds)[0]
    assert not judge_latency(150, 201, n=20, **bounds)[0]
    assert judge_latency(1, 1, n=19, **bounds) == (False, "19 texts, 20 are needed")


def test_time_models_takes_medians_and_leaves_the_first_text_out(loaded):
    ticks = iter(np.cumsum([0, 9.0, 0, 9.0, *[0, 0.001, 0, 0.003] * 5]).tolist())
    assert time_models(loaded, loaded, ["a"] * 5, clock=lambda: next(ticks)) == pytest.approx(
        (1, 3)
    )


def test_taxonomy_labels_must_be_known_and_its_version_recorded(loaded):
    taxonomy = load_city(STARTER_DATA).taxonomy
    assert judge_taxonomy(loaded, taxonomy)[0]
    topic = loaded.model.heads["topic"].classes[0]
    without = Taxonomy(
        taxonomy.categories, {code: one for code, one in taxonomy.topics.items() if code != topic}
    )
    passed, reason = judge_taxonomy(loaded, without)
    assert not passed
    assert f"does not know topic: {topic}" in reason
    unnamed = replace(
        loaded, model=replace(loaded.model, info=replace(loaded.model.info, taxonomy_version=None))
    )
    assert not judge_taxonomy(unnamed, taxonomy)[0]


def test_self_test_broken_or_missing_fails(loaded):
    assert judge_self_test(loaded)[0]
    head = loaded.model.heads["topic"]
    torn = replace(head, intercept=head.intercept[::-1].copy() + 1)
    broken = replace(loaded.model, heads=Heads(loaded.model.heads | {"topic": torn}))
    passed, reason = judge_self_test(replace(loaded, model=broken))
    assert not passed
    assert reason.startswith("triage/2: self-test 1")
    assert not judge_self_test(replace(loaded, model=replace(loaded.model, self_test=())))[0]


def test_run_gates_what_can_not_be_compared_fails_closed(loaded):
    examples = Examples(table_of(30), "0" * 64)
    taxonomy = load_city(STARTER_DATA).taxonomy
    trial = Trial(loaded, loaded, examples, taxonomy, Policy(), None, "nothing in common")
    reports = {one.name: one for one in run_gates(trial, load_gates())}
    assert [name for name, one in reports.items() if one.passed] == [
        *("taxonomy", "latency", "self_test")
    ]
    assert reports["contract"].reason == "not computed: nothing in common"
