"""Queries on policies: each setting is a row, and the one of the highest version holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from triage.store import cities
from triage.store.tables import PolicyTable


def latest_version(session: Session, *, city: str) -> int:
    """Return the version that holds, 0 where none was ever set."""
    latest = select(func.max(PolicyTable.version)).where(PolicyTable.city == city)
    return session.scalar(latest) or 0


def newest_first(session: Session, *, city: str, limit: int | None = None) -> Sequence[PolicyTable]:
    """Return the policies of a city, the one that holds first."""
    statement = (
        select(PolicyTable)
        .where(PolicyTable.city == city)
        .order_by(PolicyTable.version.desc())
        .limit(limit)
    )
    return session.scalars(statement).all()


def add(
    session: Session,
    *,
    city: str,
    numbers: Mapping[str, Any],
    actor: str,
    reason: str,
    set_at: datetime,
) -> int:
    """Store a policy and return its version; other writers wait until the transaction ends."""
    cities.lock(session, city=city)
    version = latest_version(session, city=city) + 1
    row = {"numbers": dict(numbers), "actor": actor, "reason": reason, "set_at": set_at}
    session.execute(insert(PolicyTable).values(city=city, version=version, **row))
    return version
