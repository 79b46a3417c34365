"""The supervisors' pages, in Russian, Kazakh and English."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api.web import (
    audit,
    decision,
    evidence,
    home,
    ledger,
    models,
    overview,
    people,
    picking,
    queue,
    signin,
)
from api.web.pages import render_problem
from triage.config import Settings

__all__ = ["install", "render_problem"]

_STATIC = Path(__file__).parent / "static"


def install(app: FastAPI, settings: Settings) -> None:
    """Add the pages and their static files to an app."""
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    for module in (
        home,
        queue,
        decision,
        evidence,
        picking,
        overview,
        audit,
        signin,
        people,
        models,
        ledger,
    ):
        app.include_router(module.router, include_in_schema=False)
    if settings.oidc_issuer:
        # Its libraries take 0.1 s to import; most services have no provider.
        from api.web import oidc

        oidc.install(app, settings)
