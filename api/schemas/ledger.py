"""What the ledger answers, and how its events are asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Moment, Name
from triage.appeal import Action
from triage.audit import Kind
from triage.ledger import Replayed, Verified
from triage.store.events import Event, EventFilters, EventPage


class LedgerQuery(BaseModel):
    """What to narrow events to, and which page of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind | None = None
    subject: Name | None = Field(
        None, description="What the event is about: the id of a decision, a review, a person"
    )
    actor: Name | None = Field(None, description="Who did it")
    since: Moment | None = Field(
        None, description="At this time or later; write the + of a time zone as %2B"
    )
    until: Moment | None = Field(None, description="Before this time")
    limit: int = Field(50, ge=1, le=200)
    cursor: Name | None = Field(None, description="`next_cursor` of the page before")

    def to_filters(self) -> EventFilters:
        """Turn the query into filters."""
        return EventFilters(
            kind=self.kind and self.kind.value,
            subject_id=self.subject,
            actor=self.actor,
            since=self.since,
            until=self.until,
        )


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class EventAnswer(_Answer):
    """An event: what was done, by whom and when."""

    sequence: int = Field(description="1 for the first event, without gaps")
    kind: str
    subject_id: str
    actor: str
    at: datetime
    payload: dict[str, Any]
    previous_hash: str
    hash: str = Field(description="SHA-256 of all other fields, hexadecimal")


class LedgerAnswer(_Answer):
    """A page of events, newest first."""

    items: list[EventAnswer]
    next_cursor: str | None = Field(description="Leads to older ones; null at the end")


class VerifiedAnswer(_Answer):
    """What the check of the whole ledger came to."""

    is_intact: bool
    count: int = Field(description="Events found right, all of them where the ledger is intact")
    sequence: int | None = Field(description="The first bad event; null where there is none")
    problem: str | None = Field(description="What is wrong there")


class OutcomeAnswer(_Answer):
    """What a decision came to, in codes."""

    category: str | None
    topic: str | None
    enterprise: str | None
    probability: float = Field(description="The enterprise's")
    action: Action


class OtherVersionAnswer(_Answer):
    """Something that the decision depended on and that is another one today."""

    name: str
    then: str
    now: str


class ReplayedAnswer(_Answer):
    """A decision and the one that would be made on its appeal today; nothing was stored."""

    decision_id: str
    is_same: bool
    then: OutcomeAnswer
    now: OutcomeAnswer
    differences: list[str] = Field(
        description="Fields of the decision that differ, to the last digit"
    )
    other_versions: list[OtherVersionAnswer] = Field(
        description="What may be why: model, tables, rules or policy are no longer the same"
    )


def event_answer(event: Event) -> EventAnswer:
    """Return an event."""
    return EventAnswer.model_validate(event)


def ledger_answer(page: EventPage) -> LedgerAnswer:
    """Return a page of events."""
    return LedgerAnswer(items=list(map(event_answer, page.items)), next_cursor=page.next_cursor)


def verified_answer(verified: Verified) -> VerifiedAnswer:
    """Return what a check came to."""
    return VerifiedAnswer.model_validate(verified)


def replayed_answer(replayed: Replayed) -> ReplayedAnswer:
    """Return what a replay came to."""
    return ReplayedAnswer.model_validate(replayed)
