"""Puts the service together from settings, once, when the app starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine

from api.background import Background, Task
from models.registry import ModelRegistry
from triage.access import Access
from triage.appeal import Versions
from triage.citydata import load_city
from triage.config import STARTER_DATA, Settings
from triage.errors import ModelNotReadyError
from triage.following import Follower
from triage.keys import ApiKeys
from triage.rulefile import load_city_rules
from triage.service import TriageService
from triage.shadowing import Shadow
from triage.signin import SignIn
from triage.store.sessions import make_engine, make_sessions, prepare_store
from triage.urgency import DangerWords

DANGER_WORDS = STARTER_DATA / "danger_words.tsv"

SHADOW_SECONDS = 1.0
"""How long the shadow waits for a decision before it looks whether the service stops."""


@dataclass(frozen=True, slots=True)
class Backend:
    """All that handlers work with."""

    service: TriageService
    engine: Engine
    access: Access
    sign_in: SignIn
    keys: ApiKeys
    follower: Follower
    shadow: Shadow
    background: Background

    def close(self) -> None:
        """Stop what runs in the background, and close the connections to the database."""
        self.background.stop()
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
    shadow = Shadow(make_sessions(engine), settings.city, share=settings.shadow_share)
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    follower = Follower(service, shadow, registry, settings.model)
    follower.look()
    background = Background(
        Task("follow", follower.look, pause=settings.poll_seconds),
        Task("shadow", partial(shadow.work, seconds=SHADOW_SECONDS), pause=0.0),
    )
    sessions = make_sessions(engine)
    access = Access(sessions, settings.city)
    session_time = timedelta(hours=settings.session_hours)
    return Backend(
        service=service,
        engine=engine,
        access=access,
        sign_in=SignIn(sessions, settings.city, access, session_time=session_time),
        keys=ApiKeys(sessions, settings.city),
        follower=follower,
        shadow=shadow,
        background=background,
    )


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
