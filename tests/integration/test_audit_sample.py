from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine
from stored import add_decision, add_review, append_decision, tamper, verify

from triage import checking, sampling
from triage.appeal import Action, Appeal, Decision, Review
from triage.checking import AuditSample, BlindAppeal
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.errors import (
    BrokenLedgerError,
    CheckConflictError,
    DrawNotFoundError,
    InvalidReviewError,
)
from triage.precision import MIN_CHECKS
from triage.sampling import Draw
from triage.store import draws
from triage.store.sessions import Sessions

CITY = load_city(STARTER_DATA)
TOPIC = next(iter(CITY.taxonomy.topics.values()))
OTHER_TOPIC = next(one for one in CITY.taxonomy.topics.values() if one.category != TOPIC.category)
ENTERPRISE, OTHER_ENTERPRISE = sorted(CITY.enterprises.enterprises)[:2]
NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
CHECK_TIME = NOW + timedelta(days=1)
SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=1)

Make = Callable[..., Decision]
MakeReview = Callable[..., Review]


@pytest.fixture
def make(make_decision: Make) -> Make:
    """Make a decision with codes that the city knows."""

    def make(**overrides: Any) -> Decision:
        decision = make_decision(**overrides)
        [category, topic] = [decision.levels[level][0] for level in ("category", "topic")]
        levels = {
            **decision.levels,
            "category": (replace(category, code=TOPIC.category),),
            "topic": (replace(topic, code=TOPIC.code),),
        }
        route = replace(decision.route, enterprise=ENTERPRISE)
        return replace(decision, levels=levels, route=route)

    return make


@pytest.fixture
def sample(sessions: Sessions) -> AuditSample:
    return AuditSample(sessions=sessions, city_code="astana", city=CITY, clock=lambda: CHECK_TIME)


def submit(
    sessions: Sessions, decision: Decision, base_share: float = 1.0, city: str = "astana"
) -> Draw | None:
    with sessions.write.begin() as session:
        add_decision(session, city=city, decision=decision)
        [draw] = checking.Drawer(city, base_share).draw_all(session, [decision])
        append_decision(session, city=city, decision=decision, actor="ikomek", draw=draw)
    return draw


def check(sample: AuditSample, decision: Decision, **overrides: Any) -> checking.CheckOutcome:
    codes = {"category": TOPIC.category, "topic": TOPIC.code, "enterprise": ENTERPRISE}
    return sample.check(decision.id, **{"checker": "aigerim", **codes, **overrides})


def test_draw_is_stored_with_its_share(sessions: Sessions, make: Make) -> None:
    decision = make()
    stratum = f"{TOPIC.category}/mixed"
    expected = Draw(decision_id=decision.id, stratum=stratum, share=1.0, drawn_at=NOW)
    assert submit(sessions, decision) == expected
    with sessions.read.begin() as session:
        rows = draws.rows_of(session, city="astana", decision_ids=[decision.id])
        assert [draws.to_draw(row) for row in rows.values()] == [expected]


@pytest.mark.parametrize("action", [Action.REVIEW, Action.ASK])
def test_draw_what_a_person_sees_anyway_is_left_out(
    action: Action, sessions: Sessions, make: Make
) -> None:
    assert submit(sessions, make(action=action)) is None


def test_draw_share_falls_as_the_stratum_fills(sessions: Sessions, make: Make) -> None:
    shares = []
    for _ in range(3 * sampling.WANTED):
        drawn = submit(sessions, make(), base_share=0.05)
        shares.append(drawn.share if drawn else None)
    given = [share for share in shares if share is not None]
    assert given[0] == sampling.MAX_SHARE
    assert all(
        share in (None, sampling.share_of(number, 0.05))
        for number, share in enumerate(shares, start=1)
    )
    # Another stratum, and decisions of long ago, begin anew.
    other = [submit(sessions, make(language="kk"), 0.05) for _ in range(10)]
    assert {draw.share for draw in other if draw} <= {sampling.MAX_SHARE}
    later = [submit(sessions, make(decided_at=NOW + timedelta(days=31)), 0.05) for _ in range(10)]
    assert {draw.share for draw in later if draw} <= {sampling.MAX_SHARE}


def test_next_is_blind(sessions: Sessions, sample: AuditSample, make: Make) -> None:
    decision = make()
    submit(sessions, decision)
    expected = BlindAppeal(decision.id, decision.appeal, decision.language)
    assert sample.next_unchecked("aigerim") == expected
    assert {field.name for field in fields(BlindAppeal)} == {"decision_id", "appeal", "language"}
    told = {field.name for field in fields(Appeal)}
    assert not told & {field.name for field in fields(Decision)} - {"language"}


