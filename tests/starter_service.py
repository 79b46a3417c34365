"""The service over the starter city, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.policy import Policy
from triage.rulefile import load_city_rules
from triage.rules import RuleBook
from triage.service import TriageService
from triage.store.sessions import Sessions
from triage.urgency import DangerWords

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SNOW = "Во дворе третий день не убирают снег, коляску не провезти"


def starter_rules() -> RuleBook:
    return load_city_rules(STARTER_DATA, load_city(STARTER_DATA))


def starter_service(sessions: Sessions, city: str = "astana", **given: Any) -> TriageService:
    """Return a service that has no model yet, under the starter city's data and a usual policy."""
    return TriageService(
        sessions=sessions,
        city_code=city,
        city=load_city(STARTER_DATA),
        danger_words=DangerWords.load(STARTER_DATA / "danger_words.tsv"),
        policy=Policy(),
        **given,
    )
