"""Renders pages: templates, headers, and problems where a person looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.errors import problem_response
from api.schemas.problems import Problem
from api.web.language import COOKIE, LANGUAGES, PARAMETER, Locale, choose_language, load_locale

HOME = "/"
PAGES = "/pages/"
COOKIE_SECONDS = 365 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # Pages hold residents' texts.
    "Cache-Control": "no-store",
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

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Render a template in the reader's language, and keep that language if it was asked."""
        context = {"locale": self.locale, "t": self.locale.tell, "languages": _languages()}
        html = _templates.get_template(template).render(**context, **values)
        response = HTMLResponse(html, status, HEADERS | {"Content-Language": self.locale.language})
        if self.request.query_params.get(PARAMETER) == self.locale.language:
            response.set_cookie(
                COOKIE,
                self.locale.language,
                max_age=COOKIE_SECONDS,
                httponly=True,
                samesite="lax",
            )
        return response


async def get_pages(request: Request) -> Pages:
    """Return the renderer for a request."""
    return Pages(request, load_locale(choose_language(request)))


PagesDep = Annotated[Pages, Depends(get_pages)]


def render_problem(request: Request, problem: Problem, headers: Mapping[str, str]) -> Response:
    """Render a problem: as a page where a person looks at one, as JSON elsewhere."""
    path = request.url.path
    if path != HOME and not path.startswith(PAGES):
        return problem_response(request, problem, headers)
    pages = Pages(request, load_locale(choose_language(request)))
    response = pages.render("problem.html", status=problem.status, here=HOME, problem=problem)
    response.headers.update(headers)
    return response


def _languages() -> list[Locale]:
    return [load_locale(language) for language in LANGUAGES]
