"""The figures of a period."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.deps import BackendDep
from api.openapi import REFUSALS, problems
from api.schemas.overview import OverviewAnswer, PeriodQuery, overview_answer
from api.security import READERS, allow
from triage.figures import to_csv

CSV = "text/csv"

router = APIRouter(prefix="/overview", tags=["overview"], dependencies=[allow(*READERS)])

Period = Annotated[PeriodQuery, Query()]


@router.get("", summary="Read all figures", responses=problems(*REFUSALS, 422, 503))
def read_overview(query: Period, backend: BackendDep) -> OverviewAnswer:
    """Tell of a period what came in, what was done with it, and how right that was.

    Each row has the filters of the appeals behind it.
    """
    period = backend.overview.period(query.since, query.until)
    return overview_answer(period.since, period.until, backend.overview.figures(period))


@router.get(
    "/{figure}.csv",
    summary="Download a figure",
    response_class=Response,
    responses={200: {"content": {CSV: {}}}, **problems(*REFUSALS, 404, 422, 503)},
)
def download_figure(
    figure: Annotated[str, Path(max_length=100, description="A figure's name in the overview")],
    query: Period,
    backend: BackendDep,
) -> Response:
    """Return the rows of one figure as CSV; no cell can be taken for a formula."""
    found = backend.overview.figure(figure, backend.overview.period(query.since, query.until))
    return Response(
        to_csv(found),
        media_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{figure}.csv"'},
    )
