"""Registered models: which there are, and which serves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.bodies import JsonRoute
from api.deps import BackendDep
from api.openapi import REFUSALS, problems
from api.schemas.registered import (
    ModelsAnswer,
    MovedAnswer,
    PromoteBody,
    RollbackBody,
    models_answer,
    moved_answer,
)
from api.security import READERS, Principal, Role, allow
from triage.errors import ForbiddenError

router = APIRouter(prefix="/models", tags=["models"], route_class=JsonRoute)

Mover = Annotated[Principal, allow(Role.DATA_SCIENTIST)]
Version = Annotated[str, Path(pattern=r"^[1-9]\d{0,9}$", description="As the registry numbers it")]


@router.get(
    "",
    summary="List models",
    responses=problems(*REFUSALS, 503),
    dependencies=[allow(*READERS)],
)
def list_models(backend: BackendDep) -> ModelsAnswer:
    """List every version with its metrics, its aliases and what the gates found of it."""
    versions = backend.versions()
    return models_answer(backend.promotion, versions.model_version if versions else None)


@router.post(
    "/rollback",
    summary="Have the model before serve again",
    responses=problems(400, *REFUSALS, 409, 413, 415, 422, 503),
)
def rollback(principal: Mover, body: RollbackBody, backend: BackendDep) -> MovedAnswer:
    """Have the version serve that served before; rolling back again undoes that."""
    moved = backend.promotion.rollback(actor=principal.name, reason=body.reason)
    return moved_answer(moved)


@router.post(
    "/{version}/promote",
    summary="Have a version serve",
    responses=problems(400, *REFUSALS, 404, 409, 413, 415, 422, 503),
)
def promote(
    principal: Mover, version: Version, body: PromoteBody, backend: BackendDep
) -> MovedAnswer:
    """Have a version serve that passed the gates against the one that serves now.

    `triage-train promote --data` runs the gates; they are not run here.
    """
    if body.force and principal.role is not Role.ADMIN:
        raise ForbiddenError("only an admin may overrule gates")
    moved = backend.promotion.promote(
        version, actor=principal.name, reason=body.reason, force=body.force
    )
    return moved_answer(moved)
