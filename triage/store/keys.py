"""Queries on API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from triage.roles import Role
from triage.store import cities
from triage.store.tables import ApiKeyTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A machine's key, without the secret.

    Attributes
    ----------
    per_minute
        How many requests a minute are served; None for no limit.
    """

    id: str
    name: str
    role: Role
    per_minute: int | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None


def add(session: Session, *, city: str, key: ApiKey, secret_hash: str) -> None:
    """Store a key."""
    cities.ensure(session, city=city)
    session.execute(
        insert(ApiKeyTable).values(
            city=city,
            id=key.id,
            secret_hash=secret_hash,
            name=key.name,
            role=key.role.value,
            per_minute=key.per_minute,
            created_at=key.created_at,
            created_by=key.created_by,
        )
    )


def find(session: Session, *, city: str, secret_hash: str) -> ApiKey | None:
    """Return the key with a secret, None where there is none or it was revoked."""
    row = session.scalar(
        _of(city).where(ApiKeyTable.secret_hash == secret_hash, ApiKeyTable.revoked_at.is_(None))
    )
    return None if row is None else _to_key(row)


def all_of(session: Session, *, city: str) -> Sequence[ApiKey]:
    """Return all keys, newest first, revoked ones too."""
    statement = _of(city).order_by(ApiKeyTable.created_at.desc(), ApiKeyTable.id.desc())
    return [_to_key(row) for row in session.scalars(statement)]


def revoke(session: Session, *, city: str, key_id: str, at: datetime) -> str | None:
    """Revoke a key and return its name; None where no key in force has this id."""
    return session.scalar(
        update(ApiKeyTable)
        .where(ApiKeyTable.city == city, ApiKeyTable.id == key_id, ApiKeyTable.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(ApiKeyTable.name)
        .execution_options(synchronize_session=False)
    )


def _of(city: str) -> Select[ApiKeyTable]:
    return select(ApiKeyTable).where(ApiKeyTable.city == city)


def _to_key(row: ApiKeyTable) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        per_minute=row.per_minute,
        created_at=row.created_at,
        created_by=row.created_by,
        revoked_at=row.revoked_at,
    )
