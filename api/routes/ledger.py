"""The ledger is read and checked, and decisions are made again to compare."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import BackendDep, DecisionId
from api.openapi import REFUSALS, problems
from api.schemas.ledger import (
    LedgerAnswer,
    LedgerQuery,
    ReplayedAnswer,
    VerifiedAnswer,
    ledger_answer,
    replayed_answer,
    verified_answer,
)
from api.security import READERS, allow

router = APIRouter(tags=["ledger"], dependencies=[allow(*READERS)])


@router.get("/ledger", summary="List events", responses=problems(*REFUSALS, 422, 503))
def list_events(query: Annotated[LedgerQuery, Query()], backend: BackendDep) -> LedgerAnswer:
    """List what was done, newest first; events that come in meanwhile don't shift the pages."""
    page = backend.ledger.page(query.to_filters(), limit=query.limit, cursor=query.cursor)
    return ledger_answer(page)


@router.post("/ledger/verify", summary="Check the ledger", responses=problems(*REFUSALS, 503))
def verify_ledger(backend: BackendDep) -> VerifiedAnswer:
    """Check every event of the ledger, and every row against the event that recorded it.

    Everything is read, which takes a while in a large ledger. One that is not intact is an answer,
    not an error.
    """
    return verified_answer(backend.ledger.verify())


@router.post(
    "/decisions/{decision_id}/replay",
    summary="Decide again and compare",
    responses=problems(*REFUSALS, 404, 409, 422, 503),
)
def replay_decision(decision_id: DecisionId, backend: BackendDep) -> ReplayedAnswer:
    """Decide again on a stored appeal with what serves now; nothing is stored.

    The same versions give the same decision. Where the appeal's text was removed after its
    retention period the answer is 409.
    """
    return replayed_answer(backend.ledger.replay(decision_id, backend.service.serving))
