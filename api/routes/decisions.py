"""Decisions are read and reviewed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.bodies import JsonRoute
from api.deps import DecisionId, ServiceDep
from api.openapi import problems
from api.schemas.answers import DecisionsAnswer, StoredDecisionAnswer
from api.schemas.present import stored_answer
from api.schemas.requests import DecisionsQuery, ReviewBody

router = APIRouter(prefix="/decisions", tags=["decisions"], route_class=JsonRoute)


@router.get("", summary="List decisions", responses=problems(422, 503))
def list_decisions(
    query: Annotated[DecisionsQuery, Query()], service: ServiceDep
) -> DecisionsAnswer:
    """List decisions, newest first; decisions that come in meanwhile don't shift the pages."""
    page = service.page(query.to_filters(service.city), limit=query.limit, cursor=query.cursor)
    return DecisionsAnswer(
        items=[stored_answer(stored, service.city) for stored in page.items],
        next_cursor=page.next_cursor,
    )


@router.get("/{decision_id}", summary="Read a decision", responses=problems(404, 422, 503))
def read_decision(decision_id: DecisionId, service: ServiceDep) -> StoredDecisionAnswer:
    """Read one decision with its appeal and all reviews."""
    return stored_answer(service.get(decision_id), service.city)


@router.post(
    "/{decision_id}/review",
    summary="Accept or override a decision",
    responses=problems(400, 404, 409, 413, 415, 422, 503),
)
def review_decision(
    decision_id: DecisionId, body: ReviewBody, service: ServiceDep
) -> StoredDecisionAnswer:
    """Record a person's word on a decision and return the decision as it is now."""
    return stored_answer(service.review(decision_id, body.to_request()), service.city)
