"""The audit sample is checked blind, and tells how right automatic routing is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.bodies import JsonRoute
from api.deps import BackendDep, DecisionId
from api.openapi import REFUSALS, problems
from api.schemas.checks import (
    CheckBody,
    CheckOutcomeAnswer,
    EstimateAnswer,
    NextCheckAnswer,
    next_check_answer,
)
from api.schemas.overview import PeriodQuery
from api.security import READERS, Principal, Role, allow

router = APIRouter(prefix="/checks", tags=["checks"], route_class=JsonRoute)

Checker = Annotated[Principal, allow(Role.SUPERVISOR)]


@router.get("/next", summary="Get an appeal to check", responses=problems(*REFUSALS, 503))
def read_next(checker: Checker, backend: BackendDep) -> NextCheckAnswer:
    """Return one of the oldest appeals of the audit sample, without what was decided on it.

    Asked again it is the same one until it is checked; others mostly get another.
    """
    return next_check_answer(backend.audit_sample.next_unchecked(checker.name))


@router.post(
    "/{decision_id}",
    summary="Check an appeal",
    responses=problems(*REFUSALS, 400, 404, 409, 413, 415, 422, 503),
)
def check_decision(
    decision_id: DecisionId, body: CheckBody, checker: Checker, backend: BackendDep
) -> CheckOutcomeAnswer:
    """Record what is right and tell what had been decided; a second check is refused with 409."""
    outcome = backend.audit_sample.check(decision_id, checker=checker.name, **body.model_dump())
    return CheckOutcomeAnswer.model_validate(outcome)


@router.get(
    "/estimate",
    summary="Estimate the precision of automatic routing",
    responses=problems(*REFUSALS, 422, 503),
    dependencies=[allow(*READERS)],
)
def read_estimate(query: Annotated[PeriodQuery, Query()], backend: BackendDep) -> EstimateAnswer:
    """Estimate it from the checks alone, for all together and for each category and language."""
    period = backend.overview.period(query.since, query.until)
    return EstimateAnswer.model_validate(backend.audit_sample.estimate(period.since, period.until))
