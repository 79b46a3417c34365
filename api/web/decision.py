"""The page of one decision: what, where, why, and a person's word on it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.deps import DecisionId, ServiceDep
from api.errors import Failure
from api.schemas.present import stored_answer, taxonomy_answer
from api.schemas.requests import ReviewBody
from api.web.forms import FormDep, failure_words
from api.web.pages import PAGES, Pages, PagesDep
from models.prediction import LEVELS
from triage.errors import DecisionNotFoundError, TriageError
from triage.service import TriageService

router = APIRouter(prefix=f"{PAGES}decisions")


@router.get("/{decision_id}")
def show_decision(decision_id: DecisionId, service: ServiceDep, pages: PagesDep) -> Response:
    """Show a decision."""
    return _render(decision_id, service, pages, form={}, failure=None)


@router.post("/{decision_id}/review")
def review_decision(
    decision_id: DecisionId, form: FormDep, service: ServiceDep, pages: PagesDep
) -> Response:
    """Record the review in the form and show the decision as it is now."""
    given = {name: value for name, value in form.items() if value.strip()}
    try:
        service.review(decision_id, ReviewBody.model_validate_strings(given).to_request())
    except ValidationError as error:
        failure = errors.of_invalid_request(error.errors())
    except DecisionNotFoundError:
        raise
    except TriageError as error:
        failure = errors.of_own_error(error)
    else:
        return RedirectResponse(f"{PAGES}decisions/{decision_id}", status_code=303)
    return _render(decision_id, service, pages, form, failure)


def _render(
    decision_id: str,
    service: TriageService,
    pages: Pages,
    form: dict[str, str],
    failure: Failure | None,
) -> Response:
    city = service.city
    stored = service.get(decision_id)
    district = stored.decision.appeal.district
    return pages.render(
        "decision.html",
        status=failure.status if failure else 200,
        here=f"{PAGES}decisions/{decision_id}",
        decision=stored_answer(stored, city),
        domain=stored.decision,
        district=district and city.districts.get(district),
        levels=LEVELS,
        taxonomy=taxonomy_answer(city.taxonomy),
        enterprises=[one for one in city.enterprises.enterprises.values() if one.active],
        form=form,
        failure=failure and failure_words(failure, pages.locale),
    )
