"""The queue: what waits for a person, and search through all that was decided."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.bodies import JsonRoute
from api.deps import BackendDep
from api.openapi import REFUSALS, problems
from api.schemas.answers import QueueAnswer, QueueCountsAnswer
from api.schemas.present import stored_answer
from api.schemas.requests import QueueQuery
from api.security import READERS, Principal, allow, sees_masked

router = APIRouter(prefix="/queue", tags=["decisions"], route_class=JsonRoute)


@router.get(
    "",
    summary="List what waits for a person",
    responses=problems(*REFUSALS, 422, 503),
)
def list_queue(
    principal: Annotated[Principal, allow(*READERS)],
    query: Annotated[QueueQuery, Query()],
    backend: BackendDep,
) -> QueueAnswer:
    """List appeals in the order in which people should look at them, with counts of all."""
    city = backend.service.city
    filters = query.to_filters(city)
    page = backend.queue.page(filters, limit=query.limit, cursor=query.cursor)
    counts = backend.queue.counts(filters)
    return QueueAnswer(
        items=[
            stored_answer(stored, city, masked=sees_masked(principal, stored))
            for stored in page.items
        ],
        counts=QueueCountsAnswer(
            total=counts.total,
            urgent=counts.urgent,
            overdue=counts.overdue,
            is_capped=counts.is_capped,
        ),
        next_cursor=page.next_cursor,
    )
