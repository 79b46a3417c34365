"""Registered models and what moves them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Remark
from triage.promotion import Moved, Promotion, Verdict, gate_reports, gates_of


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class RollbackBody(_Body):
    """Why the model before serves again."""

    reason: Remark = Field(description="Not blank; kept in the ledger")


class PromoteBody(RollbackBody):
    """Why a version is to serve."""

    force: bool = Field(
        False, strict=True, description="Overrule gates that did not pass; takes the role admin"
    )


class GateAnswer(_Answer):
    """What one gate found."""

    name: str
    passed: bool
    reason: str


class ModelVersionAnswer(_Answer):
    """A version of the model."""

    version: str
    created_at: datetime
    aliases: list[str] = Field(description="`champion` serves, `previous` did before")
    gates: Verdict = Field(
        description="`outdated` if they were run against a version that no longer serves, `first`"
        " where none serves"
    )
    gates_report: list[GateAnswer]
    metrics: dict[str, float] = Field(description="How it did when it was fitted")


class UnfinishedAnswer(_Answer):
    """A move that the ledger holds and the registry does not; moving again repairs it."""

    kind: str
    actor: str
    at: datetime
    before: str | None
    after: str


class ModelsAnswer(_Answer):
    """Every version of the model, newest first."""

    name: str
    serving: str | None = Field(description="The version that this process decides by")
    unfinished: UnfinishedAnswer | None
    items: list[ModelVersionAnswer]


class MovedAnswer(_Answer):
    """The version that serves from now on; every process follows within seconds."""

    before: str | None
    after: str
    gates: Literal["passed", "failed", "not_run", "outdated", "first"]
    forced: bool


def models_answer(promotion: Promotion, serving: str | None) -> ModelsAnswer:
    """List the versions with what their tags say."""
    models = promotion.models()
    champion = next((one.version for one in models if "champion" in one.aliases), None)
    event = promotion.unfinished()
    return ModelsAnswer(
        name=promotion.name,
        serving=serving,
        unfinished=event
        and UnfinishedAnswer(
            kind=event.kind,
            actor=event.actor,
            at=event.at,
            before=event.payload["from"],
            after=event.payload["to"],
        ),
        items=[
            ModelVersionAnswer(
                version=one.version,
                created_at=one.created_at,
                aliases=list(one.aliases),
                gates=gates_of(one, champion),
                gates_report=[
                    GateAnswer(name=gate.name, passed=gate.passed, reason=gate.reason)
                    for gate in gate_reports(one)
                ],
                metrics=dict(one.metrics),
            )
            for one in models
        ],
    )


def moved_answer(moved: Moved) -> MovedAnswer:
    """Tell what was moved."""
    return MovedAnswer(
        before=moved.before, after=moved.after, gates=moved.gates, forced=moved.forced
    )
