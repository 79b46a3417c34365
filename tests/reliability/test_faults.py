"""What fails is told, nothing is decided wrong or lost meanwhile, and service comes back."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from api_checks import KK, MIXED, RU, count_rows, give_key, problem_code, submit
from conftest import PostgresServer
from fastapi.testclient import TestClient
from filled_service import register_two
from server_process import Server, add_key, server_environment
from sqlalchemy import Connection, event

from api.app import create_app
from api.bootstrap import build_service
from models.registry import ModelRegistry
from triage import following
from triage.appeal import Appeal
from triage.config import CHAMPION, MODEL_NAME, Settings
from triage.errors import StoreUnavailableError
from triage.ledger import Ledger
from triage.store.decisions import DecisionFilters
from triage.store.events import EventFilters
from triage.store.sessions import Sessions, WriteProbe, make_engine, prepare_store

PATIENCE = 60.0
BODY = {"text": KK, "appeal_id": "109-1"}


def store_check(client: TestClient | httpx.Client) -> dict[str, Any]:
    """Return what the service says of its store, once the last good word on it is over."""
    time.sleep(1.1)
    ready = client.get("/readyz")
    check: dict[str, Any] = ready.json()["checks"]["store"]
    assert ready.status_code == (200 if check["state"] == "ok" else 503)
    return check


def check_is_refused_and_comes_back(
    client: TestClient | httpx.Client, spoil: Callable[[], None], mend: Callable[[], None]
) -> None:
    """Appeals are refused while a fault lasts, and taken once it is over; none is half stored."""
    first = client.post("/classify", json=BODY).raise_for_status().json()

    spoil()
    refused = client.post("/classify", json={"text": RU, "appeal_id": "109-2"})
    assert problem_code(refused, 503) == "store_unavailable"
    assert int(refused.headers["retry-after"]) > 0
    assert store_check(client)["code"] == "store_unavailable"
    assert client.get("/healthz").status_code == 200

    mend()
    assert store_check(client) == {"state": "ok"}
    second = client.post("/classify", json={"text": RU, "appeal_id": "109-2"})
    assert client.post("/classify", json=BODY).json() == first
    listed = client.get("/decisions").json()["items"]
    assert [one["decision_id"] for one in listed] == [
        second.json()["decision_id"],
        first["decision_id"],
    ]
    assert client.post("/ledger/verify").json()["is_intact"]


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A server of its own, to be stopped."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.mark.fault("disk full")
def test_full_disk_refuses_and_comes_back(
    sqlite_template: Path, model_folder: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "triage.db")
    environment = server_environment(tmp_path, model=str(model_folder))
    server = Server(environment, tmp_path / "server.log")
    server.start()
    try:
        server.wait_until_ready()
        with httpx.Client(base_url=server.url, headers=add_key(environment), timeout=30) as client:
            check_is_refused_and_comes_back(
                client,
                # The log of changes may grow no more; the server's own log is shorter.
                lambda: server.limit_files((tmp_path / "triage.db-wal").stat().st_size),
                lambda: server.limit_files(resource.RLIM_INFINITY),
            )
        server.stop()
    finally:
        server.kill()


@pytest.mark.fault("database file malformed")
def test_malformed_database_file_refuses_and_comes_back(
    sqlite_template: Path, model_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "triage.db"
    shutil.copyfile(sqlite_template, file)
    with TestClient(create_app(Settings(home=tmp_path, model=str(model_folder)))) as client:
        give_key(client)
        engine = client.app.state.backend.engine  # type: ignore[attr-defined]  # typed as a bare ASGI app
        kept: list[bytes] = []

        def spoil() -> None:
            engine.dispose()  # the last connection to close moves its log into the file
            kept.append(file.read_bytes())
            file.write_bytes(b"no database" * 1000)

        def mend() -> None:
            engine.dispose()
            file.write_bytes(kept[-1])

        check_is_refused_and_comes_back(client, spoil, mend)


@pytest.mark.fault("database gone")
def test_database_that_stops_refuses_and_comes_back(
    postgres: PostgresServer, model_folder: Path, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path, database_url=postgres.create("triage"), model=str(model_folder)
    )
    with TestClient(create_app(settings)) as client:
        give_key(client)
        check_is_refused_and_comes_back(client, postgres.crash, postgres.start)


@pytest.mark.fault("database read-only")
def test_read_only_postgresql_refuses_and_comes_back(
    postgres_server: PostgresServer, postgres_template: str, model_folder: Path, tmp_path: Path
) -> None:
    name = f"read_only_{uuid4().hex}"
    url = postgres_server.create(name, postgres_template)

    def begin(connection: Connection) -> None:
        # As a standby does, which some failovers leave a service on.
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    settings = Settings(home=tmp_path, database_url=url, model=str(model_folder))
    with TestClient(create_app(settings)) as client:
        give_key(client)
        engine = client.app.state.backend.engine  # type: ignore[attr-defined]  # typed as a bare ASGI app
        spoil = partial(event.listen, engine, "begin", begin)
        check_is_refused_and_comes_back(
            client, spoil, partial(event.remove, engine, "begin", begin)
        )
        spoil()
        # What is stored is still read, and given to who sends it again.
        assert len(client.get("/decisions").json()["items"]) == 2
        assert client.post("/classify", json=BODY).status_code == 200
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    engine = make_engine(url)
    with pytest.raises(StoreUnavailableError, match="takes no writes"):
        prepare_store(engine)
    engine.dispose()
    postgres_server.drop(name)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="needs Linux's mount")
@pytest.mark.fault("disk read-only")
def test_read_only_disk_refuses_and_comes_back(
    disk: Path, sqlite_template: Path, model_folder: Path
) -> None:
    shutil.copyfile(sqlite_template, disk / "triage.db")
    with TestClient(create_app(Settings(home=disk, model=str(model_folder)))) as client:
        give_key(client)
        engine = client.app.state.backend.engine  # type: ignore[attr-defined]  # typed as a bare ASGI app

        def remount(mode: str) -> None:
            engine.dispose()  # no disk turns read-only while files on it are open to be written
            subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)

        check_is_refused_and_comes_back(client, lambda: remount("ro"), lambda: remount("rw"))


def test_write_probe_rests_after_a_write_and_not_after_a_failure(
    sqlite_template: Path, tmp_path: Path
) -> None:
    now, writes = [0.0], [0]
    engine = make_engine(f"sqlite:///{sqlite_template}")
    event.listen(engine, "commit", lambda _: writes.__setitem__(0, writes[0] + 1))
    probe = WriteProbe(engine, pause=1, clock=lambda: now[0])

    for _ in range(3):
        probe.check()
    assert writes == [1]
    now[0] = 1.0
    probe.check()
    assert writes == [2]
    engine.dispose()

    broken = WriteProbe(make_engine(f"sqlite:///{tmp_path / 'empty.db'}"), clock=lambda: now[0])
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="takes no writes"):
            broken.check()


mlflow_warnings = pytest.mark.filterwarnings(
    "ignore:.*Any type hint is inferred as AnyType:UserWarning",
    "ignore::sqlalchemy.exc.SADeprecationWarning",
    "ignore:Operation with range is deprecated",
)


@pytest.fixture
def home(
    model_folder: Path, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home whose registry has two versions, the first of them in service."""
    import mlflow

    before = mlflow.get_tracking_uri()
    register_two(model_folder, tmp_path)
    mlflow.set_tracking_uri(before)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow has put it there
    shutil.copyfile(sqlite_template, tmp_path / "triage.db")
    return tmp_path


