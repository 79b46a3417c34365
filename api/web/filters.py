"""What a list of appeals is narrowed to: in the address, in the form, and for the queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.schemas.fields import Name
from models.language import Language
from triage.appeal import Action, Channel
from triage.citydata import City
from triage.queue import QueueFilters
from triage.timezone import KAZAKHSTAN

STATES: dict[str, bool | None] = {
    "waiting": True,
    "done": False,
    "overridden": False,
    "all": None,
}
"""Whether a person is still to look, by how the form calls it."""

Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2200, 1, 1))]


class QueueQuery(BaseModel):
    """The filters as the address holds them; days are those of Kazakhstan, `until` included."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    search: Name | None = None
    category: Name | None = None
    topic: Name | None = None
    enterprise: Name | None = None
    district: Name | None = None
    language: Language | None = None
    channel: Channel | None = None
    action: Action | None = None
    model_version: Name | None = None
    urgent: Literal["yes", "no"] | None = None
    state: Literal["waiting", "done", "overridden", "all"] = "waiting"
    since: Day | None = None
    until: Day | None = None

    def to_filters(self) -> QueueFilters:
        """Turn the query into what the queue takes."""
        kept = self.model_dump(exclude={"state", "urgent", "since", "until"})
        return QueueFilters(
            **kept,
            urgent=None if self.urgent is None else self.urgent == "yes",
            waiting=STATES[self.state],
            review_state="overridden" if self.state == "overridden" else None,
            since=first_moment(self.since),
            until=end_of(self.until),
        )

    def parameters(self) -> dict[str, str]:
        """Return what the address must hold to mean the same."""
        return self.model_dump(mode="json", exclude_defaults=True)


def parse(given: Mapping[str, str], city: City) -> tuple[QueueQuery, tuple[str, ...]]:
    """Read the filters out of an address or a form, and name those that can't be understood."""
    filled = {name: value.strip() for name, value in given.items() if value.strip()}
    words = filled.get("enterprise_words")
    if words and "enterprise" not in filled:
        filled["enterprise"] = find_enterprise(words, city) or ""
    try:
        return QueueQuery.model_validate(filled), ()
    except ValidationError as error:
        wrong = tuple(dict.fromkeys(str(one["loc"][0]) for one in error.errors()))
    good = {name: value for name, value in filled.items() if name not in wrong}
    return QueueQuery.model_validate(good), wrong


def find_enterprise(words: str, city: City) -> str | None:
    """Return the code of the one enterprise that words can mean, None where there is no one."""
    if city.enterprises.get(words):
        return words
    found = city.enterprises.search(words, limit=2)
    return found[0].id if len(found) == 1 else None


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(), KAZAKHSTAN)


def first_moment(day: date | None) -> datetime | None:
    """Return when a day begins; None for no day."""
    return None if day is None else midnight(day)


def end_of(day: date | None) -> datetime | None:
    """Return when the day after begins; None for no day."""
    return None if day is None else midnight(day + timedelta(days=1))
