from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from health_cases import ENTERPRISE, MakeDecision, fill
from sqlalchemy import Engine, event

from models import folder
from models.selective import Contract, Part
from triage.figures import Period
from triage.health import Drifts, State
from triage.monitoring import SAMPLE, Monitor
from triage.overview import Overview
from triage.policy import Policy
from triage.purge import Purge
from triage.store import health as store
from triage.store.overview import Scope
from triage.store.sessions import Sessions

START = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
N = 90
REFERENCE = Period(START, START + timedelta(hours=N))
WINDOW = Period(REFERENCE.until, REFERENCE.until + timedelta(hours=N))
POLICY = Policy(target_precision=0.9, confidence=0.9)


@pytest.fixture
def monitor(sessions: Sessions) -> Monitor:
    return Monitor(sessions, "astana")


def states(found: Drifts) -> dict[str, State]:
    return {one.name: one.state for one in found.figures}


def test_drifts_of_the_same_mixes_are_ok(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision
) -> None:
    fill(sessions, make_decision, since=REFERENCE.since, n=N)
    fill(sessions, make_decision, since=WINDOW.since, n=N)
    fill(sessions, make_decision, since=WINDOW.since, n=N, changed=True, city="almaty")

    found = monitor.drifts(WINDOW, REFERENCE)

    assert states(found) == dict.fromkeys(
        ("languages", "categories", "topics", "confidence"), State.OK
    )
    assert {(one.n, one.n_reference) for one in found.figures} == {(N, N)}
    assert found.mixes["languages"].now == {"ru": 68, "kk": 22}


def test_drifts_planted_are_found_where_they_are(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision
) -> None:
    fill(sessions, make_decision, since=REFERENCE.since, n=N)
    fill(sessions, make_decision, since=WINDOW.since, n=N, changed=True)

    found = monitor.drifts(WINDOW, REFERENCE)

    assert states(found) == {
        "languages": State.WARN,
        "categories": State.OK,
        "topics": State.WARN,
        "confidence": State.WARN,
    }
    assert len(found.drifted) == 3


def test_drifts_of_an_empty_store_say_nothing(monitor: Monitor) -> None:
    assert set(states(monitor.drifts(WINDOW, REFERENCE)).values()) == {State.TOO_FEW}
    assert monitor.waiting(START) == (0, 0)


def test_probabilities_are_counted_as_they_were_stored(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    fill(sessions, make_decision, since=START, n=9)
    scope = Scope("astana", START, START + timedelta(hours=8))
    with sessions.read.begin() as session:
        assert store.count_probabilities(session, scope, model_version="3") == {
            6_100: 2,
            9_300: 2,
            9_700: 2,
            9_900: 2,
        }
        assert store.count_probabilities(session, scope, model_version="4") == {}


def test_confidence_is_that_of_one_model_alone(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision, engine: Engine
) -> None:
    fill(sessions, make_decision, since=REFERENCE.since, n=N)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE decisions SET model_version = '2'")
    fill(sessions, make_decision, since=WINDOW.since, n=N, changed=True)

    assert states(monitor.drifts(WINDOW, REFERENCE))["confidence"] is State.TOO_FEW


def test_texts_like_those_before_are_ok_and_others_warn(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision, model_folder: Path
) -> None:
    model = folder.load(model_folder)
    fill(sessions, make_decision, since=REFERENCE.since, n=N)
    fill(sessions, make_decision, since=WINDOW.since, n=N)
    later = Period(WINDOW.until, WINDOW.until + timedelta(hours=N))
    fill(sessions, make_decision, since=later.since, n=N, changed=True)

    same = monitor.texts(model, WINDOW, REFERENCE)
    other = monitor.texts(model, later, REFERENCE)

    assert [(one.name, one.state) for one in same] == [
        ("unknown_words", State.OK),
        ("embeddings", State.OK),
    ]
    assert [one.state for one in other] == [State.WARN, State.WARN]


def test_texts_that_were_purged_are_left_out(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision, model_folder: Path
) -> None:
    fill(sessions, make_decision, since=REFERENCE.since, n=4)
    made = fill(sessions, make_decision, since=WINDOW.since, n=4)
    long_after = WINDOW.since + timedelta(days=400, minutes=1)
    purge = Purge(sessions, "astana", clock=lambda: long_after)
    assert purge.run(timedelta(days=400), actor="tests") == 5
    with sessions.read.begin() as session:
        found = store.sample_texts(
            session, Scope("astana", WINDOW.since, WINDOW.until), limit=SAMPLE
        )

    assert found == {one.id: one.appeal.text for one in made[1:]}
    figures = monitor.texts(folder.load(model_folder), WINDOW, REFERENCE)
    assert [(one.n, one.n_reference) for one in figures] == [(3, 0), (3, 0)]


def test_sample_is_bounded_and_the_same_again(
    sessions: Sessions, make_decision: MakeDecision
) -> None:
    fill(sessions, make_decision, since=START, n=40)
    scope = Scope("astana", START, START + timedelta(hours=40))
    with sessions.read.begin() as session:
        first, again = (store.sample_texts(session, scope, limit=10) for _ in range(2))
        whole = store.sample_texts(session, scope, limit=100)

    assert len(first) == 10
    assert first == again
    # Not the oldest ones: ids grow with time.
    assert sorted(first) != sorted(whole)[:10]


def test_audited_agrees_with_the_overview_and_finds_the_breach(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision
) -> None:
    fill(sessions, make_decision, since=WINDOW.since, n=N, n_wrong=N // 2)
    contract = Contract(
        0.9,
        0.9,
        (Part("ru", ENTERPRISE, 0.5, 0.5, 1_000), Part(None, None, 0.5, 0.5, 1_000)),
        frozenset({"ru", "kk"}),
    )

    found = monitor.audited(WINDOW, contract, POLICY)

    estimate = Overview(sessions=sessions, city_code="astana", confidence=0.9)
    [row, *_] = estimate.figure("precision", WINDOW).rows
    precision = found.precision
    assert (precision.value, precision.low, precision.high) == pytest.approx(
        (row.precision, row.low, row.high)
    )
    assert {(one.language, one.group): (one.n, one.state) for one in found.parts} == {
        ("ru", ENTERPRISE): (68, State.WARN),
        (None, None): (22, State.TOO_FEW),
    }
    assert len(found.breaches) == 2


def test_audited_of_a_window_without_decisions_says_nothing(monitor: Monitor) -> None:
    found = monitor.audited(WINDOW, None, POLICY)
    assert (found.precision.state, found.precision.n, found.parts) == (State.TOO_FEW, 0, ())


def test_what_is_counted_by_the_summary_reads_no_row_of_decisions(
    monitor: Monitor, sessions: Sessions, make_decision: MakeDecision, engine: Engine
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL reads rows of small tables whatever indexes there are")
    fill(sessions, make_decision, since=WINDOW.since, n=5)
    statements: list[tuple[str, tuple[object, ...]]] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda c, cursor, statement, parameters, *_: statements.append((statement, parameters)),
    )
    monitor.drifts(WINDOW, REFERENCE)
    counted = [one for one in statements if one[0].startswith("SELECT")]

    assert len(counted) == 9
    with engine.connect() as connection:
        for statement, parameters in counted:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert "COVERING INDEX" in plan.fetchall()[0][-1]
