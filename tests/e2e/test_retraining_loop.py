"""A quarter of a city's utilities, as `quarter.play` has it: what came of each step."""

from __future__ import annotations

import csv
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from loop import PROGRAMS, Installation
from quarter import (
    AUDIT_SHARE,
    BETTER,
    FIRST,
    N_ERRORS,
    N_HISTORY,
    N_STREAM,
    PHONE,
    POLL_SECONDS,
    TARGET,
    WORSE,
    Quarter,
    play,
    truth,
    utilities,
)
from typer.main import get_command

from models.prediction import LEVELS
from training.gatefile import MEASURES
from triage.audit import Kind
from triage.config import MODEL_NAME
from triage.store.labels import Codes
from triage.store.tables import DecisionTable, ShadowDecisionTable

N_SUSPECTS = 50


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarter]:
    before = mlflow.get_tracking_uri()
    city = Installation(
        tmp_path_factory.mktemp("city"),
        target_precision=TARGET,
        audit_share=AUDIT_SHARE,
        poll_seconds=POLL_SECONDS,
        shadow_share=1,
        anonymous_role="none",
    )
    try:
        yield play(city, utilities())
    finally:
        mlflow.set_tracking_uri(before)


def test_stream_is_decided_by_the_first_champion(quarter):
    actions = Counter(one.answer["action"] for one in quarter.stream)
    assert {one.version for one in quarter.stream} == {FIRST}
    assert len({one.answer["decision_id"] for one in quarter.stream}) == N_STREAM
    assert min(actions["auto"], actions["review"]) > N_STREAM / 5


def test_audit_sample_estimates_the_precision_of_what_went_unseen(quarter):
    unseen = [one for one in quarter.stream if one.answer["action"] == "auto"]
    right = [one.answer["enterprise"]["code"] == one.row["enterprise_id"] for one in unseen]
    checks, estimate = quarter.labelled.checks, quarter.labelled.estimate
    assert estimate["n_checked"] == estimate["n_drawn"] == len(checks) < len(unseen)
    assert checks.keys() < {one.answer["decision_id"] for one in unseen}
    # Half of them were checked, so this is several standard errors.
    assert estimate["precision"] == pytest.approx(sum(right) / len(right), abs=0.15)


def test_snapshot_holds_what_people_said_and_no_phone_number(quarter):
    table = pd.read_parquet(quarter.snapshot)
    said = table.dropna(subset="decision_id").set_index("decision_id")
    rows = {one.answer["decision_id"]: one.row for one in quarter.stream}
    reviews, checks = quarter.labelled.reviews, quarter.labelled.checks
    expected = reviews | {decision_id: truth(rows[decision_id]) for decision_id in checks}
    found = {at: Codes(*labels) for at, *labels in said[list(LEVELS)].itertuples()}
    assert found == expected
    assert set(said.loc[list(checks), "label_source"]) == {"audit"}
    assert set(said.loc[list(reviews), "label_source"]) == {"review", "accepted"}
    assert (table["label_source"] == "history").sum() == N_HISTORY
    assert PHONE in "".join(rows[decision_id]["text"] for decision_id in expected)
    assert PHONE not in "".join(table["text"])


def test_check_lists_wrong_reviews_among_the_likely_errors(quarter):
    listed = quarter.city.home / "check" / "label-errors-category.csv"
    with listed.open(encoding="utf-8-sig", newline="") as file:
        suspects = [row["decision_id"] for row in csv.DictReader(file)][:N_SUSPECTS]
    wrong = list(quarter.labelled.reviews)[::N_ERRORS]
    found = sum(decision_id in suspects for decision_id in wrong)
    assert found >= len(wrong) / 2  # by chance it would be a fifteenth
    assert re.search(r"^category_psi +\d", quarter.city.told("check").stdout, re.MULTILINE)


def test_compare_finds_the_model_of_the_quarter_better(quarter):
    told, home = quarter.city.told("compare"), quarter.city.home
    rows = re.findall(r"^(\w+) +accuracy \S+ \((\S+) to", told.stdout, re.MULTILINE)
    low = {level: float(least) for level, least in rows}
    assert low.keys() == {*LEVELS, "routed"}
    assert low["topic"] > 0
    assert "Review load" in (home / "comparison" / "report.md").read_text(encoding="utf-8")
    run = mlflow.MlflowClient(quarter.city.registry.tracking_uri).get_run(told.stderr.split()[-1])
    assert run.data.tags["challenger"] == f"{MODEL_NAME}/{BETTER}"
    assert round(run.data.metrics["topic_accuracy_difference_low"], 3) == low["topic"]


