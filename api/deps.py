"""What handlers are given: the service, the metrics, and checked ids."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from api.bootstrap import Backend
from api.metrics import Metrics
from api.scope import DECISION_ID
from triage.appeal import Appeal, Decision
from triage.errors import DecisionNotFoundError
from triage.service import TriageService
from triage.submission import Submission

# These are coroutines because FastAPI would send plain functions through the thread pool. Each
# costs a request some 20 microseconds, so that the busiest route has few of them.


async def get_backend(request: Request) -> Backend:
    """Return what the app was started with."""
    backend: Backend = request.app.state.backend
    return backend


async def get_metrics(request: Request) -> Metrics:
    """Return the app's metrics."""
    metrics: Metrics = request.app.state.metrics
    return metrics


BackendDep = Annotated[Backend, Depends(get_backend)]
MetricsDep = Annotated[Metrics, Depends(get_metrics)]


async def get_service(backend: BackendDep) -> TriageService:
    """Return the service."""
    return backend.service


ServiceDep = Annotated[TriageService, Depends(get_service)]


class Intake:
    """Submits appeals, has the challenger look at some, and counts the answers.

    Attributes
    ----------
    backend
        What the app was started with.
    """

    def __init__(self, request: Request) -> None:
        self.backend: Backend = request.app.state.backend
        self._metrics: Metrics = request.app.state.metrics
        self._scope = request.scope

    async def submit(self, appeal: Appeal, *, actor: str, key: str | None = None) -> Decision:
        """Decide on an appeal and store the decision; see `TriageService.submit`."""
        decision = await self.backend.intake.submit(Submission(appeal, actor, key))
        self.backend.shadow.offer(decision)
        self._metrics.observe_decision(decision)
        self._scope[DECISION_ID] = decision.id
        return decision


def parse_decision_id(text: str) -> str:
    """Return a decision's id in its canonical form.

    Raises
    ------
    DecisionNotFoundError
        The text has not the form of an id, so no decision can have it.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise DecisionNotFoundError("no decision has an id of this form") from None


async def get_decision_id(
    request: Request, decision_id: Annotated[str, Path(max_length=200)]
) -> str:
    """Return the id in the path in its canonical form, and leave it for the log.

    Raises
    ------
    DecisionNotFoundError
        It has not the form of an id.
    """
    found = parse_decision_id(decision_id)
    request.scope[DECISION_ID] = found
    return found


async def get_intake(request: Request) -> Intake:
    """Return what takes appeals in for a request."""
    return Intake(request)


IntakeDep = Annotated[Intake, Depends(get_intake)]
DecisionId = Annotated[str, Depends(get_decision_id)]
