"""The page of the ledger: what was done, whether it is intact, and one decision made again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, ValidationError

from api import errors
from api.bootstrap import Backend
from api.deps import BackendDep, parse_decision_id
from api.schemas.fields import Name
from api.security import READERS, allow
from api.web import links
from api.web.filters import Day, end_of, first_moment
from api.web.forms import FormDep, failure_words
from api.web.pages import PAGES, Pages, PagesDep
from triage.audit import Kind
from triage.errors import TriageError
from triage.store.events import EventFilters

PATH = f"{PAGES}ledger"
LIMIT = 50

router = APIRouter(prefix=PATH, dependencies=[allow(*READERS)])


class EventsQuery(BaseModel):
    """The filters as the address holds them; days are those of Kazakhstan, `until` included."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Kind | None = None
    subject: Name | None = None
    actor: Name | None = None
    since: Day | None = None
    until: Day | None = None

    def to_filters(self) -> EventFilters:
        """Turn the query into what the ledger takes."""
        return EventFilters(
            kind=self.kind and self.kind.value,
            subject_id=self.subject,
            actor=self.actor,
            since=first_moment(self.since),
            until=end_of(self.until),
        )


class Office:
    """Shows the page, with what was asked for on it."""

    def __init__(self, backend: BackendDep, pages: PagesDep) -> None:
        self.backend: Backend = backend
        self._pages: Pages = pages

    def show(self, *, status: int = 200, **found: Any) -> Response:
        """Show the events that the address asks for, and what a check or a replay came to."""
        pages = self._pages
        given = {name: one for name, one in pages.request.query_params.items() if one.strip()}
        query, wrong = _parse(given)
        page = self.backend.ledger.page(query.to_filters(), limit=LIMIT, cursor=given.get("cursor"))
        here = links.link(PATH, query.model_dump(mode="json", exclude_none=True))
        context = {"verified": None, "replayed": None, "failure": None, "decision_id": ""}
        return pages.render(
            "ledger.html",
            status=status,
            here=here,
            query=query,
            wrong=wrong,
            kinds=[(kind.value, pages.locale.tell(f"event.{kind.value}")) for kind in Kind],
            events=page.items,
            next=page.next_cursor and links.changed(here, cursor=page.next_cursor),
            is_first="cursor" not in given,
            **context | found,
        )

    def refuse(self, error: TriageError, **found: Any) -> Response:
        """Show why something could not be done."""
        failure = errors.of_own_error(error)
        words = failure_words(failure, self._pages.locale)
        return self.show(status=failure.status, failure=words, **found)


OfficeDep = Annotated[Office, Depends()]


@router.get("")
def show_ledger(office: OfficeDep) -> Response:
    """Show the events, newest first."""
    return office.show()


@router.post("/verify")
def verify_ledger(office: OfficeDep, form: FormDep) -> Response:
    """Check the whole ledger, and show that it is intact or the first entry that is not."""
    del form  # it holds nothing but the token that `allow` has checked
    return office.show(verified=office.backend.ledger.verify())


@router.post("/replay")
async def replay_decision(office: OfficeDep, form: FormDep) -> Response:
    """Decide again on a stored appeal, and show whether it comes out the same."""
    asked = form.get("decision_id", "").strip()
    try:
        decision_id = parse_decision_id(asked)
        replayed = office.backend.ledger.replay(decision_id, office.backend.service.serving)
    except TriageError as error:
        return office.refuse(error, decision_id=asked)
    return office.show(replayed=replayed, decision_id=decision_id)


def _parse(given: dict[str, str]) -> tuple[EventsQuery, tuple[str, ...]]:
    """Read the filters, and name those that can't be understood."""
    try:
        return EventsQuery.model_validate(given), ()
    except ValidationError as error:
        wrong = tuple(dict.fromkeys(str(one["loc"][0]) for one in error.errors()))
    good = {name: value for name, value in given.items() if name not in wrong}
    return EventsQuery.model_validate(good), wrong
