"""The first page: what is served, an appeal to try, the latest decisions."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep, IntakeDep
from api.errors import Failure
from api.schemas.present import stored_answer
from api.schemas.requests import ClassifyRequest
from api.web.forms import FormDep, failure_words
from api.web.pages import HOME, PAGES, Pages, PagesDep
from triage.appeal import Channel
from triage.errors import TriageError
from triage.store.decisions import DecisionFilters

ACTOR = "page"
LATEST = 20

router = APIRouter()


@router.get(HOME)
def show_home(backend: BackendDep, pages: PagesDep) -> Response:
    """Show the first page."""
    return _render(backend, pages, form={}, failure=None)


@router.post(f"{PAGES}appeals")
def submit_appeal(
    form: FormDep, backend: BackendDep, intake: IntakeDep, pages: PagesDep
) -> Response:
    """Decide on the appeal in the form and lead to its decision."""
    given = {name: value for name, value in form.items() if value or name == "text"}
    try:
        appeal = ClassifyRequest.model_validate(given).to_appeal(backend.service.city)
        decision = intake.submit(appeal, actor=ACTOR)
    except ValidationError as error:
        return _render(backend, pages, form, errors.of_invalid_request(error.errors()))
    except TriageError as error:
        return _render(backend, pages, form, errors.of_own_error(error))
    return RedirectResponse(f"{PAGES}decisions/{decision.id}", status_code=303)


def _render(
    backend: Backend, pages: Pages, form: dict[str, str], failure: Failure | None
) -> Response:
    service = backend.service
    versions = backend.versions()
    latest = service.page(DecisionFilters(), limit=LATEST, cursor=None).items
    return pages.render(
        "home.html",
        status=failure.status if failure else 200,
        here=HOME,
        form=form,
        failure=failure and failure_words(failure, pages.locale),
        versions=versions,
        contract=versions and service.contract,
        enterprises=service.city.enterprises.enterprises,
        channels=[channel.value for channel in Channel],
        districts=service.city.districts.by_code.values(),
        latest=[stored_answer(stored, service.city) for stored in latest],
    )
