"""The application: routes, pages, errors and start-up in one place."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import errors, openapi, web
from api.background import Background, Task
from api.bootstrap import build_backend
from api.limits import LimitsMiddleware
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
from api.telemetry import Tracing, TracingMiddleware
from triage.config import Settings, load_settings

PUBLISHING_PAUSE = 1.0
"""Seconds between two times that a worker tells the others what it counts."""


def create_app(settings: Settings) -> FastAPI:
    """Make the application: the database is migrated and the model loaded here.

    Raises
    ------
    InvalidCityFileError, StoreUnavailableError
        The city's files are wrong, or there is no database.
    InvalidSettingsError
        Traces are wanted, and what sends them is not installed.
    """
    tracing = Tracing(settings.otlp_endpoint) if settings.otlp_endpoint else None
    backend = build_backend(settings)
    metrics = Metrics()
    metrics.follow_model(backend.versions)
    metrics.follow_registry(backend.follower, backend.shadow)
    metrics.follow_health(backend.health)
    metrics.follow_intake(lambda: backend.intake.depth)
    backend.intake.observed_by(metrics.observe_batch)
    publishing = Background(Task("metrics", metrics.publish, pause=PUBLISHING_PAUSE))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        backend.background.start()
        # What stands by now stays: the collector need not go through the model and the tables of
        # words again and again.
        gc.collect()
        gc.freeze()
        if metrics.is_shared:
            publishing.start()
        yield
        gc.unfreeze()  # a process may make another application, as tests do
        publishing.stop()
        backend.close()
        if tracing:
            tracing.close()

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
    app.add_middleware(LimitsMiddleware, settings=settings, render=web.render_problem)
    # Added last, it stands before all the others.
    app.add_middleware(
        RequestMiddleware,
        metrics=metrics,
        render=web.render_problem,
        https_only=settings.public_url.startswith("https:"),
    )
    if tracing:
        tracing.watch(backend.engine)
        app.add_middleware(TracingMiddleware, tracing=tracing)
    return app


def create_app_from_environment() -> FastAPI:
    """Make the application from `TRIAGE_*` variables, for `uvicorn --factory`."""
    return create_app(load_settings())
