"""The page of one decision: what, where, why, and a person's word on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep, DecisionId
from api.errors import Failure
from api.schemas.present import stored_answer
from api.schemas.requests import ReviewBody
from api.security import (
    EVERYBODY,
    READERS,
    Principal,
    Role,
    allow,
    check_may_read,
    sees_masked,
)
from api.web import filters, links
from api.web.deadlines import deadline
from api.web.evidence import district_of, place_marks
from api.web.filters import QueueQuery
from api.web.forms import FormDep, failure_words
from api.web.marks import segments
from api.web.pages import PAGES, Pages, PagesDep
from api.web.picking import chosen_codes
from api.web.queue import PATH as QUEUE
from models.prediction import LEVELS
from triage.errors import DecisionNotFoundError, TriageError
from triage.store.decisions import StoredDecision

PATH = f"{PAGES}decisions"
DONE = "done"
"""The parameter of the next appeal's address that names the one just reviewed."""

router = APIRouter(prefix=PATH)

Reader = Annotated[Principal, allow(*EVERYBODY)]
Reviewer = Annotated[Principal, allow(Role.SUPERVISOR)]


@router.get("/{decision_id}")
def show_decision(
    decision_id: DecisionId, principal: Reader, backend: BackendDep, pages: PagesDep
) -> Response:
    """Show a decision, and the way to those beside it in the queue."""
    given = pages.request.query_params
    query, _ = filters.parse(given, backend.service.city)
    return _render(decision_id, principal, backend, pages, query, form={}, failure=None)


@router.post("/{decision_id}/review")
def review_decision(
    decision_id: DecisionId,
    principal: Reviewer,
    form: FormDep,
    backend: BackendDep,
    pages: PagesDep,
) -> Response:
    """Record the review in the form and go on to the next appeal, or show why it was not taken."""
    query, _ = filters.parse(dict(parse_qsl(form.get("filters", ""))), backend.service.city)
    onward = _onward(decision_id, backend, query) if "filters" in form else None
    try:
        stored = _review(decision_id, principal, form, backend)
    except ValidationError as error:
        failure = errors.of_invalid_request(error.errors())
    except DecisionNotFoundError:
        raise
    except TriageError as error:
        failure = errors.of_own_error(error)
    else:
        if pages.is_partial:
            return _render_row(stored, backend, pages, query)
        here = links.link(f"{PATH}/{decision_id}", query.parameters())
        return RedirectResponse(onward or here, status_code=303)
    if pages.is_partial:
        return _render_row(backend.service.get(decision_id), backend, pages, query, failure)
    return _render(decision_id, principal, backend, pages, query, form, failure)


def _review(
    decision_id: str, principal: Principal, form: dict[str, str], backend: Backend
) -> StoredDecision:
    fields = {name: form.get(name, "") for name in ("verdict", "reason", "expected_version")}
    fields |= chosen_codes(form, backend.service.city)
    given = {name: value for name, value in fields.items() if value.strip()}
    body = ReviewBody.model_validate_strings(given)
    return backend.service.review(decision_id, body.to_request(principal.name))


def _onward(decision_id: str, backend: Backend, query: QueueQuery) -> str:
    """Return where to go once a decision is reviewed: the next one, else back to the queue."""
    before, after = backend.queue.beside(query.to_filters(), decision_id)
    beside = after or before
    path = f"{PATH}/{beside}" if beside else QUEUE
    return links.link(path, query.parameters() | {DONE: decision_id})


def _render(
    decision_id: str,
    principal: Principal,
    backend: Backend,
    pages: Pages,
    query: QueueQuery,
    form: dict[str, str],
    failure: Failure | None,
) -> Response:
    service, city = backend.service, backend.service.city
    stored = service.get(decision_id)
    check_may_read(principal, stored)
    decision = stored.decision
    answer = stored_answer(stored, city, masked=sees_masked(principal, stored))
    parameters = query.parameters()
    before, after = _beside(decision_id, principal, backend, query)
    return pages.render(
        "decision.html",
        status=failure.status if failure else 200,
        here=links.link(f"{PATH}/{decision_id}", parameters),
        decision=answer,
        domain=decision,
        segments=segments(answer.text, place_marks(answer, pages.locale)),
        purged_at=stored.purged_at,
        deadline=deadline(decision.due_at, datetime.now(UTC)),
        threshold=_threshold(stored, backend),
        district=district_of(decision, city),
        levels=LEVELS,
        query_string=links.link("", parameters),
        before=before and links.link(f"{PATH}/{before}", parameters),
        after=after and links.link(f"{PATH}/{after}", parameters),
        done=pages.request.query_params.get(DONE),
        reads_all=_reads_all(principal),
        is_reviewer=principal.role in (Role.SUPERVISOR, Role.ADMIN),
        form=form,
        failure=failure and failure_words(failure, pages.locale),
        is_conflict=failure is not None and failure.code == "review_conflict",
    )


def _beside(
    decision_id: str, principal: Principal, backend: Backend, query: QueueQuery
) -> tuple[str | None, str | None]:
    if not _reads_all(principal):
        return None, None
    return backend.queue.beside(query.to_filters(), decision_id)


def _reads_all(principal: Principal) -> bool:
    return principal.role in (*READERS, Role.ADMIN)


def _threshold(stored: StoredDecision, backend: Backend) -> float | None:
    """Return the threshold that the decision was held to, None where another one holds now."""
    decision, versions = stored.decision, backend.versions()
    enterprise = decision.route.enterprise
    if versions != decision.versions or enterprise is None:
        return None
    return backend.service.contract.part(decision.language, enterprise).threshold


def _render_row(
    stored: StoredDecision,
    backend: Backend,
    pages: Pages,
    query: QueueQuery,
    failure: Failure | None = None,
) -> Response:
    """Render what stands in the queue in place of an appeal that was just reviewed."""
    return pages.render(
        "queue/done.html",
        status=failure.status if failure else 200,
        decision=stored_answer(stored, backend.service.city, masked=False),  # reviewers alone
        query_string=links.link("", query.parameters()),
        failure=failure and failure_words(failure, pages.locale),
    )
