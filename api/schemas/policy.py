"""The policy, and what the contract would give under another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Remark
from models.selective import Contract
from triage.contractview import TargetPoint
from triage.policies import StoredPolicy
from triage.policy import Policy


class PolicyNumbers(BaseModel):
    """What the city has decided about deciding."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target_precision: float = Field(description="Precision asked of what is routed unseen")
    confidence: float = Field(description="How sure that promise is")
    shortlist_coverage: float = Field(description="How often a shortlist holds the right code")
    urgent_probability: float = Field(description="From this probability on an appeal is urgent")
    secondary_probability: float = Field(
        description="From this probability on a second topic is offered"
    )
    urgent_hours: int = Field(description="An urgent appeal is due within these hours")


class PolicyBody(PolicyNumbers):
    """A policy to set: every number, and why."""

    reason: Remark = Field(description="Not blank; kept in the ledger")
    expected_version: int | None = Field(
        None, strict=True, ge=0, description="The version that was seen; if it changed since: 422"
    )

    def to_policy(self) -> Policy:
        """Turn the body into what the service takes."""
        return Policy(**self.model_dump(exclude={"reason", "expected_version"}))


class PolicyAnswer(BaseModel):
    """A policy and where it comes from."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(description="0 for that of the settings, which nobody has set")
    numbers: PolicyNumbers
    actor: str | None
    reason: str | None
    set_at: datetime | None


class PoliciesAnswer(BaseModel):
    """The policy that holds, and those before it, newest first."""

    model_config = ConfigDict(frozen=True)

    current: PolicyAnswer
    history: list[PolicyAnswer]


class PointAnswer(BaseModel):
    """What a target precision would give."""

    model_config = ConfigDict(frozen=True)

    target: float
    coverage: float = Field(description="Share that would be routed without a person")
    parts: int
    parts_without_threshold: int = Field(description="In these nothing could be routed")


class ThresholdAnswer(BaseModel):
    """The threshold of a language and destination group; null stands for all others."""

    model_config = ConfigDict(frozen=True)

    language: str | None
    group: str | None
    threshold: float | None = Field(description="Null where no threshold keeps the promise")
    coverage: float
    n_examples: int


class CurveAnswer(BaseModel):
    """What the contract of the model that serves gives, and would give at other targets."""

    model_config = ConfigDict(frozen=True)

    target: float
    confidence: float
    coverage: float
    n_examples: int
    points: list[PointAnswer]
    thresholds: list[ThresholdAnswer]


def policy_answer(stored: StoredPolicy) -> PolicyAnswer:
    """Describe a policy."""
    return PolicyAnswer(
        version=stored.version,
        numbers=PolicyNumbers(**asdict(stored.policy)),
        actor=stored.actor,
        reason=stored.reason,
        set_at=stored.set_at,
    )


def curve_answer(contract: Contract, points: Sequence[TargetPoint]) -> CurveAnswer:
    """Describe a contract and the curve it is a point of."""
    return CurveAnswer(
        target=contract.target,
        confidence=contract.confidence,
        coverage=contract.coverage,
        n_examples=contract.n_examples,
        points=[PointAnswer(**asdict(point)) for point in points],
        thresholds=[ThresholdAnswer(**asdict(part)) for part in contract.parts],
    )
