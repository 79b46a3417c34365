"""A service that has something to show: registered models, appeals, people, a running server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from server_process import add_key, running_server, server_environment

from models.registry import ModelRegistry
from triage.config import CHAMPION, MODEL_NAME, STARTER_DATA
from triage.promotion import GateReport, gate_tags
from triage.roles import Role

GATES = [
    GateReport("overall", True, "0.81, at least 0.80 wanted"),
    GateReport("kk", True, "0.79, at least 0.78 wanted"),
]


@dataclass(frozen=True, slots=True)
class Service:
    """A running server.

    Attributes
    ----------
    admin
        A client with an admin's key.
    """

    admin: httpx.Client

    @property
    def address(self) -> str:
        """Where it is served, without a slash at its end."""
        return str(self.admin.base_url).rstrip("/")

    def add_person(self, name: str, role: Role) -> str:
        """Add a person and return the address of the link that signs them in."""
        return self._link("add", {"name": name, "role": role.value})

    def new_link(self, name: str) -> str:
        """Return the address of another link that signs a person in."""
        return self._link("link", {"name": name})

    def submit(self, **fields: Any) -> dict[str, Any]:
        """Submit an appeal and return the answer."""
        return self._json(self.admin.post("/classify", json=fields))

    def decision(self, decision_id: str) -> dict[str, Any]:
        """Return a decision as it stands, with its reviews."""
        return self._json(self.admin.get(f"/decisions/{decision_id}"))

    def waiting(self, n: int) -> list[dict[str, Any]]:
        """Return the first decisions of the queue, in its order."""
        page = self._json(self.admin.get("/queue", params={"limit": n}))
        return list(page["items"])

    def _link(self, action: str, form: dict[str, str]) -> str:
        page = self.admin.post(f"/pages/people/{action}", data=form)
        [path] = re.findall(r"/pages/link/[\w-]+", page.text)
        return f"{self.address}{path}"

    @staticmethod
    def _json(response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Service]:
    """Serve a home whose registry has a champion, until the block ends."""
    environment = server_environment(home, **settings)
    with running_server(environment, home / "server.log") as client:
        client.headers.update(add_key(environment))
        yield Service(client)


def register_two(model_folder: Path, home: Path) -> None:
    """Register a model twice: as what serves, and as a version that passed the gates against it."""
    registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", home / "mlartifacts")
    for _ in range(2):
        registry.log(model_folder, experiment="appeals", tags={}, name=MODEL_NAME)
    registry.set_alias(MODEL_NAME, CHAMPION, "1")
    registry.set_tags(MODEL_NAME, "2", gate_tags(GATES, "1"))


def starter_rows(n: int, file: str) -> list[dict[str, Any]]:
    """Return rows of a file of the starter data, in turn by language."""
    with (STARTER_DATA / file).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    languages = [[row for row in rows if row["lang"] == one] for one in ("ru", "kk", "mixed")]
    return [row for three in zip(*languages, strict=False) for row in three][:n]
