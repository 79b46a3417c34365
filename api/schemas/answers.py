"""What the service answers: decisions with names in both languages, and the lists behind them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.requests import Point, ReviewState
from models.language import Language
from triage.appeal import Action, Channel, Verdict
from triage.place import Kind


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Named(_Answer):
    """A code with its names; these are null for a code that the city does not know."""

    code: str
    name_ru: str | None
    name_kk: str | None


class CandidateAnswer(Named):
    """A label and the calibrated probability that it is right."""

    probability: float = Field(ge=0, le=1)


class LevelAnswer(CandidateAnswer):
    """What was chosen at one level, and the candidates it was chosen from."""

    candidates: list[CandidateAnswer] = Field(max_length=5)
    shortlist: list[str] | None = Field(
        description="Codes among which the right one is as often as the policy states, best first;"
        " null where there is no such promise, as for enterprises"
    )


class ReasonAnswer(_Answer):
    """Why the action is what it is."""

    code: str
    ru: str
    kk: str


class QuestionAnswer(_Answer):
    """What to ask the resident."""

    ru: str
    kk: str


class PlaceAnswer(_Answer):
    """A place that the text tells."""

    kind: Kind
    normal: str = Field(description="The same for every spelling of the place")
    start: int = Field(description="Of its span in the text as it came, in characters")
    end: int
    confidence: float = Field(ge=0, le=1, description="By the kind of evidence, not measured")
    text: str = Field(description="What stands in that span")


class RouteAnswer(_Answer):
    """The rule that named the enterprise, why, and the places that it could go by."""

    rule: str
    reason_ru: str
    reason_kk: str
    places: list[PlaceAnswer]
    note_ru: str | None = Field(description="What to know of the place; null where nothing")
    note_kk: str | None


class UrgencyAnswer(_Answer):
    """Whether there is danger, and what says so."""

    urgent: bool
    probability: float | None
    danger_words: list[str]


class ModelAnswer(_Answer):
    """The model that was used."""

    name: str
    version: str
    hash: str


class VersionsAnswer(_Answer):
    """Versions of the city's tables, policy and rules that were used."""

    taxonomy: str
    enterprises: str
    policy: str
    rules: str


class DecisionAnswer(_Answer):
    """The decision on an appeal; a level that nothing was chosen at is null."""

    decision_id: str
    appeal_id: str | None
    language: Language
    category: LevelAnswer | None
    topic: LevelAnswer | None
    enterprise: LevelAnswer | None
    action: Action = Field(
        description="`auto`: routed; `review`: a person looks first; `ask`: `question` comes first"
    )
    reason: ReasonAnswer
    question: QuestionAnswer | None = Field(description="Of `ask`, null for other actions")
    question_text: str | None = Field(
        description="The question in the appeal's language, in both where the appeal mixes them"
    )
    secondary: CandidateAnswer | None = Field(
        description="A topic of another category: the appeal may tell of a second problem"
    )
    route: RouteAnswer
    urgency: UrgencyAnswer
    due_at: datetime | None
    received_at: datetime | None
    decided_at: datetime
    model: ModelAnswer
    versions: VersionsAnswer


class ReviewAnswer(_Answer):
    """What a person made of a decision: the codes that hold after the review."""

    review_id: str
    verdict: Verdict
    reviewer: str
    reviewed_at: datetime
    category: Named | None
    topic: Named | None
    enterprise: Named | None
    reason: str | None


class StoredDecisionAnswer(DecisionAnswer):
    """A stored decision with its appeal and reviews."""

    text: str = Field(description="Personal data are masked for those who need not see them")
    purged_at: datetime | None = Field(
        description="When the text was removed after its retention period; `text` is empty then"
    )
    channel: Channel | None
    address: str | None
    district: str | None
    coordinates: Point | None
    version: int = Field(description="1 when decided, one more with each review")
    review_state: ReviewState
    reviews: list[ReviewAnswer] = Field(description="All reviews; the last one holds")


class DecisionsAnswer(_Answer):
    """A page of decisions, newest first."""

    items: list[StoredDecisionAnswer]
    next_cursor: str | None = Field(description="Leads to older ones; null at the end")


class QueueCountsAnswer(_Answer):
    """How many match, whatever the page; none of them is counted beyond a limit."""

    total: int
    urgent: int
    overdue: int = Field(description="Waiting for a person, and due before now")
    is_capped: bool = Field(description="Whether there may be more than `total`")


class QueueAnswer(_Answer):
    """A page of the queue, in its order."""

    items: list[StoredDecisionAnswer]
    counts: QueueCountsAnswer
    next_cursor: str | None = Field(description="Leads to those after; null at the end")


class TopicAnswer(Named):
    """A topic and the hours in which an appeal on it must be answered."""

    sla_hours: int


class CategoryAnswer(Named):
    """A category and its topics."""

    topics: list[TopicAnswer]


class TaxonomyAnswer(_Answer):
    """What appeals can be about."""

    version: str
    categories: list[CategoryAnswer]


class EnterpriseAnswer(Named):
    """An active enterprise."""

    type: str
    district: str | None
    number: str | None


class EnterprisesAnswer(_Answer):
    """Enterprises that were found, best first."""

    version: str
    items: list[EnterpriseAnswer]


class HealthAnswer(_Answer):
    """The process is alive."""

    status: str


class CheckAnswer(_Answer):
    """The state of one thing that the service needs."""

    state: str = Field(description="`ok` or `not_ready`")
    code: str | None = Field(None, description="What is wrong, under a stable code")
    detail: str | None = None


class ReadyAnswer(_Answer):
    """Whether the service can take appeals, and the state of all that it needs for that."""

    status: str
    checks: dict[str, CheckAnswer]
