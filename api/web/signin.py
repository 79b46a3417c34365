"""The pages to sign in and out, by password or link, and of one's own account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api import errors
from api.deps import BackendDep
from api.errors import Failure
from api.schemas.people import PasswordForm, SignInForm
from api.security import EVERYBODY, GateDep, Principal, allow, local_path
from api.web.forms import FormDep, failure_words
from api.web.links import HOME, PAGES
from api.web.pages import SIGN_IN, Pages, PagesDep
from triage.errors import InvalidLinkError, InvalidPersonError, TooManyRequestsError, TriageError

ACCOUNT = f"{PAGES}account"

router = APIRouter()

# Who may sign in is not known before: signing in, and by a link, are open to all.
SignedIn = Annotated[Principal, allow(*EVERYBODY)]


@router.get(SIGN_IN)
def show_sign_in(pages: PagesDep, next: str = HOME) -> Response:  # noqa: A002  # the parameter's name
    """Ask for name and password."""
    return _sign_in_page(pages, {"next": local_path(next, HOME)}, None)


@router.post(SIGN_IN)
def sign_in(
    request: Request, form: FormDep, backend: BackendDep, gate: GateDep, pages: PagesDep
) -> Response:
    """Sign in, and go on to the page that was asked for."""
    try:
        given = SignInForm.model_validate(form)
        address = request.client.host if request.client else ""
        token = backend.sign_in.by_password(given.name, given.password, address=address)
    except ValidationError as error:
        return _sign_in_page(pages, form, errors.of_invalid_request(error.errors()))
    except TriageError as error:
        return _sign_in_page(pages, form, errors.of_own_error(error), error)
    response = RedirectResponse(local_path(given.next, HOME), status_code=303)
    gate.begin_session(request, response, token)
    return response


@router.get(f"{PAGES}link/{{token}}")
def show_link(token: str, backend: BackendDep, pages: PagesDep) -> Response:
    """Ask whether to sign in by a link: messengers look at addresses, and must not use it up."""
    return _link_page(pages, token, backend.sign_in.whose_link(token), None)


@router.post(f"{PAGES}link/{{token}}")
def sign_in_by_link(
    request: Request,
    token: str,
    form: FormDep,
    backend: BackendDep,
    gate: GateDep,
    pages: PagesDep,
) -> Response:
    """Sign in by a link, and set a password if one is given."""
    name = backend.sign_in.whose_link(token)
    try:
        session = backend.sign_in.by_link(token, _new_password(form))
    except InvalidLinkError:
        raise
    except TriageError as error:
        return _link_page(pages, token, name, errors.of_own_error(error))
    response = RedirectResponse(HOME, status_code=303)
    gate.begin_session(request, response, session)
    return response


@router.post(f"{PAGES}signout")
def sign_out(
    principal: SignedIn, request: Request, form: FormDep, backend: BackendDep, gate: GateDep
) -> Response:
    """End the session, here and in the store."""
    del principal, form
    backend.sign_in.sign_out(gate.session_token(request))
    response = RedirectResponse(SIGN_IN, status_code=303)
    gate.end_session(request, response)
    return response


@router.get(ACCOUNT)
def show_account(principal: SignedIn, backend: BackendDep, pages: PagesDep) -> Response:
    """Show whose session it is, and how to set a password."""
    return _account_page(principal, backend, pages, None)


@router.post(ACCOUNT)
def change_password(
    principal: SignedIn,
    request: Request,
    form: FormDep,
    backend: BackendDep,
    gate: GateDep,
    pages: PagesDep,
) -> Response:
    """Set another password; the sessions in other browsers end."""
    try:
        password = _new_password(form) or ""
        current = PasswordForm.model_validate(form).current
        backend.sign_in.change_password(gate.session_token(request), current, password)
    except TriageError as error:
        return _account_page(principal, backend, pages, errors.of_own_error(error))
    return RedirectResponse(f"{ACCOUNT}?done=1", status_code=303)


def _new_password(form: dict[str, str]) -> str | None:
    """Return the password that a form sets, None where it sets none."""
    given = PasswordForm.model_validate(form)
    if given.password != given.again:
        raise InvalidPersonError("the passwords differ", field="again", code="passwords_differ")
    return given.password or None


def _sign_in_page(
    pages: Pages, form: dict[str, str], failure: Failure | None, error: Exception | None = None
) -> Response:
    target = local_path(form.get("next", HOME), HOME)
    response = pages.render(
        "signin.html",
        status=failure.status if failure else 200,
        here=f"{SIGN_IN}?next={target}" if target != HOME else SIGN_IN,
        name=form.get("name", ""),
        target=target,
        oidc=hasattr(pages.request.app.state, "oidc"),
        failure=failure and failure_words(failure, pages.locale),
    )
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _link_page(pages: Pages, token: str, name: str, failure: Failure | None) -> Response:
    return pages.render(
        "link.html",
        status=failure.status if failure else 200,
        token=token,
        name=name,
        failure=failure and failure_words(failure, pages.locale),
    )


def _account_page(
    principal: Principal, backend: BackendDep, pages: Pages, failure: Failure | None
) -> Response:
    person = backend.access.person(principal.name) if principal.kind == "person" else None
    return pages.render(
        "account.html",
        status=failure.status if failure else 200,
        person=person,
        done="done" in pages.request.query_params,
        failure=failure and failure_words(failure, pages.locale),
    )
