"""Forms that pages submit: read whole, from this site alone."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from api.bodies import RequestRefusedError
from api.errors import Failure
from api.security import CSRF_FIELD, submitted_form
from api.web.language import Locale

OWN_SITE = frozenset({"same-origin", "none"})
"""What browsers say of a request from our own page, or from nobody's."""


async def get_form(request: Request) -> dict[str, str]:
    """Return a form's fields.

    Raises
    ------
    RequestRefusedError
        The form was sent by another site, or can't be read.
    """
    if not is_same_site(request):
        raise RequestRefusedError(403, "cross_site_form", "another site sent this form")
    form = await submitted_form(request)
    # Browsers end lines with CR LF whatever was typed. `allow` has checked the token.
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if name != CSRF_FIELD}


FormDep = Annotated[dict[str, str], Depends(get_form)]


def is_same_site(request: Request) -> bool:
    """Tell whether a form comes from our own pages; what is no browser says nothing and may."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN_SITE
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def failure_words(failure: Failure, locale: Locale) -> str:
    """Say in the reader's language why a form was not taken."""
    codes = [error.code for error in failure.errors] or [failure.code]
    keys = [f"error.{code}" for code in codes]
    known = [locale.tell(key) for key in keys if locale.has(key)]
    return " ".join(known) or locale.tell("error.other", code=failure.code)
