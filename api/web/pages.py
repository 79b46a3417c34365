"""Renders pages: templates, headers, and problems where a person looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import URL

from api.errors import problem_response
from api.schemas.problems import Problem
from api.security import SAFE_METHODS, CredentialsDep, credentials_of
from api.web import language, links, navigation, theme
from api.web.language import LANGUAGES, Locale, choose_language, load_locale
from api.web.links import HOME, PAGES

__all__ = ["HOME", "PAGES", "Pages", "PagesDep", "render_problem"]

SIGN_IN = f"{PAGES}signin"
COOKIE_SECONDS = 365 * 24 * 3600
HEADERS = {
    # The same address is a whole page to a browser and a part of one to htmx.
    "Vary": "HX-Request",
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders pages for one request."""

    request: Request
    locale: Locale

    def render(
        self, template: str, *, status: int = 200, here: str | None = None, **values: Any
    ) -> Response:
        """Render a template in the reader's language, and keep language and theme if asked for.

        Parameters
        ----------
        here
            Where this page can be read again, if that is not where it was asked for.
        """
        context = self._context(here or links.changed(str(self.request.url)))
        html = _templates.get_template(template).render(**context | values)
        response = HTMLResponse(html, status, HEADERS | {"Content-Language": self.locale.language})
        self._keep(response, language.COOKIE, LANGUAGES)
        self._keep(response, theme.COOKIE, theme.THEMES)
        return response

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, for a part of a page."""
        return "hx-request" in self.request.headers

    def _context(self, here: str) -> dict[str, Any]:
        credentials = credentials_of(self.request)
        principal = credentials.principal
        return {
            "principal": principal,
            "csrf_token": credentials.csrf_token,
            "locale": self.locale,
            "t": self.locale.tell,
            "here": here,
            "changed": links.changed,
            "languages": [load_locale(one) for one in LANGUAGES],
            "theme": theme.choose_theme(self.request),
            "themes": theme.THEMES,
            "navigation": navigation.items_for(principal),
        }

    def _keep(self, response: Response, name: str, values: tuple[str, ...]) -> None:
        asked = self.request.query_params.get(name)
        if asked in values:
            response.set_cookie(name, asked, max_age=COOKIE_SECONDS, httponly=True, samesite="lax")


async def get_pages(request: Request, credentials: CredentialsDep) -> Pages:
    """Return the renderer for a request, once it is known who asks."""
    del credentials  # they lie in the request's state, where problems find them too
    return Pages(request, load_locale(choose_language(request)))


PagesDep = Annotated[Pages, Depends(get_pages)]


def render_problem(request: Request, problem: Problem, headers: Mapping[str, str]) -> Response:
    """Render a problem: as a page where a person looks at one, as JSON elsewhere."""
    path = request.url.path
    if path != HOME and not path.startswith(PAGES):
        return problem_response(request, problem, headers)
    if problem.status == 401 and "authorization" not in request.headers:
        return _to_sign_in(request)
    pages = Pages(request, load_locale(choose_language(request)))
    response = pages.render("problem.html", status=problem.status, here=HOME, problem=problem)
    response.headers.update(headers)
    return response


def _to_sign_in(request: Request) -> Response:
    """Lead to signing in, and from there back to the page that was asked for."""
    # A part of a page can't be gone back to, nor can the address that a form was sent to.
    url = URL(request.headers.get("hx-current-url", str(request.url)))
    is_read = request.method in SAFE_METHODS or "hx-current-url" in request.headers
    back = url.path + (f"?{url.query}" if url.query else "")
    target = links.link(SIGN_IN, {"next": back if is_read else HOME})
    if "hx-request" in request.headers:
        # A redirect would be followed out of sight, and its page put into a part of this one.
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)
