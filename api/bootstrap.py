"""Puts the service together from settings, once, when the app starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine

from api.background import Background, Task
from api.pseudonym import Pseudonyms
from models.registry import SCHEME, ModelRegistry
from triage.access import Access
from triage.appeal import Versions
from triage.checking import AuditSample
from triage.citydata import load_city
from triage.config import MODEL_NAME, STARTER_DATA, Settings
from triage.errors import ModelNotReadyError
from triage.explain import Explainer
from triage.following import Follower
from triage.intake import GroupCommit
from triage.keys import ApiKeys
from triage.ledger import Ledger
from triage.monitoring import HealthWatch, Monitor
from triage.overview import Overview
from triage.policies import PolicyBook
from triage.promotion import Promotion
from triage.queue import Queue
from triage.rulefile import load_city_rules
from triage.secret import load_secret
from triage.service import TriageService
from triage.shadowing import Shadow
from triage.signin import SignIn
from triage.similar import Similar
from triage.store.sessions import WriteProbe, make_engine, make_sessions, prepare_store
from triage.urgency import DangerWords

DANGER_WORDS = STARTER_DATA / "danger_words.tsv"

SHADOW_PAUSE = 0.5
"""Seconds between two looks at what waits for the challenger."""


@dataclass(frozen=True, slots=True)
class Backend:
    """All that handlers work with."""

    service: TriageService
    intake: GroupCommit
    engine: Engine
    probe: WriteProbe
    access: Access
    sign_in: SignIn
    keys: ApiKeys
    queue: Queue
    audit_sample: AuditSample
    overview: Overview
    health: HealthWatch
    ledger: Ledger
    explainer: Explainer
    similar: Similar
    policies: PolicyBook
    promotion: Promotion
    follower: Follower
    shadow: Shadow
    background: Background
    pseudonyms: Pseudonyms

    def close(self) -> None:
        """Answer what waits, stop what runs in the background, and close the connections."""
        self.intake.close()
        self.background.stop()
        self.engine.dispose()

    def versions(self) -> Versions | None:
        """Return the versions of all that decides now, None while no model is loaded."""
        try:
            return self.service.versions
        except ModelNotReadyError:
            return None


def _promised_coverage(service: TriageService) -> float | None:
    try:
        return service.contract.coverage
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
    policies = build_policies(settings, engine, service)
    shadow = Shadow(make_sessions(engine), settings.city, share=settings.shadow_share)
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    follower = Follower(service, shadow, registry, settings.model)
    follower.look()
    sessions = make_sessions(engine)
    health = HealthWatch(Monitor(sessions, settings.city), service)
    background = Background(
        Task("follow", follower.look, pause=settings.poll_seconds),
        Task("policy", policies.refresh, pause=settings.poll_seconds),
        Task("shadow", shadow.work, pause=SHADOW_PAUSE),
        Task("health", health.refresh, pause=60 * settings.health_minutes),
    )
    access = Access(sessions, settings.city)
    session_time = timedelta(hours=settings.session_hours)
    return Backend(
        service=service,
        intake=GroupCommit(service.submit_all),
        engine=engine,
        probe=WriteProbe(engine),
        access=access,
        sign_in=SignIn(sessions, settings.city, access, session_time=session_time),
        keys=ApiKeys(sessions, settings.city),
        queue=Queue(sessions, settings.city),
        audit_sample=AuditSample(
            sessions=sessions,
            city_code=settings.city,
            city=service.city,
            confidence=settings.confidence,
        ),
        overview=Overview(
            sessions=sessions,
            city_code=settings.city,
            promised_coverage=partial(_promised_coverage, service),
            confidence=settings.confidence,
        ),
        health=health,
        ledger=Ledger(sessions, settings.city),
        explainer=Explainer(service),
        similar=Similar(service, sessions),
        policies=policies,
        promotion=Promotion(registry, sessions, settings.city, name=_model_name(settings)),
        follower=follower,
        shadow=shadow,
        background=background,
        pseudonyms=Pseudonyms(load_secret(settings), settings.city),
    )


def build_policies(settings: Settings, engine: Engine, service: TriageService) -> PolicyBook:
    """Have the service decide under the policy that was set, if one was."""
    policies = PolicyBook(
        make_sessions(engine), settings.city, settings.policy, apply=service.set_policy
    )
    policies.refresh()
    return policies


def _model_name(settings: Settings) -> str:
    """Return the registered model that this service follows; the usual one beside a folder."""
    if not settings.model.startswith(SCHEME):
        return MODEL_NAME
    return settings.model.removeprefix(SCHEME).partition("@")[0].partition("/")[0]


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
        audit_share=settings.audit_share,
    )