def test_challenger_decides_in_the_shadow_and_is_never_the_answer(quarter):
    ids = [one.answer["decision_id"] for one in quarter.shadowed]
    table = ShadowDecisionTable
    shadows = dict(quarter.city.rows(table.decision_id, table.model_version))
    decided = dict(quarter.city.rows(DecisionTable.id, DecisionTable.model_version))
    assert {shadows.get(decision_id) for decision_id in ids} == {BETTER}
    assert {one.version for one in quarter.shadowed} == {FIRST}
    assert {decided[decision_id] for decision_id in ids} == {FIRST}


def test_gates_refuse_a_model_of_few_appeals(quarter):
    assert "FAILED  overall" in quarter.refused.stderr
    assert f"error: version {WORSE} does not pass these gates:\noverall: " in quarter.refused.stderr
    assert quarter.champion_then == FIRST


def test_gates_accept_the_model_of_the_quarter(quarter):
    told = quarter.swap.told.stderr
    assert re.findall(r"^(passed|FAILED)  (\w+)", told, re.MULTILINE) == [
        ("passed", gate) for gate in MEASURES
    ]
    assert f"version {BETTER} serves now, {FIRST} before" in told


def test_swap_under_load_fails_no_request(quarter):
    answers = [[response.json() for response in sent] for sent in quarter.swap.sent]
    statuses = {response.status_code for sent in quarter.swap.sent for response in sent}
    assert statuses == {200}
    for client in answers:
        versions = [answer["model"]["version"] for answer in client]
        assert set(versions) == {FIRST, BETTER}
        assert versions == sorted(versions)  # once swapped, never the old one again


def test_rollback_brings_the_old_version_back(quarter):
    assert {one.version for one in quarter.rolled_back} == {FIRST}


def test_broken_version_keeps_the_old_one_in_service_and_says_so(quarter):
    trouble = quarter.trouble
    assert (trouble.ready["state"], trouble.ready["code"]) == ("ok", "broken_model")
    assert "triage_model_stale 1.0" in trouble.metrics
    assert {one.version for one in trouble.answered} == {FIRST}
    assert quarter.city.champion == FIRST


def test_store_holds_every_appeal_once_and_the_ledger_is_intact(quarter):
    sent = [response.json() for client in quarter.swap.sent for response in client]
    submitted = [
        *quarter.stream,
        *quarter.shadowed,
        *quarter.rolled_back,
        *quarter.trouble.answered,
    ]
    answers = [*sent, *(one.answer for one in submitted)]
    stored = quarter.city.rows(DecisionTable.id, DecisionTable.model_version)
    assert sorted(stored) == sorted(
        (answer["decision_id"], answer["model"]["version"]) for answer in answers
    )
    told = quarter.city.triage("audit", "verify").stdout
    assert f"intact: {len(quarter.city.ledger())} entries" in told


def test_ledger_tells_who_served_when_and_why(quarter):
    ledger = quarter.city.ledger()
    moves = [
        (one.kind, one.payload["to"], one.payload["reason"], one.payload.get("gates"))
        for one in ledger
        if one.kind in (Kind.MODEL_PROMOTED, Kind.MODEL_ROLLED_BACK)
    ]
    assert moves == [
        (Kind.MODEL_PROMOTED, FIRST, "the first model", "first"),
        (Kind.MODEL_PROMOTED, BETTER, "fitted on the quarter", "passed"),
        (Kind.MODEL_ROLLED_BACK, FIRST, "to see that it works", None),
        (Kind.MODEL_PROMOTED, WORSE, "by mistake", "failed"),
        (Kind.MODEL_ROLLED_BACK, FIRST, "it does not load", None),
    ]
    loaded = [one.subject_id for one in ledger if one.kind == Kind.MODEL_LOADED]
    assert loaded == [f"{MODEL_NAME}/{version}" for version in (FIRST, BETTER, FIRST)]


def test_monitor_tells_the_audited_precision(quarter):
    told = quarter.city.told("monitor").stdout
    n_checks = len(quarter.labelled.checks)
    assert re.search(
        rf"^precision, all +0\.\d+ +{TARGET:.3f} +ok +n {n_checks},", told, re.MULTILINE
    )


def test_ten_lines_of_the_docs_are_commands_that_were_run_in_that_order(quarter):
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    block = page.split("## The loop in ten lines")[1].split("```")[1]
    lines = [shlex.split(line, comments=True) for line in block.strip().splitlines()]
    for program, command, *arguments in lines:
        # Raises on an option that is not there or lacks its value.
        get_command(PROGRAMS[program]).commands[command].make_context(command, arguments)
    ran = iter(name for name, _ in quarter.city.ran)
    assert len(lines) == 10
    assert all(command in ran for _, command, *_ in lines)
