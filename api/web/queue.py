"""The queue: appeals that wait for a person, the most pressing first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import BackendDep
from api.schemas.answers import StoredDecisionAnswer
from api.schemas.present import stored_answer
from api.security import READERS, Principal, Role, allow, sees_masked
from api.web import filters, links
from api.web.choices import offered
from api.web.deadlines import Deadline, deadline
from api.web.language import Locale
from api.web.marks import excerpt
from api.web.pages import PAGES, PagesDep
from triage.appeal import Bilingual
from triage.citydata import City
from triage.store.decisions import StoredDecision

PATH = f"{PAGES}queue"
LIMIT = 25
EXCERPT_CHARS = 180

router = APIRouter()

Reader = Annotated[Principal, allow(*READERS)]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the queue."""

    decision: StoredDecisionAnswer
    reason: Bilingual
    excerpt: str
    deadline: Deadline | None


@router.get(PATH)
def show_queue(principal: Reader, backend: BackendDep, pages: PagesDep) -> Response:
    """Show what waits, narrowed to the filters in the address."""
    city, given = backend.service.city, pages.request.query_params
    query, wrong = filters.parse(given, city)
    narrowed, cursor = query.to_filters(), given.get("cursor")
    page = backend.queue.page(narrowed, limit=LIMIT, cursor=cursor)
    row = partial(_row, principal=principal, city=city, now=datetime.now(UTC))
    here = links.link(PATH, query.parameters())
    return pages.render(
        "queue.html",
        here=here,
        query=query,
        query_string=links.link("", query.parameters()),
        wrong=wrong,
        choices=offered(city, pages.locale),
        enterprise=_name_of(query.enterprise, city, pages.locale),
        is_reviewer=principal.role in (Role.SUPERVISOR, Role.ADMIN),
        counts=backend.queue.counts(narrowed),
        rows=list(map(row, page.items)),
        next=page.next_cursor and links.changed(here, cursor=page.next_cursor),
        is_first=cursor is None,
    )


def _row(stored: StoredDecision, *, principal: Principal, city: City, now: datetime) -> Row:
    answer = stored_answer(stored, city, masked=sees_masked(principal, stored))
    return Row(
        decision=answer,
        reason=stored.decision.reason,
        excerpt=excerpt(answer.text, EXCERPT_CHARS),
        deadline=deadline(answer.due_at, now),
    )


def _name_of(enterprise: str | None, city: City, locale: Locale) -> str:
    found = city.enterprises.get(enterprise or "")
    return locale.pick(found.name) if found else enterprise or ""
