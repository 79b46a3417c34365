"""The page of people and keys: an admin adds them, changes roles and takes access away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.deps import BackendDep
from api.errors import Failure
from api.schemas.people import KeyForm, NameForm, PersonForm
from api.security import GateDep, Principal, Role, allow
from api.web.forms import FormDep, failure_words
from api.web.links import PAGES
from api.web.pages import PagesDep
from triage.errors import TriageError
from triage.keys import PER_MINUTE

PEOPLE = f"{PAGES}people"

router = APIRouter(prefix=PEOPLE)

Admin = Annotated[Principal, allow(Role.ADMIN)]
Secrets = Mapping[str, str]
"""What is shown once: a link or a key, and whose it is."""


class Office:
    """Does what an admin asks for, and shows the page as it is then."""

    def __init__(
        self, principal: Admin, backend: BackendDep, gate: GateDep, pages: PagesDep
    ) -> None:
        self.actor = principal.name
        self.access = backend.access
        self.keys = backend.keys
        self._gate = gate
        self._pages = pages

    def link(self, name: str) -> Secrets:
        """Make a link that signs a person in."""
        token = self.access.new_link(name, actor=self.actor)
        address = self._gate.address(self._pages.request)
        return {"link": f"{address}{PAGES}link/{token}", "name": name}

    def attempt(
        self, form: dict[str, str], act: Callable[[dict[str, str]], Secrets | None]
    ) -> Response:
        """Do something with a form that was sent; what the form lacks is told beside it."""
        filled = {name: value for name, value in form.items() if value.strip()}
        try:
            shown = act(filled)
        except ValidationError as error:
            return self.show(form, errors.of_invalid_request(error.errors()))
        except TriageError as error:
            return self.show(form, errors.of_own_error(error))
        # What is shown once can't be fetched again by another request.
        return self.show(shown=shown) if shown else RedirectResponse(PEOPLE, status_code=303)

    def show(
        self,
        form: Mapping[str, str] | None = None,
        failure: Failure | None = None,
        shown: Secrets | None = None,
    ) -> Response:
        """Show the page."""
        return self._pages.render(
            "people.html",
            status=failure.status if failure else 200,
            here=PEOPLE,
            people=self.access.everybody(),
            keys=self.keys.everything(),
            roles=list(Role),
            per_minute=PER_MINUTE,
            form=form or {},
            shown=shown or {},
            failure=failure and failure_words(failure, self._pages.locale),
        )


OfficeDep = Annotated[Office, Depends()]


@router.get("")
def show_people(office: OfficeDep) -> Response:
    """Show people and keys."""
    return office.show()


@router.post("/add")
def add_person(office: OfficeDep, form: FormDep) -> Response:
    """Add a person and show the link that signs them in."""

    def add(filled: dict[str, str]) -> Secrets:
        given = PersonForm.model_validate(filled)
        office.access.add_person(given.name, given.role, actor=office.actor, subject=given.subject)
        return office.link(given.name)

    return office.attempt(form, add)


@router.post("/role")
def change_role(office: OfficeDep, form: FormDep) -> Response:
    """Give a person another role."""

    def change(filled: dict[str, str]) -> None:
        given = PersonForm.model_validate(filled)
        office.access.change_role(given.name, given.role, actor=office.actor)

    return office.attempt(form, change)


@router.post("/activate")
def activate(office: OfficeDep, form: FormDep) -> Response:
    """Let a person sign in again."""
    return office.attempt(form, lambda filled: _set_active(office, filled, True))


@router.post("/deactivate")
def deactivate(office: OfficeDep, form: FormDep) -> Response:
    """Let a person sign in no more, and end what sessions they have."""
    return office.attempt(form, lambda filled: _set_active(office, filled, False))


@router.post("/link")
def make_link(office: OfficeDep, form: FormDep) -> Response:
    """Make a link that signs a person in once, and show it."""
    return office.attempt(form, lambda filled: office.link(NameForm.model_validate(filled).name))


@router.post("/keys")
def add_key(office: OfficeDep, form: FormDep) -> Response:
    """Make a key, and show it once."""

    def add(filled: dict[str, str]) -> Secrets:
        given = KeyForm.model_validate(filled)
        key, secret = office.keys.add(
            given.name, given.role, actor=office.actor, per_minute=given.per_minute
        )
        return {"key": secret, "name": key.name}

    return office.attempt(form, add)


@router.post("/keys/{key_id}/revoke")
def revoke_key(office: OfficeDep, form: FormDep, key_id: str) -> Response:
    """End a key at once."""
    return office.attempt(form, lambda _: office.keys.revoke(key_id, actor=office.actor))


def _set_active(office: Office, filled: dict[str, str], active: bool) -> None:
    office.access.set_active(NameForm.model_validate(filled).name, active, actor=office.actor)
