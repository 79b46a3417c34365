"""People, sessions and keys for tests of who may do what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select

from api.bootstrap import Backend
from triage.roles import Role
from triage.store.tables import LedgerEventTable

PASSWORD = "correct horse battery"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def backend_of(client: TestClient) -> Backend:
    backend: Backend = client.app.state.backend  # type: ignore[attr-defined]  # typed as a bare ASGI app
    return backend


def add_person(
    client: TestClient, name: str, role: Role = Role.SUPERVISOR, password: str = ""
) -> None:
    access = backend_of(client).access
    access.add_person(name, role, actor="tests")
    if password:
        access.set_password(name, password, actor="tests")


def sign_in(client: TestClient, name: str, role: Role = Role.SUPERVISOR) -> str:
    """Add a person, sign the client in as them, and return the token of their forms."""
    add_person(client, name, role)
    backend = backend_of(client)
    token = backend.sign_in.by_link(backend.access.new_link(name, actor="tests"))
    client.headers.pop("Authorization", None)
    client.cookies.set("session", token)
    found = backend.sign_in.principal(token)
    assert found is not None
    return found[1]


def send(client: TestClient, path: str, **fields: Any) -> Any:
    """Send a form and don't follow where it leads."""
    return client.post(path, data=fields, follow_redirects=False)


def shown_link(page: str) -> str:
    """Return the path of the sign-in link on a page."""
    [path] = re.findall(r"/pages/link/[\w-]+", page)
    return str(path)


def ledger_of(client: TestClient) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return kind, subject, actor and payload of each event about people and keys."""
    table = LedgerEventTable
    columns = (table.kind, table.subject_id, table.actor, table.payload)
    about = table.kind.like("person.%") | table.kind.like("key.%")
    with backend_of(client).engine.begin() as connection:
        found = connection.execute(select(*columns).where(about).order_by(table.sequence))
        return [tuple(row) for row in found]  # type: ignore[misc]  # of these four columns
