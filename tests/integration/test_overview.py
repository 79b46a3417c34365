from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from stored import add_decision, append_decision

from models.prediction import Candidate
from triage import checking
from triage.appeal import Action, Channel, Decision, Review, Verdict
from triage.checking import AuditSample
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.errors import FigureNotFoundError, InvalidPeriodError
from triage.figures import (
    Actions,
    Calibration,
    Counts,
    Intake,
    MixDrift,
    Overrides,
    Period,
    Precision,
    Waiting,
)
from triage.overview import CHECKS, REVIEWS, Overview
from triage.store import decisions, reviews
from triage.store.sessions import Sessions

CITY = load_city(STARTER_DATA)
TOPIC = next(iter(CITY.taxonomy.topics.values()))
ENTERPRISE, OTHER_ENTERPRISE = sorted(CITY.enterprises.enterprises)[:2]
# 19:30 in Astana, so that late evenings belong to the next day there.
NOW = datetime(2026, 3, 2, 14, 30, 15, 123456, tzinfo=UTC)
PERIOD = Period(NOW - timedelta(days=7), NOW)

MakeReview = Callable[..., Review]
Submit = Callable[..., Decision]


@pytest.fixture
def submit(sessions: Sessions, make_decision: Callable[..., Decision]) -> Submit:
    """Store a decision; its draw has a share of one."""

    def submit(
        city: str = "astana",
        hours_ago: float = 1,
        channel: Channel | None = Channel.PHONE,
        district: str | None = "ESIL",
        category: str = TOPIC.category,
        enterprise: str | None = ENTERPRISE,
        probability: float = 0.93,
        model_version: str = "3",
        **fields: Any,
    ) -> Decision:
        made = make_decision()
        levels = {**made.levels, "category": (Candidate(category, 0.9),)}
        decision = replace(
            made,
            appeal=replace(made.appeal, channel=channel, district=district),
            levels=levels,
            route=replace(made.route, enterprise=enterprise, probability=probability),
            versions=replace(made.versions, model_version=model_version),
            decided_at=NOW - timedelta(hours=hours_ago),
            **fields,
        )
        with sessions.write.begin() as session:
            add_decision(session, city=city, decision=decision)
            [draw] = checking.Drawer(city, 1.0).draw_all(session, [decision])
            append_decision(session, city=city, decision=decision, actor="x", draw=draw)
        return decision

    return submit


@pytest.fixture
def overview(sessions: Sessions) -> Overview:
    return Overview(
        sessions=sessions,
        city_code="astana",
        promised_coverage=lambda: 0.6,
        clock=lambda: NOW,
    )


@pytest.fixture
def sample(sessions: Sessions) -> AuditSample:
    return AuditSample(sessions=sessions, city_code="astana", city=CITY)


def get(overview: Overview, name: str, period: Period = PERIOD) -> Any:
    return overview.figure(name, period)


def count_behind(sessions: Sessions, filters: dict[str, str]) -> int:
    """Count what the list of decisions shows under a row's filters."""
    moments = {
        name: datetime.fromisoformat(filters[name])
        for name in ("since", "until")
        if name in filters
    }
    wanted = decisions.DecisionFilters(**(filters | moments))  # type: ignore[arg-type]  # both are by name
    with sessions.read.begin() as session:
        page = decisions.page(session, city="astana", filters=wanted, limit=200)
    return len(page.items)


def test_intake_counts_by_local_day_and_channel(
    overview: Overview, sessions: Sessions, submit: Submit
) -> None:
    submit()
    submit(hours_ago=2, channel=Channel.WEB)
    submit(hours_ago=2, channel=None)
    submit(
        hours_ago=19.4, channel=Channel.WEB
    )  # 00:06 of the same day in Astana, UTC the day before
    submit(hours_ago=19.6, channel=Channel.WEB)  # 23:54 of the day before
    submit(city="almaty")
    submit(hours_ago=24 * 8)

    figure = get(overview, "intake")

    assert isinstance(figure, Intake)
    assert [(row.day, row.channel, row.n_appeals) for row in figure.rows] == [
        (date(2026, 3, 1), "web", 1),
        (date(2026, 3, 2), None, 1),
        (date(2026, 3, 2), "phone", 1),
        (date(2026, 3, 2), "web", 2),
    ]
    for row in figure.rows:
        if row.filters is None:
            assert row.channel is None
        else:
            assert count_behind(sessions, dict(row.filters)) == row.n_appeals


