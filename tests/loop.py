"""An installation for tests of the whole loop: its commands, its server and who works with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from server_process import running_server, server_environment
from sqlalchemy import select
from typer.testing import CliRunner, Result

from api.cli import app as triage_app
from models import folder
from models.registry import SCHEME, ModelRegistry
from training.cli import app as train_app
from triage.config import CHAMPION, MODEL_NAME, STARTER_DATA
from triage.store import events
from triage.store.events import Event
from triage.store.sessions import make_engine, make_sessions

PROGRAMS = {"triage": triage_app, "triage-train": train_app}
ROLES = ("intake", "supervisor")

Answer = dict[str, Any]
Row = dict[str, Any]


class Submission(NamedTuple):
    """An appeal of the corpus, and what was answered to it."""

    row: Row
    answer: Answer

    @property
    def version(self) -> str:
        """The model's."""
        return str(self.answer["model"]["version"])


class Installation:
    """A home folder, and the commands that work on it.

    Attributes
    ----------
    ran
        Names of the commands that were run, in order, and what they told.
    """

    def __init__(self, home: Path, **settings: object) -> None:
        self.home = home
        self.registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
        self.ran: list[tuple[str, Result | None]] = []
        self._settings = {name: str(value) for name, value in settings.items()}

    @property
    def _environment(self) -> dict[str, str]:
        return server_environment(self.home, **self._settings)

    def triage(self, *arguments: object, status: int = 0) -> Result:
        """Run `triage` and check its exit status."""
        return self._run("triage", arguments, status)

    def train(self, *arguments: object, status: int = 0) -> Result:
        """Run `triage-train` and check its exit status."""
        return self._run("triage-train", arguments, status)

    def _run(self, program: str, arguments: Sequence[object], status: int) -> Result:
        words = [str(argument) for argument in arguments]
        # MLflow leaves its address in the environment of the process: None takes it away.
        environment = {**self._environment, "MLFLOW_TRACKING_URI": None}
        result = CliRunner().invoke(PROGRAMS[program], words, env=environment)
        assert result.exit_code == status, f"{words}: {result.output} {result.exception!r}"
        self.ran.append((words[0], result))
        return result

    def told(self, command: str) -> Result:
        """Return what a command told that was run once."""
        (result,) = [result for name, result in self.ran if name == command and result]
        return result

    def fit(self, name: str, *data: Path) -> str:
        """Fit a model on files and register it; return its version."""
        sources = [word for path in data for word in ("--data", path)]
        told = self.train(
            "fit", *sources, "--city", STARTER_DATA, "--encoder", "none",
            "--out", self.home / name, "--register", MODEL_NAME,
        )  # fmt: skip
        return told.stderr.split("version ")[-1].split()[0]

    def promote(self, version: str, *more: object, status: int = 0) -> Result:
        """Ask for a version to serve."""
        return self.train("promote", "--model", reference(version), *more, status=status)

    @property
    def champion(self) -> str:
        """The version that the alias names."""
        return self.registry.resolve(f"{SCHEME}{MODEL_NAME}@{CHAMPION}")[1]

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self.home / "server.log").read_text(encoding="utf-8")

    def damage(self, name: str) -> None:
        """Alter the registry's copy of a model that `fit` made."""
        made = (self.home / name / folder.MANIFEST).read_bytes()
        copies = (self.home / "mlartifacts").rglob(folder.MANIFEST)
        (copy,) = [path.parent for path in copies if path.read_bytes() == made]
        (copy / folder.MODEL).write_text("{}", encoding="utf-8")

    def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        """Return columns of one of the store's tables."""
        engine = make_engine(f"sqlite:///{self.home / 'triage.db'}")
        with make_sessions(engine).read() as session:
            found = [tuple(row) for row in session.execute(select(*columns))]
        engine.dispose()
        return found

    def ledger(self) -> list[Event]:
        """Return every event of the ledger."""
        engine = make_engine(f"sqlite:///{self.home / 'triage.db'}")
        with make_sessions(engine).read() as session:
            found = [
                event
                for batch in events.batches(session, city="astana", size=500)
                for event in batch
            ]
        engine.dispose()
        return found

    @contextmanager
    def service(self) -> Iterator[Service]:
        """Serve, with a key for each role."""
        self.triage("migrate")
        keys = {role: self._key(role) for role in ROLES}
        self.ran.append(("serve", None))
        with running_server(self._environment, self.home / "server.log") as client:
            yield Service(client, keys)

    def _key(self, role: str) -> str:
        asked = ("keys", "add", f"a-{role}", "--role", role, "--per-minute", 100_000)
        return self.triage(*asked).stdout.strip()


class Service:
    """The server as those see it who send appeals, review and check."""

    def __init__(self, client: httpx.Client, keys: dict[str, str]) -> None:
        self._client = client
        self._headers = {role: {"Authorization": f"Bearer {key}"} for role, key in keys.items()}
        self._numbers = count(1)

    def send(self, row: Row) -> httpx.Response:
        """Submit an appeal under an id of its own."""
        body = {"text": row["text"], "channel": row["channel"]}
        body["appeal_id"] = f"109-{next(self._numbers)}"
        return self._client.post("/classify", json=body, headers=self._headers["intake"])

    def submit(self, row: Row) -> Submission:
        """Submit an appeal that has to be taken."""
        return Submission(row, _taken(self.send(row)))

    def get(self, path: str, **query: Any) -> Answer:
        """Read as a supervisor."""
        headers = self._headers["supervisor"]
        return _taken(self._client.get(path, params=query, headers=headers))

    def post(self, path: str, **body: Any) -> Answer:
        """Write as a supervisor."""
        headers = self._headers["supervisor"]
        return _taken(self._client.post(path, json=body, headers=headers))

    def metrics(self) -> str:
        """Return what Prometheus sees."""
        return self._client.get("/metrics").text

    def ready(self) -> Answer:
        """Return what `/readyz` says of the model."""
        found: Answer = _taken(self._client.get("/readyz"))["checks"]["model"]
        return found

    def serves(self, version: str) -> bool:
        """Tell whether a version decides now."""
        return f'version="{version}"' in self.metrics()


@dataclass
class Traffic:
    """Clients who submit one appeal after another.

    Attributes
    ----------
    sent
        What each client was answered, in order, once the traffic has ended.
    """

    service: Service
    rows: Sequence[Row]
    n_clients: int = 3
    pause: float = 0.05
    sent: list[list[httpx.Response]] = field(default_factory=list)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Send appeals for as long as the block takes."""
        ended = threading.Event()
        with ThreadPoolExecutor(self.n_clients) as pool:
            clients = [pool.submit(self._send, number, ended) for number in range(self.n_clients)]
            try:
                yield
            finally:
                ended.set()
        self.sent = [client.result() for client in clients]

    def _send(self, number: int, ended: threading.Event) -> list[httpx.Response]:
        rows = cycle(self.rows[number :: self.n_clients])
        answers = []
        while not ended.wait(self.pause):
            answers.append(self.service.send(next(rows)))
        return answers


def reference(version: str) -> str:
    """Return what commands call a version by."""
    return f"{SCHEME}{MODEL_NAME}/{version}"


def until(is_so: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until something is so, no longer than a moved alias may take to be followed."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < seconds, f"not so after {seconds} s"
        time.sleep(0.05)


def _taken(response: httpx.Response) -> Answer:
    assert response.status_code == 200, response.text
    found: Answer = response.json()
    return found