def test_next_nothing_drawn_is_none(sessions: Sessions, sample: AuditSample, make: Make) -> None:
    submit(sessions, make(action=Action.REVIEW))
    submit(sessions, make(), city="almaty")
    assert sample.next_unchecked("aigerim") is None


def test_next_is_kept_on_reloading_and_others_get_another(
    sessions: Sessions, sample: AuditSample, make: Make
) -> None:
    for _ in range(checking.BENCH):
        submit(sessions, make())
    given = {checker: sample.next_unchecked(checker) for checker in map(str, range(12))}
    assert given == {checker: sample.next_unchecked(checker) for checker in given}
    assert len({one.decision_id for one in given.values() if one}) >= 6


def test_next_is_one_of_the_oldest(sessions: Sessions, sample: AuditSample, make: Make) -> None:
    old = [make(decided_at=NOW - timedelta(days=2)) for _ in range(checking.BENCH)]
    for decision in (*(make() for _ in range(30)), *old):
        submit(sessions, decision)
    given = [sample.next_unchecked(checker) for checker in map(str, range(20))]
    assert {one.decision_id for one in given if one} <= {decision.id for decision in old}


def test_next_leaves_out_what_the_checker_has_reviewed_and_what_is_checked(
    sessions: Sessions, sample: AuditSample, make: Make, make_review: MakeReview
) -> None:
    seen, checked, left = make(), make(), make()
    for decision in (seen, checked, left):
        submit(sessions, decision)
    add_review(sessions, make_review(seen.id, reviewer="aigerim"))
    check(sample, checked, checker="daniyar")
    for _ in range(2):
        given = sample.next_unchecked("aigerim")
        assert given is not None
        assert given.decision_id == left.id
    with pytest.raises(CheckConflictError, match="has reviewed"):
        check(sample, seen)
    assert not check(sample, seen, checker="daniyar", enterprise=OTHER_ENTERPRISE).right


def test_check_tells_what_was_right(sessions: Sessions, sample: AuditSample, make: Make) -> None:
    decision, other = make(), make()
    submit(sessions, decision)
    submit(sessions, other)
    outcome = check(sample, decision)
    assert (outcome.right, outcome.right_category, outcome.right_topic) == (True, True, True)
    outcome = check(
        sample,
        other,
        category=OTHER_TOPIC.category,
        topic=OTHER_TOPIC.code,
        enterprise=OTHER_ENTERPRISE,
    )
    assert (outcome.right, outcome.right_category, outcome.right_topic) == (False, False, False)
    assert (outcome.category, outcome.topic) == (TOPIC.category, TOPIC.code)
    assert outcome.enterprise == ENTERPRISE
    assert verify(sessions) == 4


@pytest.mark.parametrize(
    ("codes", "field"),
    [
        ({"category": "x"}, "category"),
        ({"topic": "x"}, "topic"),
        ({"topic": OTHER_TOPIC.code}, "topic"),
        ({"enterprise": "x"}, "enterprise"),
    ],
)
def test_check_unknown_codes_are_refused(
    codes: dict[str, str], field: str, sessions: Sessions, sample: AuditSample, make: Make
) -> None:
    decision = make()
    submit(sessions, decision)
    with pytest.raises(InvalidReviewError) as caught:
        check(sample, decision, **codes)
    assert caught.value.field == field
    assert sample.next_unchecked("aigerim") is not None


def test_check_twice_the_first_holds(sessions: Sessions, sample: AuditSample, make: Make) -> None:
    decision = make()
    submit(sessions, decision)
    check(sample, decision)
    with pytest.raises(CheckConflictError, match="has been checked"):
        check(sample, decision, checker="daniyar", enterprise=OTHER_ENTERPRISE)
    with sessions.read.begin() as session:
        [row] = draws.rows_of(session, city="astana", decision_ids=[decision.id]).values()
        assert (row.checker, row.enterprise, row.right) == ("aigerim", ENTERPRISE, True)
        assert row.checked_at == CHECK_TIME
    assert verify(sessions) == 2


def test_check_two_threads_only_one_wins(
    sessions: Sessions, sample: AuditSample, make: Make
) -> None:
    decision, barrier = make(), Barrier(2)
    submit(sessions, decision)

    def run(checker: str) -> bool:
        barrier.wait()
        try:
            check(sample, decision, checker=checker)
        except CheckConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, ("aigerim", "daniyar"))) == [False, True]
    assert verify(sessions) == 2


