"""The things the service speaks of: an appeal, the decision on it, a person's review of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.prediction import Candidate, Level
from triage.place import Place

MAX_TEXT_CHARS = 20_000
"""The longest appeal taken, in characters."""


class Channel(StrEnum):
    """How an appeal came in."""

    PHONE = "phone"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    MOBILE = "mobile"
    WEB = "web"


class Action(StrEnum):
    """What happens next: routed without a person, a person looks first, or the place is asked."""

    AUTO = "auto"
    REVIEW = "review"
    ASK = "ask"


class Verdict(StrEnum):
    """What a reviewer did with a decision."""

    ACCEPT = "accept"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One message or name in Russian and in Kazakh."""

    ru: str
    kk: str


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A point on the map, WGS 84, in degrees: north and east are positive."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An appeal as it came in.

    Attributes
    ----------
    text
        What the resident wrote or said, 1 to `MAX_TEXT_CHARS` characters.
    appeal_id
        The intake system's own id; the same id again gets the first answer.
    language
        The intake system's word on the language; None lets the model tell.
    address, district
        Structured place, where the intake form had one; `district` is a code.
    coordinates
        Where the resident pointed on a map, or None.
    sender
        Pseudonym of who wrote, the same for all appeals of one sender; or None.
    received_at
        When the resident wrote, aware of its time zone; due time counts from here, or from
        the decision where the intake system did not say.
    """

    text: str
    received_at: datetime | None = None
    appeal_id: str | None = None
    channel: Channel | None = None
    language: str | None = None
    address: str | None = None
    district: str | None = None
    coordinates: Coordinates | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that could not be tried, and the type of the exception that it ended in."""

    rule: str
    error: str


@dataclass(frozen=True, slots=True)
class Route:
    """Who must act, by which rule and why; `enterprise` is None where nobody could be named.

    Attributes
    ----------
    places
        What the text tells of the place.
    question
        What to ask the resident, where a missing place keeps the rule from deciding.
    failures
        Rules that failed; the route was found without them.
    note
        What a person should know of the place, or None.
    """

    enterprise: str | None
    probability: float
    candidates: tuple[Candidate, ...]
    rule: str
    reason: Bilingual
    places: tuple[Place, ...] = ()
    question: Bilingual | None = None
    failures: tuple[RuleFailure, ...] = ()
    note: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class Urgency:
    """Whether there is danger to life or health, or an accident in progress.

    Attributes
    ----------
    probability
        The model's; None where the model has no urgency head.
    danger_words
        The words of the text that demand urgency whatever the model says.
    """

    urgent: bool
    probability: float | None
    danger_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Versions:
    """Everything a decision depended on besides the appeal."""

    model_name: str
    model_version: str
    model_hash: str
    taxonomy: str
    enterprises: str
    policy: str
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where an appeal goes and why; never changed once stored.

    Attributes
    ----------
    levels
        Candidates of each level by falling probability, at most five; the first one is chosen.
        The enterprise level holds the route's candidates, not the model's.
    secondary
        A topic of another category that the appeal may be about as well, or None.
    reason_code, reason
        Why `action` is what it is.
    shortlists
        By level, the codes among which the right one is as often as the policy states; none for
        the enterprise, whose candidates depend on rules and places.
    input_hash
        SHA-256 of the appeal's canonical JSON, hexadecimal.
    """

    id: str
    appeal: Appeal
    language: str
    levels: dict[Level, tuple[Candidate, ...]]
    action: Action
    reason_code: str
    reason: Bilingual
    route: Route
    urgency: Urgency
    due_at: datetime | None
    versions: Versions
    input_hash: str
    decided_at: datetime
    secondary: Candidate | None = None
    shortlists: dict[Level, tuple[str, ...]] = field(default_factory=dict)

    def chosen(self, level: Level) -> Candidate | None:
        """Return the chosen candidate of a level, None where there is none."""
        candidates = self.levels.get(level)
        return candidates[0] if candidates else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person made of a decision.

    Attributes
    ----------
    category, topic, enterprise
        The codes that hold after the review, None where the decision had none either.
    reason
        Why the decision was changed; needed for an override.
    """

    id: str
    decision_id: str
    verdict: Verdict
    reviewer: str
    reviewed_at: datetime
    category: str | None
    topic: str | None
    enterprise: str | None
    reason: str | None
