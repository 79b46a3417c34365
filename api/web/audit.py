"""The audit sample: appeals that went unseen are checked blind, and tell the precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep, DecisionId
from api.errors import Failure
from api.schemas.checks import CheckBody
from api.security import READERS, Principal, Role, allow
from api.web import links, period
from api.web.choices import offered
from api.web.figures import names
from api.web.forms import FormDep
from api.web.pages import PAGES, Pages, PagesDep
from api.web.period import CHOICES
from api.web.picking import chosen_codes
from triage.checking import BlindAppeal, CheckOutcome
from triage.citydata import City
from triage.errors import DrawNotFoundError, TriageError
from triage.precision import MIN_CHECKS

PATH = f"{PAGES}audit"
ESTIMATE = f"{PATH}/estimate"
DONE = "done"
"""The parameter of the next appeal's address that names the one just checked."""

LONGEST = 100
"""Strata that are shown before the others are folded up: here they all matter."""

router = APIRouter(prefix=PATH)

Reader = Annotated[Principal, allow(*READERS)]
Checker = Annotated[Principal, allow(Role.SUPERVISOR)]


@router.get("")
def show_next(principal: Reader, backend: BackendDep, pages: PagesDep) -> Response:
    """Show the next appeal to check; whoever checks none is led to the estimate."""
    if not _may_check(principal):
        return RedirectResponse(ESTIMATE, status_code=303)
    return _render(backend.audit_sample.next_unchecked(principal.name), backend, pages)


@router.get("/estimate")
def show_estimate(principal: Reader, backend: BackendDep, pages: PagesDep) -> Response:
    """Show the precision that checks tell; not beside an appeal, whose stratum it would tell."""
    days, is_clear = period.parse(pages.request.query_params)
    return pages.render(
        "audit/estimate.html",
        here=links.link(ESTIMATE, days.parameters()),
        days=days,
        is_clear=is_clear,
        choices=CHOICES,
        times=links.link("", days.times()),
        figures={"precision": backend.overview.figure("precision", days.period)},
        target=backend.service.policy.target_precision,
        named=names(backend.service.city, pages.locale),
        behind=period.behind,
        longest=LONGEST,
        min_checks=MIN_CHECKS,
        may_check=_may_check(principal),
    )


@router.post("/{decision_id}")
def check_appeal(
    decision_id: DecisionId,
    principal: Checker,
    form: FormDep,
    backend: BackendDep,
    pages: PagesDep,
) -> Response:
    """Record what is right and go on to the next appeal, or show why it was not taken."""
    sample = backend.audit_sample
    try:
        body = CheckBody.model_validate(_codes(form, backend.service.city))
        sample.check(decision_id, checker=principal.name, **body.model_dump())
    except ValidationError as error:
        failure = errors.of_invalid_request(error.errors())
    except DrawNotFoundError:
        raise
    except TriageError as error:
        failure = errors.of_own_error(error)
    else:
        return RedirectResponse(links.link(PATH, {DONE: decision_id}), status_code=303)
    return _render(sample.drawn(decision_id), backend, pages, form, failure)


def _may_check(principal: Principal) -> bool:
    return principal.role in (Role.SUPERVISOR, Role.ADMIN)


def _codes(form: Mapping[str, str], city: City) -> dict[str, str]:
    """Return what was chosen; a topic brings its category."""
    chosen = {name: code for name, code in chosen_codes(form, city).items() if code.strip()}
    topic = city.taxonomy.topics.get(chosen.get("topic", ""))
    return ({"category": topic.category} if topic else {}) | chosen


def _render(
    item: BlindAppeal | None,
    backend: Backend,
    pages: Pages,
    form: Mapping[str, str] | None = None,
    failure: Failure | None = None,
) -> Response:
    city, days = backend.service.city, period.parse({})[0]
    done = pages.request.query_params.get(DONE)
    return pages.render(
        "audit.html",
        status=failure.status if failure else 200,
        here=PATH,
        item=item,
        district=item and city.districts.get(item.appeal.district or ""),
        form=form or {},
        failure=failure,
        is_conflict=failure is not None and failure.code == "check_conflict",
        categories=offered(city, pages.locale)["category"],
        done=done,
        outcome=_outcome(done, backend) if done else None,
        named=names(city, pages.locale),
        estimate=backend.audit_sample.estimate(days.period.since, days.period.until),
        days=days,
    )


def _outcome(decision_id: str, backend: Backend) -> CheckOutcome | None:
    """Return what a check found, None for whatever else an address may name."""
    try:
        return backend.audit_sample.outcome(decision_id)
    except DrawNotFoundError:
        return None
