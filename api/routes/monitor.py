"""How the service does: drift, audited precision, what waits."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import BackendDep
from api.openapi import REFUSALS, problems
from api.schemas.monitor import MonitorAnswer, monitor_answer
from api.security import READERS, allow

router = APIRouter(prefix="/monitor", tags=["overview"], dependencies=[allow(*READERS)])


@router.get("", summary="Read the health of the service", responses=problems(*REFUSALS, 503))
def read_health(backend: BackendDep) -> MonitorAnswer:
    """Tell whether appeals, or the model's answers to them, are other than in the weeks before.

    It is measured every `TRIAGE_HEALTH_MINUTES`; `computed_at` says when it last was. A figure in
    the state `warn` has changed by more than chance, and by enough to matter; `too_few` says
    nothing.
    """
    return monitor_answer(backend.health.summary())
