"""Puts the service together from settings, once, when the app starts."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from models.errors import ModelError
from models.registry import ModelRegistry
from triage.appeal import Versions
from triage.citydata import load_city
from triage.config import STARTER_DATA, Settings
from triage.errors import ModelNotReadyError
from triage.rulefile import load_city_rules
from triage.service import TriageService
from triage.store.sessions import make_engine, make_sessions, prepare_store
from triage.urgency import DangerWords

DANGER_WORDS = STARTER_DATA / "danger_words.tsv"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backend:
    """All that handlers work with.

    Attributes
    ----------
    model_error
        Why no model could be loaded, None where one was.
    """

    service: TriageService
    engine: Engine
    model_error: ModelError | None

    def close(self) -> None:
        """Close the connections to the database."""
        self.engine.dispose()

    def versions(self) -> Versions | None:
        """Return the versions of all that decides now, None while no model is loaded."""
        try:
            return self.service.versions
        except ModelNotReadyError:
            return None


def build_backend(settings: Settings) -> Backend:
    """Migrate the store, read the city's files and load the model.

    A model that can't be loaded does not keep the service from starting: what was decided
    before can still be read.

    Raises
    ------
    InvalidCityFileError
        A file of the city is wrong.
    StoreUnavailableError
        The database's URL is wrong, or it does not answer.
    """
    engine = make_engine(settings.store_url)
    prepare_store(engine)
    service = build_service(settings, engine)
    backend = Backend(service, engine, load_model(service, settings))
    _log_start(backend, settings)
    return backend


def build_service(settings: Settings, engine: Engine) -> TriageService:
    """Build the service of a city, without a model yet."""
    city = load_city(settings.data_dir)
    return TriageService(
        sessions=make_sessions(engine),
        city_code=settings.city,
        city=city,
        rules=load_city_rules(settings.data_dir, city),
        danger_words=DangerWords.load(DANGER_WORDS),
        policy=settings.policy,
    )


def load_model(service: TriageService, settings: Settings) -> ModelError | None:
    """Have the service use the configured model; return why it can't, None if it does."""
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    try:
        loaded = registry.load(settings.model)
    except ModelError as error:
        return error
    service.use(loaded)
    return None


def _log_start(backend: Backend, settings: Settings) -> None:
    error, versions = backend.model_error, backend.versions()
    if error is not None:
        log.error("model.not_loaded", model=settings.model, code=error.code, reason=str(error))
    if versions is not None:
        log.info("model.loaded", name=versions.model_name, version=versions.model_version)
