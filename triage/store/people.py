"""Queries on people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from triage.roles import Role
from triage.store import cities
from triage.store.tables import PersonTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in.

    Attributes
    ----------
    password_hash
        None for those who sign in by a link or by OpenID Connect alone.
    subject
        Who the person is to the OpenID Connect provider: its claim `sub`.
    """

    name: str
    role: Role
    password_hash: str | None
    subject: str | None
    active: bool
    created_at: datetime


def add(session: Session, *, city: str, person: Person) -> None:
    """Store a person.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        The city has this name, or this subject.
    """
    cities.ensure(session, city=city)
    session.execute(
        insert(PersonTable).values(
            city=city,
            id=person.name,
            role=person.role.value,
            password_hash=person.password_hash,
            subject=person.subject,
            active=person.active,
            created_at=person.created_at,
        )
    )


def get(session: Session, *, city: str, name: str) -> Person | None:
    """Return a person, None where nobody has this name."""
    return _one(session, _of(city).where(PersonTable.id == name))


def by_subject(session: Session, *, city: str, subject: str) -> Person | None:
    """Return the person whom the OpenID Connect provider knows as a subject."""
    return _one(session, _of(city).where(PersonTable.subject == subject))


def everybody(session: Session, *, city: str) -> Sequence[Person]:
    """Return all people by name."""
    return [to_person(row) for row in session.scalars(_of(city).order_by(PersonTable.id))]


def change(session: Session, *, city: str, name: str, **columns: Any) -> None:
    """Set columns of a person."""
    session.execute(
        update(PersonTable)
        .where(PersonTable.city == city, PersonTable.id == name)
        .values(**columns)
        .execution_options(synchronize_session=False)
    )


def count_admins(session: Session, *, city: str, with_password: bool = False) -> int:
    """Count the admins who may sign in, or those of them who have a password."""
    statement = select(func.count()).where(
        PersonTable.city == city, PersonTable.role == Role.ADMIN.value, PersonTable.active
    )
    if with_password:
        statement = statement.where(PersonTable.password_hash.is_not(None))
    return session.scalars(statement).one()


def to_person(row: PersonTable) -> Person:
    """Turn a row into a person."""
    return Person(
        name=row.id,
        role=Role(row.role),
        password_hash=row.password_hash,
        subject=row.subject,
        active=row.active,
        created_at=row.created_at,
    )


def _of(city: str) -> Select[PersonTable]:
    # Writes go past the session's memory of rows, so that must not answer for the database.
    return (
        select(PersonTable)
        .where(PersonTable.city == city)
        .execution_options(populate_existing=True)
    )


def _one(session: Session, statement: Select[PersonTable]) -> Person | None:
    row = session.scalar(statement)
    return None if row is None else to_person(row)
