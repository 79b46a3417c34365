"""The first page: what is served, an appeal to try, the latest decisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep, IntakeDep
from api.errors import Failure
from api.schemas.present import stored_answer
from api.schemas.requests import ClassifyRequest
from api.security import EVERYBODY, READERS, SUBMITTERS, Principal, Role, allow, sees_masked
from api.web.choices import offered
from api.web.forms import FormDep, failure_words
from api.web.pages import HOME, PAGES, Pages, PagesDep
from triage.errors import TriageError
from triage.store.decisions import DecisionFilters

LATEST = 20

router = APIRouter()

Reader = Annotated[Principal, allow(*EVERYBODY)]
Submitter = Annotated[Principal, allow(*SUBMITTERS)]


@router.get(HOME)
def show_home(principal: Reader, backend: BackendDep, pages: PagesDep) -> Response:
    """Show the first page."""
    return _render(principal, backend, pages, form={}, failure=None)


@router.post(f"{PAGES}appeals")
async def submit_appeal(
    principal: Submitter, form: FormDep, backend: BackendDep, intake: IntakeDep, pages: PagesDep
) -> Response:
    """Decide on the appeal in the form and lead to its decision."""
    given = {name: value for name, value in form.items() if value or name == "text"}
    try:
        request = ClassifyRequest.model_validate(given)
        appeal = request.to_appeal(backend.service.city, backend.pseudonyms)
        decision = await intake.submit(appeal, actor=principal.name)
    except ValidationError as error:
        failure = errors.of_invalid_request(error.errors())
    except TriageError as error:
        failure = errors.of_own_error(error)
    else:
        return RedirectResponse(f"{PAGES}decisions/{decision.id}", status_code=303)
    return await run_in_threadpool(_render, principal, backend, pages, form, failure)


def _render(
    principal: Principal,
    backend: Backend,
    pages: Pages,
    form: dict[str, str],
    failure: Failure | None,
) -> Response:
    service = backend.service
    versions = backend.versions()
    reads_all = principal.role in (*READERS, Role.ADMIN)
    found = service.page(DecisionFilters(), limit=LATEST, cursor=None).items if reads_all else ()
    return pages.render(
        "home.html",
        status=failure.status if failure else 200,
        here=HOME,
        form=form,
        failure=failure and failure_words(failure, pages.locale),
        versions=versions,
        contract=versions and service.contract,
        enterprises=service.city.enterprises.enterprises,
        choices=offered(service.city, pages.locale),
        reads_all=reads_all,
        latest=[
            stored_answer(stored, service.city, masked=sees_masked(principal, stored))
            for stored in found
        ],
    )