def wait_for_model(client: TestClient, **wanted: str) -> None:
    """Wait until the service says so of its model; it can take appeals all the while."""
    deadline = time.monotonic() + PATIENCE
    told: dict[str, str] = {}
    while time.monotonic() < deadline:
        ready = client.get("/readyz")
        assert ready.status_code == 200, ready.text
        told = ready.json()["checks"]["model"]
        if told.items() >= wanted.items() and told.keys() - {"detail"} == wanted.keys():
            return
        time.sleep(0.1)
    raise AssertionError(told)


@mlflow_warnings
@pytest.mark.fault("registry gone")
@pytest.mark.parametrize("left", [b"gone" * 1000, b""], ids=["malformed", "empty"])
def test_registry_that_is_gone_leaves_the_model_in_service(home: Path, left: bytes) -> None:
    registry = home / "mlflow.db"
    with TestClient(create_app(Settings(home=home, poll_seconds=0.1))) as client:
        before = submit(client, RU)
        whole = registry.read_bytes()
        registry.write_bytes(left)

        wait_for_model(client, state="ok", code="registry_unavailable")
        assert submit(client, RU)["model"] == before["model"]

        registry.write_bytes(whole)
        wait_for_model(client, state="ok")
        assert submit(client, RU)["model"] == before["model"]


@mlflow_warnings
@pytest.mark.fault("file of a promoted model altered")
def test_altered_model_is_refused_by_its_file_and_the_old_one_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.5)
    settings = Settings(home=home, poll_seconds=0.1)
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    weights = max(
        home.glob("mlartifacts/**/weights.safetensors"), key=lambda file: file.stat().st_ctime
    )
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with TestClient(create_app(settings)) as client:
        assert submit(client, MIXED)["model"]["version"] == "1"
        registry.set_alias(MODEL_NAME, CHAMPION, "2")

        wait_for_model(client, state="ok", code="broken_model")
        assert submit(client, MIXED)["model"]["version"] == "1"
        assert "weights.safetensors" in capsys.readouterr().out
        refused = client.get("/readyz").text
        assert str(home) not in refused

        weights.write_bytes(whole)
        wait_for_model(client, state="ok")
        assert submit(client, MIXED)["model"]["version"] == "2"
        assert count_rows(client) == 3 * 3  # appeal, decision and event of each


@pytest.mark.fault("clock jumps back")
def test_clock_that_jumps_back_loses_no_order(
    sessions: Sessions, store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    """The ledger's order is that of its sequence; a time in it is what the clock said."""
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    steps = (0, 60, -86_400, -86_399, 120)
    engine = make_engine(store_url)
    settings = Settings(home=tmp_path, model=str(model_folder), database_url=store_url)
    service = build_service(settings, engine)
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    service.use(registry.load(settings.model))
    times = iter([noon + timedelta(seconds=step) for step in steps])
    service._clock = lambda: next(times)
    appeals = [Appeal(text=RU, appeal_id=f"109-{number}") for number in range(len(steps))]

    made = [service.submit(appeal, actor="ikomek") for appeal in appeals]
    again = [service.submit(appeal, actor="ikomek") for appeal in appeals]

    assert again == made
    assert len({one.id for one in made}) == len(steps)
    # Due by the clock of its own decision, not by that of another.
    assert len({one.due_at - one.decided_at for one in made if one.due_at}) == 1
    listed, cursor = [], None
    while True:
        page = service.page(DecisionFilters(), limit=2, cursor=cursor)
        listed += [stored.decision for stored in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert listed == sorted(made, key=lambda one: one.decided_at, reverse=True)
    ledger = Ledger(sessions, settings.city)
    assert ledger.verify().count == 1 + len(steps)
    newest = ledger.page(EventFilters(), limit=len(steps)).items
    assert [one.subject_id for one in reversed(newest)] == [one.id for one in made]
    engine.dispose()
