"""When a decision is urgent, and when it is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from decide_cases import NOW, SURE, make, make_context, predict

from triage.decide import Context


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context()


DANGERS = ["пахнет газом в подъезде", "ИСКРИТ ЩИТОК НА ЭТАЖЕ", "подъезде газ иісі шығып тұр"]


@pytest.mark.parametrize("text", DANGERS)
@pytest.mark.parametrize("urgency", [None, 0.0, 0.49])
def test_decide_danger_words_demand_urgency_whatever_the_model_says(
    context: Context, text: str, urgency: float | None
) -> None:
    decision = make(context, replace(SURE, urgency=urgency), text=text)
    assert decision.urgency.urgent
    assert decision.urgency.probability == urgency
    assert decision.urgency.danger_words


@pytest.mark.parametrize(
    ("urgency", "urgent"), [(None, False), (0.0, False), (0.4999, False), (0.5, True), (1.0, True)]
)
def test_decide_model_demands_urgency_from_the_policys_probability_on(
    context: Context, urgency: float | None, urgent: bool
) -> None:
    decision = make(context, replace(SURE, urgency=urgency))
    assert decision.urgency.urgent is urgent
    assert decision.urgency.danger_words == ()


RECEIVED = datetime(2026, 3, 1, 23, 0, tzinfo=timezone(timedelta(hours=5)))
DUE = {
    "topic's hours from the decision": ("utilities.water", 0.0, None, NOW + timedelta(hours=24)),
    "topic's hours from receipt": (
        "utilities.water", 0.0, RECEIVED, RECEIVED + timedelta(hours=24),
    ),
    "urgent is sooner": ("roads.pit", 0.9, RECEIVED, RECEIVED + timedelta(hours=12)),
    "topic is sooner than urgent": ("utilities.gas", 0.9, None, NOW + timedelta(hours=4)),
    "urgent without a topic": (None, 0.9, None, NOW + timedelta(hours=12)),
    "urgent with an unknown topic": ("no.topic", 0.9, None, NOW + timedelta(hours=12)),
    "neither": (None, 0.0, RECEIVED, None),
    "unknown topic": ("no.topic", 0.0, None, None),
}  # fmt: skip


@pytest.mark.parametrize(("topic", "urgency", "received_at", "due_at"), DUE.values(), ids=DUE)
def test_decide_due_time(
    context: Context,
    topic: str | None,
    urgency: float,
    received_at: datetime | None,
    due_at: datetime | None,
) -> None:
    prediction = predict(("WATER", 0.9), topic=topic, urgency=urgency)
    assert make(context, prediction, received_at=received_at).due_at == due_at