@pytest.mark.parametrize(
    ("name", "field", "codes"),
    [
        ("categories", "category", ("roads", "snow")),
        ("districts", "district", ("NURA", None)),
        ("languages", "language", ("kk", "ru")),
    ],
)
def test_counts_most_first_with_filters(
    name: str,
    field: str,
    codes: tuple[str, str],
    overview: Overview,
    sessions: Sessions,
    submit: Submit,
) -> None:
    for code in (codes[0], codes[1], codes[1]):
        submit(**{field: code})

    figure = get(overview, name)

    assert isinstance(figure, Counts)
    assert [(row.code, row.n_appeals) for row in figure.rows] == [(codes[1], 2), (codes[0], 1)]
    for row in figure.rows:
        assert (row.filters is None) == (row.code is None)
        if row.filters is not None:
            assert count_behind(sessions, dict(row.filters)) == row.n_appeals


def test_actions_by_day_against_the_promise(
    overview: Overview, sessions: Sessions, submit: Submit
) -> None:
    for action in (Action.AUTO, Action.AUTO, Action.AUTO, Action.REVIEW):
        submit(action=action)
    submit(action=Action.ASK, hours_ago=30)

    figure = get(overview, "actions")

    assert isinstance(figure, Actions)
    assert [(row.auto, row.review, row.ask, row.coverage) for row in figure.rows] == [
        (0, 0, 1, 0),
        (3, 1, 0, 0.75),
    ]
    assert (figure.coverage, figure.promised) == (0.6, 0.6)
    assert [count_behind(sessions, dict(row.filters)) for row in figure.rows] == [1, 4]


def test_overrides_count_reviewed_decisions_alone(
    overview: Overview, sessions: Sessions, submit: Submit, make_review: MakeReview
) -> None:
    made = [submit(category="snow", model_version="2") for _ in range(4)]
    submit(category="roads")
    for decision, verdict in zip(made, ("accept", "override", "accept"), strict=False):
        for made_verdict in ("override", verdict):  # the last one holds
            review = make_review(decision.id, verdict=Verdict(made_verdict))
            with sessions.write.begin() as session:
                reviews.add(session, city="astana", review=review, expected_version=None)

    for name, code in (
        ("overrides_by_category", "snow"),
        ("overrides_by_enterprise", ENTERPRISE),
        ("overrides_by_model", "2"),
    ):
        figure = get(overview, name)
        assert isinstance(figure, Overrides)
        [row] = figure.rows
        assert (row.code, row.n_reviewed, row.n_overridden) == (code, 3, 1)
        assert row.rate == pytest.approx(1 / 3)
        assert row.low < row.rate < row.high
        assert row.filters is not None
        assert count_behind(sessions, dict(row.filters)) == 1


def test_waiting_tells_overdue_and_due_soon(
    overview: Overview, submit: Submit, sessions: Sessions, make_review: MakeReview
) -> None:
    for hours in (-5, -1, 1, 23.9, 24.1, None):
        due_at = None if hours is None else NOW + timedelta(hours=hours)
        submit(action=Action.REVIEW, due_at=due_at, hours_ago=24 * 60)
    submit(action=Action.ASK, enterprise=None, due_at=NOW)
    submit(action=Action.AUTO, due_at=NOW - timedelta(hours=1))
    reviewed = submit(action=Action.REVIEW, due_at=NOW - timedelta(hours=1))
    with sessions.write.begin() as session:
        review = make_review(reviewed.id)
        reviews.add(session, city="astana", review=review, expected_version=None)

    figure = get(overview, "waiting")

    assert isinstance(figure, Waiting)
    assert [
        (row.enterprise, row.n_waiting, row.n_overdue, row.n_due_soon) for row in figure.rows
    ] == [(ENTERPRISE, 6, 2, 2), (None, 1, 0, 1)]
    assert [row.filters for row in figure.rows] == [{"enterprise": ENTERPRISE}, None]


