"""Whether the service works, for those who watch over it."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep, MetricsDep
from api.openapi import problems
from api.schemas.answers import CheckAnswer, HealthAnswer, ReadyAnswer
from models.errors import ModelError
from triage.errors import ModelNotReadyError, StoreUnavailableError, TriageError
from triage.store.sessions import check_store

OK, NOT_READY = "ok", "not_ready"

router = APIRouter(tags=["state"])


@router.get("/healthz", summary="Is the process alive", responses=problems())
async def healthz() -> HealthAnswer:
    """Answer as long as the process does."""
    return HealthAnswer(status=OK)


@router.get(
    "/readyz",
    summary="Can appeals be taken",
    response_model=ReadyAnswer,
    responses={
        503: {"model": ReadyAnswer, "description": "Not ready: `checks` says why"},
        **problems(),
    },
)
def readyz(backend: BackendDep) -> Response:
    """Check that the store is reachable, migrated and takes writes, and that a model is loaded."""
    checks = {"store": _check_store(backend), "model": _check_model(backend)}
    ready = all(check.state == OK for check in checks.values())
    answer = ReadyAnswer(status="ready" if ready else NOT_READY, checks=checks)
    return JSONResponse(answer.model_dump(exclude_none=True), 200 if ready else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems()},
)
def read_metrics(metrics: MetricsDep) -> Response:
    """Return requests, decisions and the model in Prometheus's text format."""
    return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _check_store(backend: Backend) -> CheckAnswer:
    try:
        check_store(backend.engine)
        backend.probe.check()
    except StoreUnavailableError as error:
        return _failed(error)
    return CheckAnswer(state=OK)


def _check_model(backend: Backend) -> CheckAnswer:
    error = backend.follower.error
    if backend.versions() is None:
        return _failed(error or ModelNotReadyError())
    # What served before goes on serving, so that is no reason to send appeals elsewhere.
    return _failed(error, state=OK) if error else CheckAnswer(state=OK)


def _failed(error: TriageError | ModelError, *, state: str = NOT_READY) -> CheckAnswer:
    failure = errors.of_own_error(error)
    return CheckAnswer(state=state, code=failure.code, detail=failure.title)
