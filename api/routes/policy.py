"""The policy: what the city asks of routing without a person, and what it means by urgent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.bodies import JsonRoute
from api.deps import BackendDep, ServiceDep
from api.openapi import REFUSALS, problems
from api.schemas.policy import (
    CurveAnswer,
    PoliciesAnswer,
    PolicyAnswer,
    PolicyBody,
    curve_answer,
    policy_answer,
)
from api.security import READERS, Principal, Role, allow
from triage.contractview import coverage_curve

router = APIRouter(prefix="/policy", tags=["models"], route_class=JsonRoute)

Setter = Annotated[Principal, allow(Role.DATA_SCIENTIST)]


@router.get(
    "",
    summary="Read the policy",
    responses=problems(*REFUSALS, 503),
    dependencies=[allow(*READERS)],
)
def read_policy(backend: BackendDep) -> PoliciesAnswer:
    """Return the policy that holds and all that held before, with who set them and why."""
    history = [policy_answer(one) for one in backend.policies.history()]
    return PoliciesAnswer(current=history[0], history=history)


@router.put(
    "",
    summary="Set the policy",
    responses=problems(400, *REFUSALS, 413, 415, 422, 503),
)
def set_policy(principal: Setter, body: PolicyBody, backend: BackendDep) -> PolicyAnswer:
    """Set every number of the policy; it holds here at once, in other processes within seconds."""
    stored = backend.policies.set(
        body.to_policy(),
        actor=principal.name,
        reason=body.reason,
        expected_version=body.expected_version,
    )
    return policy_answer(stored)


@router.get(
    "/curve",
    summary="What other targets would give",
    responses=problems(*REFUSALS, 503),
    dependencies=[allow(*READERS)],
)
def read_curve(service: ServiceDep) -> CurveAnswer:
    """Return the thresholds in force, and the coverage that each target precision would have."""
    contract = service.contract
    points = coverage_curve(service.contract_sample, confidence=contract.confidence)
    return curve_answer(contract, points)
