"""The overview: what came in, what was done with it, and how right that was, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api.bootstrap import Backend
from api.deps import BackendDep
from api.security import READERS, allow
from api.web import links, period
from api.web.figures import by_day, by_probability, names, shares
from api.web.pages import PAGES, Pages, PagesDep
from api.web.period import CHOICES, Days
from triage.drift import NOTABLE_PSI
from triage.errors import FigureNotFoundError
from triage.figures import Figure
from triage.precision import MIN_CHECKS

PATH = f"{PAGES}overview"
LONGEST = 12
"""Rows of a table that are seen at once; the others are folded up below."""

FIRST = ("intake", "actions", "waiting", "precision")
PARTS: Mapping[str, tuple[str, ...]] = {
    "mix": ("categories", "districts", "languages"),
    "precision": ("precision",),
    "waiting": ("waiting",),
    "overrides": ("overrides_by_category", "overrides_by_enterprise", "overrides_by_model"),
    "calibration": ("calibration",),
    "drift": ("drift_of_languages", "drift_of_categories"),
    "health": (),
}
"""The parts of the page, each with its figures, in their order; `health` stands above them."""

router = APIRouter(prefix=PATH, dependencies=[allow(*READERS)])


@router.get("")
def show_overview(backend: BackendDep, pages: PagesDep) -> Response:
    """Show the figures that matter most; the others follow as they come into view."""
    days, is_clear = period.parse(pages.request.query_params)
    figures = _figures(FIRST, days, backend)
    return _render(
        "overview.html",
        days,
        backend,
        pages,
        figures,
        is_clear=is_clear,
        intake=by_day(figures["intake"], days),
        parts=[name for name in PARTS if name != "health"],
    )


@router.get("/{part}")
def show_part(
    part: Annotated[str, Path(max_length=100)], backend: BackendDep, pages: PagesDep
) -> Response:
    """Show a part: in its place to htmx, as a page of its own otherwise."""
    if part not in PARTS:
        raise FigureNotFoundError(f"no part of the overview is called {part!r}")
    days, _ = period.parse(pages.request.query_params)
    figures = _figures(PARTS[part], days, backend)
    return _render(
        f"overview/{part}.html",
        days,
        backend,
        pages,
        figures,
        health=backend.health.summary() if part == "health" else None,
        bins=by_probability(figures["calibration"]) if part == "calibration" else None,
    )


def _figures(wanted: tuple[str, ...], days: Days, backend: Backend) -> dict[str, Any]:
    return {name: backend.overview.figure(name, days.period) for name in wanted}


def _render(
    template: str,
    days: Days,
    backend: Backend,
    pages: Pages,
    figures: Mapping[str, Figure],
    **values: Any,
) -> Response:
    query_string = links.link("", days.parameters())
    return pages.render(
        template,
        here=PATH + query_string,
        layout="part.html" if pages.is_partial else "base.html",
        path=PATH,
        days=days,
        choices=CHOICES,
        query_string=query_string,
        times=links.link("", days.times()),
        figures=figures,
        named=names(backend.service.city, pages.locale),
        shares=shares,
        behind=period.behind,
        target=backend.service.policy.target_precision,
        longest=LONGEST,
        min_checks=MIN_CHECKS,
        notable=NOTABLE_PSI,
        **values,
    )
