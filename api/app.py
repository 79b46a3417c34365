"""The application: routes, pages, errors and start-up in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import errors, openapi, web
from api.bootstrap import build_backend
from api.metrics import Metrics
from api.middleware import RequestMiddleware
from api.routes import (
    catalog,
    checks,
    classify,
    decisions,
    explanations,
    ledger,
    models,
    monitor,
    overview,
    policy,
    queue,
    state,
)
from api.security import Gate
from triage.config import Settings, load_settings


def create_app(settings: Settings) -> FastAPI:
    """Make the application: the database is migrated and the model loaded here.

    Raises
    ------
    InvalidCityFileError, StoreUnavailableError
        The city's files are wrong, or there is no database.
    """
    backend = build_backend(settings)
    metrics = Metrics()
    metrics.follow_model(backend.versions)
    metrics.follow_registry(backend.follower, backend.shadow)
    metrics.follow_health(backend.health)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        backend.background.start()
        yield
        backend.close()

    app = FastAPIOffline(
        title="Appeal triage",
        description=openapi.DESCRIPTION,
        version=version("appeal-triage"),
        openapi_tags=openapi.TAGS,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        # Else Swagger UI would show a badge from its maker's server.
        swagger_ui_parameters={"validatorUrl": None},
    )
    app.state.backend = backend
    app.state.metrics = metrics
    app.state.gate = Gate(backend.sign_in, backend.keys, settings)
    for module in (
        classify,
        decisions,
        queue,
        explanations,
        ledger,
        checks,
        overview,
        monitor,
        models,
        policy,
        catalog,
        state,
    ):
        app.include_router(module.router)
    web.install(app, settings)
    openapi.install(app)
    errors.install(app, web.render_problem)
    app.add_middleware(RequestMiddleware, metrics=metrics, render=web.render_problem)
    return app


def create_app_from_environment() -> FastAPI:
    """Make the application from `TRIAGE_*` variables, for `uvicorn --factory`."""
    return create_app(load_settings())