def test_calibration_keeps_checks_and_reviews_apart(
    overview: Overview,
    sample: AuditSample,
    sessions: Sessions,
    submit: Submit,
    make_review: MakeReview,
) -> None:
    for number in range(20):
        decision = submit(probability=0.8 + number / 100)
        sample.check(
            decision.id,
            category=TOPIC.category,
            topic=TOPIC.code,
            enterprise=ENTERPRISE if number >= 4 else OTHER_ENTERPRISE,
            checker="aigerim",
        )
    for number in range(10):
        decision = submit(probability=0.3, action=Action.REVIEW)
        accepted = number < 7
        review = make_review(
            decision.id,
            verdict=Verdict.ACCEPT if accepted else Verdict.OVERRIDE,
            enterprise=ENTERPRISE if accepted else OTHER_ENTERPRISE,
        )
        with sessions.write.begin() as session:
            reviews.add(session, city="astana", review=review, expected_version=None)

    figure = get(overview, "calibration")

    assert isinstance(figure, Calibration)
    checked, reviewed = (
        [row for row in figure.rows if row.source == source] for source in (CHECKS, REVIEWS)
    )
    assert [row.n_found for row in checked] == [2] * 10
    assert [row.precision for row in checked] == [0, 0, *[1] * 8]
    assert checked[0].least == pytest.approx(0.8)
    assert checked[0].most == pytest.approx(0.81)
    assert checked[0].probability == pytest.approx(0.805)
    assert checked[-1].low < checked[-1].precision == checked[-1].high
    assert sum(row.precision * row.n_found for row in reviewed) == 7
    assert {row.probability for row in reviewed} == {0.3}


def test_drift_compares_with_the_period_before(overview: Overview, submit: Submit) -> None:
    for number in range(40):
        submit(hours_ago=24 * 10, language="ru", category="snow")
        submit(hours_ago=24, language="kk" if number % 4 else "ru", category="snow")
    submit(hours_ago=24 * 15, language="other")

    figure = get(overview, "drift_of_languages")

    assert isinstance(figure, MixDrift)
    assert figure.drift is not None
    assert figure.drift.has_drifted
    assert (figure.drift.n_before, figure.drift.n_now) == (40, 40)
    assert [(row.code, row.before, row.now) for row in figure.rows] == [
        ("kk", 0, 0.75),
        ("ru", 1, 0.25),
    ]
    same = get(overview, "drift_of_categories").drift
    assert not same.has_drifted


def test_precision_puts_all_together_first(
    overview: Overview, sample: AuditSample, submit: Submit
) -> None:
    made = [submit() for _ in range(35)]
    submit(language="kk")
    for decision in made:
        sample.check(
            decision.id,
            category=TOPIC.category,
            topic=TOPIC.code,
            enterprise=ENTERPRISE,
            checker="aigerim",
        )

    figure = get(overview, "precision")

    assert isinstance(figure, Precision)
    assert [(row.category, row.language, row.n_checked) for row in figure.rows] == [
        (None, None, 35),
        (TOPIC.category, "kk", 0),
        (TOPIC.category, "mixed", 35),
    ]
    assert [row.precision for row in figure.rows] == [1, None, 1]
    assert figure.estimate == sample.estimate(PERIOD.since, PERIOD.until)


def test_figures_of_an_empty_store_are_empty(overview: Overview) -> None:
    figures = overview.figures(PERIOD)
    assert tuple(figures) == overview.names
    precision = figures.pop("precision")
    assert all(figure.rows == () for figure in figures.values())
    assert [row.precision for row in precision.rows] == [None]


def test_figure_unknown_is_refused(overview: Overview) -> None:
    with pytest.raises(FigureNotFoundError):
        overview.figure("x", PERIOD)


def test_period_left_out_is_the_thirty_days_until_now(overview: Overview) -> None:
    assert overview.period(None, None) == Period(NOW - timedelta(days=30), NOW)
    with pytest.raises(InvalidPeriodError):
        overview.period(NOW, NOW)
