"""The page of the contract and the models: what is promised, what serves, what would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep
from api.errors import Failure
from api.schemas.policy import PolicyBody
from api.schemas.registered import ModelsAnswer, models_answer
from api.security import READERS, Principal, Role, allow
from api.web import links
from api.web.forms import FormDep, failure_words
from api.web.pages import PAGES, Pages, PagesDep
from models.errors import ModelError
from triage.contractview import coverage_curve
from triage.errors import TriageError
from triage.store.shadows import Agreement, Differences

PATH = f"{PAGES}models"
LIMIT = 25
DONE, CURSOR = "done", "cursor"

router = APIRouter(prefix=PATH)

Reader = Annotated[Principal, allow(*READERS)]
Mover = Annotated[Principal, allow(Role.DATA_SCIENTIST)]


class MoveForm(BaseModel):
    """A model to move, and why."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    reason: str = Field("", max_length=2_000)
    version: str = Field("", max_length=20)
    force: bool = False


class Desk:
    """Does what the page's forms ask for, and shows the page as it is then."""

    def __init__(self, backend: BackendDep, pages: PagesDep) -> None:
        self.backend: Backend = backend
        self._pages: Pages = pages

    def attempt(
        self, principal: Principal, form: Mapping[str, str], act: Callable[[], str]
    ) -> Response:
        """Do something with a form that was sent; what it lacks is told on the page."""
        try:
            done = act()
        except ValidationError as error:
            failure = errors.of_invalid_request(error.errors())
        except (TriageError, ModelError) as error:
            failure = errors.of_own_error(error)
        else:
            return RedirectResponse(links.link(PATH, {DONE: done}), status_code=303)
        return self.show(principal, form, failure)

    def show(
        self,
        principal: Principal,
        form: Mapping[str, str] | None = None,
        failure: Failure | None = None,
    ) -> Response:
        """Show the page."""
        backend, pages = self.backend, self._pages
        given = pages.request.query_params
        policies = backend.policies.history()
        agreement, differences = _challenger(backend, given.get(CURSOR))
        here = PATH
        return pages.render(
            "models.html",
            status=failure.status if failure else 200,
            here=here,
            models=_models(backend),
            serves=backend.versions(),
            policies=policies,
            numbers=asdict(policies[0].policy),
            contract=_contract(backend),
            enterprises=backend.service.city.enterprises.enterprises,
            agreement=agreement,
            differences=differences.items if differences else (),
            next=differences
            and differences.next_cursor
            and links.changed(here, cursor=differences.next_cursor),
            is_first=CURSOR not in given,
            may_move=principal.role in (Role.DATA_SCIENTIST, Role.ADMIN),
            may_force=principal.role is Role.ADMIN,
            done=given.get(DONE),
            form=form or {},
            failure=failure and failure_words(failure, pages.locale),
            detail=failure.detail if failure and failure.code == "gates_failed" else None,
        )


DeskDep = Annotated[Desk, Depends()]


@router.get("")
def show_models(principal: Reader, desk: DeskDep) -> Response:
    """Show the contract, the models and what the challenger would have decided."""
    return desk.show(principal)


@router.post("/policy")
def set_policy(principal: Mover, desk: DeskDep, form: FormDep) -> Response:
    """Set the policy."""

    def act() -> str:
        given = {name: value.replace(",", ".") for name, value in form.items() if value.strip()}
        given["reason"] = form.get("reason", "")
        body = PolicyBody.model_validate_strings(given)
        desk.backend.policies.set(
            body.to_policy(),
            actor=principal.name,
            reason=body.reason,
            expected_version=body.expected_version,
        )
        return "policy"

    return desk.attempt(principal, form, act)


@router.post("/promote")
def promote(principal: Mover, desk: DeskDep, form: FormDep) -> Response:
    """Have a version serve."""

    def act() -> str:
        asked = MoveForm.model_validate_strings(form)
        moved = desk.backend.promotion.promote(
            asked.version,
            actor=principal.name,
            reason=asked.reason,
            force=asked.force and principal.role is Role.ADMIN,
        )
        return moved.after

    return desk.attempt(principal, form, act)


@router.post("/rollback")
def rollback(principal: Mover, desk: DeskDep, form: FormDep) -> Response:
    """Have the version serve that served before."""

    def act() -> str:
        asked = MoveForm.model_validate_strings(form)
        moved = desk.backend.promotion.rollback(actor=principal.name, reason=asked.reason)
        return moved.after

    return desk.attempt(principal, form, act)


def _models(backend: Backend) -> ModelsAnswer | None:
    """Return what the registry holds; None where it is not to be reached."""
    versions = backend.versions()
    try:
        return models_answer(backend.promotion, versions.model_version if versions else None)
    except ModelError:
        return None


def _contract(backend: Backend) -> dict[str, Any] | None:
    """Return the contract that is in force and the curve it lies on; None without a model."""
    if backend.versions() is None:
        return None
    contract = backend.service.contract
    curve = coverage_curve(backend.service.contract_sample, confidence=contract.confidence)
    return {"now": contract, "curve": curve}


def _challenger(
    backend: Backend, cursor: str | None
) -> tuple[Agreement | None, Differences | None]:
    """Return what the challenger would have decided; nothing where there is none."""
    agreement, challenger = backend.shadow.agreement(), backend.shadow.challenger
    if agreement is None or challenger is None:
        return None, None
    loaded = challenger.loaded
    found = backend.shadow.differences(loaded.name, loaded.version, limit=LIMIT, cursor=cursor)
    return agreement, found
