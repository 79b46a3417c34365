"""Decisions are read and reviewed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.bodies import JsonRoute
from api.deps import DecisionId, ServiceDep
from api.openapi import REFUSALS, problems
from api.schemas.answers import DecisionsAnswer, StoredDecisionAnswer
from api.schemas.present import stored_answer
from api.schemas.requests import DecisionsQuery, ReviewBody
from api.security import EVERYBODY, READERS, Principal, Role, allow, check_may_read, sees_masked

router = APIRouter(prefix="/decisions", tags=["decisions"], route_class=JsonRoute)


Reader = Annotated[Principal, allow(*EVERYBODY)]
Reviewer = Annotated[Principal, allow(Role.SUPERVISOR)]


@router.get(
    "",
    summary="List decisions",
    responses=problems(*REFUSALS, 422, 503),
)
def list_decisions(
    principal: Annotated[Principal, allow(*READERS)],
    query: Annotated[DecisionsQuery, Query()],
    service: ServiceDep,
) -> DecisionsAnswer:
    """List decisions, newest first; decisions that come in meanwhile don't shift the pages."""
    page = service.page(query.to_filters(service.city), limit=query.limit, cursor=query.cursor)
    return DecisionsAnswer(
        items=[
            stored_answer(stored, service.city, masked=sees_masked(principal, stored))
            for stored in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.get(
    "/{decision_id}", summary="Read a decision", responses=problems(*REFUSALS, 404, 422, 503)
)
def read_decision(
    principal: Reader, decision_id: DecisionId, service: ServiceDep
) -> StoredDecisionAnswer:
    """Read one decision with its appeal and all reviews.

    For the role `intake` there are only decisions on the appeals that it sent in itself.
    """
    stored = service.get(decision_id)
    check_may_read(principal, stored)
    return stored_answer(stored, service.city, masked=sees_masked(principal, stored))


@router.post(
    "/{decision_id}/review",
    summary="Accept or override a decision",
    responses=problems(400, *REFUSALS, 404, 409, 413, 415, 422, 503),
)
def review_decision(
    principal: Reviewer, decision_id: DecisionId, body: ReviewBody, service: ServiceDep
) -> StoredDecisionAnswer:
    """Record a word on a decision and return the decision as it is now.

    The reviewer is whoever sends the request.
    """
    reviewed = service.review(decision_id, body.to_request(principal.name))
    return stored_answer(reviewed, service.city, masked=sees_masked(principal, reviewed))