def test_check_what_was_not_drawn_is_refused(
    sessions: Sessions, sample: AuditSample, make: Make
) -> None:
    decision = make(action=Action.REVIEW)
    submit(sessions, decision)
    with pytest.raises(DrawNotFoundError):
        check(sample, decision)
    with pytest.raises(DrawNotFoundError):
        check(sample, make())
    assert verify(sessions) == 1


@pytest.mark.parametrize(
    ("change", "sequence"),
    [
        ("UPDATE audit_draws SET share = 0.5 WHERE checked_at IS NULL", 2),
        ("UPDATE audit_draws SET stratum = 'x/ru' WHERE checked_at IS NULL", 2),
        ("UPDATE audit_draws SET drawn_at = '2020-01-01 00:00:00.000000'", 1),
        ("DELETE FROM audit_draws WHERE checked_at IS NULL", 2),
        ("DELETE FROM audit_draws", 1),
        ('UPDATE audit_draws SET "right" = false WHERE checked_at IS NOT NULL', 3),
        ("UPDATE audit_draws SET enterprise = 'x' WHERE checked_at IS NOT NULL", 3),
        ("UPDATE audit_draws SET checker = 'x' WHERE checked_at IS NOT NULL", 3),
        ("UPDATE audit_draws SET checked_at = NULL", 3),
        ("UPDATE audit_draws SET checked_at = drawn_at WHERE checked_at IS NULL", 4),
    ],
)
def test_verify_changed_draw_is_found(
    change: str,
    sequence: int,
    sessions: Sessions,
    engine: Engine,
    sample: AuditSample,
    make: Make,
) -> None:
    checked, waiting = make(), make()
    submit(sessions, checked)
    submit(sessions, waiting)
    check(sample, checked)
    assert verify(sessions) == 3
    tamper(engine, change)
    with pytest.raises(BrokenLedgerError) as caught:
        verify(sessions)
    assert caught.value.sequence == sequence


def test_verify_draw_that_was_slipped_in_is_found(
    sessions: Sessions, engine: Engine, make: Make
) -> None:
    submit(sessions, make(action=Action.REVIEW))
    tamper(
        engine,
        "INSERT INTO audit_draws (city, decision_id, stratum, share, drawn_at)"
        " SELECT city, id, 'x/ru', 0.5, decided_at FROM decisions",
    )
    with pytest.raises(BrokenLedgerError) as caught:
        verify(sessions)
    assert caught.value.sequence == 1


def test_estimate_counts_checks_alone(
    sessions: Sessions, sample: AuditSample, make: Make, make_review: MakeReview
) -> None:
    n_drawn = MIN_CHECKS + 5
    made = [make(decided_at=NOW + timedelta(seconds=number)) for number in range(n_drawn)]
    for decision in (*made, make(action=Action.REVIEW), make(decided_at=UNTIL)):
        submit(sessions, decision)
    for decision in made[: MIN_CHECKS - 3]:
        check(sample, decision)
    assert sample.estimate(SINCE, UNTIL).precision is None
    for decision in made[MIN_CHECKS - 3 : MIN_CHECKS]:
        check(sample, decision, enterprise=OTHER_ENTERPRISE)
    # What reviewers say does not count, and neither do decisions outside the period.
    add_review(sessions, make_review(made[-1].id))
    found = sample.estimate(SINCE, UNTIL)
    assert found.precision == pytest.approx(1 - 3 / MIN_CHECKS)
    assert (found.n_routed, found.n_drawn, found.n_checked) == (n_drawn, n_drawn, MIN_CHECKS)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.precision < found.high
    assert [one.stratum for one in found.strata] == [f"{TOPIC.category}/mixed"]


def test_estimate_weights_by_one_over_the_share(
    sessions: Sessions, sample: AuditSample, make: Make, engine: Engine
) -> None:
    made = [make() for _ in range(40)]
    for decision in made:
        submit(sessions, decision)
    for number, decision in enumerate(made):
        check(sample, decision, enterprise=ENTERPRISE if number < 20 else OTHER_ENTERPRISE)
    # Half of them, all right, as if drawn with a share of 0.25: each stands for four.
    tamper(engine, 'UPDATE audit_draws SET share = 0.25 WHERE "right"')
    assert sample.estimate(SINCE, UNTIL).precision == pytest.approx(80 / 100)


def test_estimate_empty_period_says_nothing(sample: AuditSample) -> None:
    found = sample.estimate(SINCE, UNTIL)
    assert (found.precision, found.n_routed, found.strata) == (None, 0, ())
