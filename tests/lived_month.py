"""A store that was worked with for a month: appeals, reviews and blind checks, day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filled_service import starter_rows

from api.bootstrap import DANGER_WORDS
from models.registry import ModelRegistry
from triage.appeal import Action, Appeal, Channel, Decision, Verdict
from triage.checking import AuditSample
from triage.citydata import City, load_city
from triage.config import STARTER_DATA, Settings
from triage.errors import CheckConflictError, DrawNotFoundError
from triage.reviewing import ReviewRequest
from triage.rulefile import load_city_rules
from triage.service import TriageService
from triage.store.sessions import Sessions, make_engine, make_sessions, prepare_store
from triage.urgency import DangerWords

N_APPEALS = 400
PAUSE = timedelta(minutes=108)
"""From one appeal to the next: a month in all."""

N_WAITING = 40
"""The latest, which nobody has looked at yet."""

AUDIT_SHARE = 0.5
REVIEWERS = ("Айгерим", "Данияр")
INTAKE = "key:ikomek"


class _Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def live_through(home: Path) -> None:
    """Fill the store of a home whose registry has a champion, up to some minutes ago."""
    settings = Settings(home=home)
    engine = make_engine(settings.store_url)
    prepare_store(engine)
    clock = _Clock(datetime.now(UTC) - N_APPEALS * PAUSE)
    service, sample = _open(settings, make_sessions(engine), clock)
    rows = starter_rows(N_APPEALS, "appeals_more.jsonl")
    for number, row in enumerate(rows):
        decision = service.submit(_appeal(row, clock.now), actor=INTAKE)
        clock.now += PAUSE
        if number < N_APPEALS - N_WAITING:
            _look(decision, row, service, sample, REVIEWERS[number % len(REVIEWERS)])
    engine.dispose()


def _open(
    settings: Settings, sessions: Sessions, clock: _Clock
) -> tuple[TriageService, AuditSample]:
    city: City = load_city(STARTER_DATA)
    service = TriageService(
        sessions=sessions,
        city_code=settings.city,
        city=city,
        rules=load_city_rules(STARTER_DATA, city),
        danger_words=DangerWords.load(DANGER_WORDS),
        policy=settings.policy,
        audit_share=AUDIT_SHARE,
        clock=clock,
    )
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    service.use(registry.load(settings.model))
    sample = AuditSample(sessions=sessions, city_code=settings.city, city=city, clock=clock)
    return service, sample


def _appeal(row: dict[str, Any], at: datetime) -> Appeal:
    return Appeal(
        text=row["text"],
        received_at=at,
        appeal_id=row["id"],
        channel=Channel(row["channel"]),
        district=row["district"],
    )


def _look(
    decision: Decision, row: dict[str, Any], service: TriageService, sample: AuditSample, who: str
) -> None:
    """Have somebody say what is right, as the corpus has it: blind if it was drawn for that."""
    if decision.action is not Action.AUTO:
        service.review(decision.id, _review(decision, row, who))
        return
    category = service.city.taxonomy.topics[row["topic"]].category
    right = {"category": category, "topic": row["topic"], "enterprise": row["enterprise_id"]}
    try:
        sample.check(decision.id, **right, checker=who)
    except (DrawNotFoundError, CheckConflictError):
        return  # it was not drawn


def _review(decision: Decision, row: dict[str, Any], who: str) -> ReviewRequest:
    right = row["enterprise_id"]
    if right in (None, decision.route.enterprise):
        return ReviewRequest(verdict=Verdict.ACCEPT, reviewer=who)
    return ReviewRequest(
        verdict=Verdict.OVERRIDE, reviewer=who, enterprise=right, reason="другой исполнитель"
    )
