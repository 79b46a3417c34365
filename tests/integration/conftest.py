"""The real application over real databases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from api_checks import give_key
from fastapi.testclient import TestClient
from queue_cases import MakeDecision, queue_of, waiting_maker
from starter_service import NOW, starter_service

from api.app import create_app
from models import folder
from models.registry import LoadedModel, ModelRegistry
from triage.config import CHAMPION, MODEL_NAME, Settings
from triage.queue import Queue
from triage.service import TriageService
from triage.store.sessions import Sessions


@pytest.fixture
def client(store_url: str, model_folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A client of an application with an empty store."""
    settings = Settings(home=tmp_path, database_url=store_url, model=str(model_folder))
    with TestClient(create_app(settings)) as client:
        give_key(client)
        yield client


@pytest.fixture(scope="module")
def shared_client(
    sqlite_template: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """A client that the tests of a module share, because none minds what others store."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(sqlite_template, home / "triage.db")
    with TestClient(create_app(Settings(home=home, model=str(model_folder)))) as client:
        give_key(client)
        yield client


@pytest.fixture(scope="module")
def loaded(model_folder: Path) -> LoadedModel:
    """The small model, as from a registry."""
    return LoadedModel(folder.load(model_folder), MODEL_NAME, "7")


@pytest.fixture
def make_service(sessions: Sessions) -> Callable[..., TriageService]:
    """Make services that have no model, and whose clock stands still."""
    return partial(starter_service, sessions, clock=lambda: NOW)


@pytest.fixture
def service(
    make_service: Callable[..., TriageService], loaded: LoadedModel
) -> Iterator[TriageService]:
    """A service that is at work; whatever a test does, its ledger verifies afterwards."""
    service = make_service()
    service.use(loaded)
    yield service
    assert service.verify_ledger() > 0


@pytest.fixture
def queue(sessions: Sessions) -> Queue:
    """The queue of the store, whose clock stands still."""
    return queue_of(sessions)


@pytest.fixture
def make_waiting(make_decision: MakeDecision) -> MakeDecision:
    """Make decisions that wait; see `waiting_maker`."""
    return waiting_maker(make_decision)


@pytest.fixture
def sqlite_home(sqlite_template: Path, tmp_path: Path) -> Path:
    """A home folder with a migrated SQLite store."""
    shutil.copyfile(sqlite_template, tmp_path / "triage.db")
    return tmp_path


@pytest.fixture
def model_copy(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model, to damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    """A home whose registry holds the small model twice; the first version is the champion."""
    import mlflow

    before = mlflow.get_tracking_uri()
    home = tmp_path_factory.mktemp("registered")
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    for _ in range(2):
        registry.log(model_folder, experiment="appeals", tags={}, name=MODEL_NAME)
    registry.set_alias(MODEL_NAME, CHAMPION, "1")
    mlflow.set_tracking_uri(before)
    return home


@pytest.fixture
def home(
    registered: Path, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home of its own with that registry and an empty store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = Path(shutil.copytree(registered, tmp_path / "home"))
    shutil.copyfile(sqlite_template, home / "triage.db")
    return home
