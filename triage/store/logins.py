"""Queries on those who are signed in, on sign-in links and on sign-ins that failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from triage.store.people import Person, to_person
from triage.store.tables import LoginFailureTable, LoginLinkTable, LoginTable, PersonTable


def add(
    session: Session,
    *,
    city: str,
    token_hash: str,
    person: str,
    csrf_token: str,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Store that a person is signed in, and forget those whose time is over."""
    session.execute(delete(LoginTable).where(LoginTable.city == city, LoginTable.expires_at <= at))
    session.execute(
        insert(LoginTable).values(
            city=city,
            token_hash=token_hash,
            person_id=person,
            csrf_token=csrf_token,
            created_at=at,
            expires_at=expires_at,
        )
    )


def find(
    session: Session, *, city: str, token_hash: str, at: datetime
) -> tuple[Person, str] | None:
    """Return the active person who is signed in under a token, and the token of their forms."""
    row = session.execute(
        select(PersonTable, LoginTable.csrf_token)
        .join(
            LoginTable,
            (LoginTable.city == PersonTable.city) & (LoginTable.person_id == PersonTable.id),
        )
        .where(
            LoginTable.city == city,
            LoginTable.token_hash == token_hash,
            LoginTable.expires_at > at,
            PersonTable.active,
        )
    ).one_or_none()
    return None if row is None else (to_person(row[0]), row[1])


def remove(session: Session, *, city: str, token_hash: str) -> None:
    """Forget one that is signed in."""
    session.execute(
        delete(LoginTable).where(LoginTable.city == city, LoginTable.token_hash == token_hash)
    )


def remove_all(session: Session, *, city: str, person: str, but: str | None = None) -> None:
    """Sign a person out everywhere, but for one token where that is given; links end as well."""
    signed_in = delete(LoginTable).where(LoginTable.city == city, LoginTable.person_id == person)
    if but is not None:
        signed_in = signed_in.where(LoginTable.token_hash != but)
    session.execute(signed_in)
    session.execute(
        delete(LoginLinkTable).where(
            LoginLinkTable.city == city, LoginLinkTable.person_id == person
        )
    )


def add_link(
    session: Session, *, city: str, token_hash: str, person: str, at: datetime, expires_at: datetime
) -> None:
    """Store the one link of a person; earlier ones end, and so do all whose time is over."""
    session.execute(
        delete(LoginLinkTable).where(
            LoginLinkTable.city == city,
            (LoginLinkTable.person_id == person) | (LoginLinkTable.expires_at <= at),
        )
    )
    session.execute(
        insert(LoginLinkTable).values(
            city=city, token_hash=token_hash, person_id=person, expires_at=expires_at
        )
    )


def find_link(session: Session, *, city: str, token_hash: str, at: datetime) -> str | None:
    """Return whose link it is; None where it was used or its time is over."""
    return session.scalar(
        select(LoginLinkTable.person_id).where(
            LoginLinkTable.city == city,
            LoginLinkTable.token_hash == token_hash,
            LoginLinkTable.expires_at > at,
            LoginLinkTable.used_at.is_(None),
        )
    )


def use_link(session: Session, *, city: str, token_hash: str, at: datetime) -> bool:
    """Mark a link as used; False where somebody else was faster."""
    # The check is in the UPDATE itself, so that of two who come at once only one gets in.
    used = session.scalar(
        update(LoginLinkTable)
        .where(
            LoginLinkTable.city == city,
            LoginLinkTable.token_hash == token_hash,
            LoginLinkTable.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(LoginLinkTable.person_id)
        .execution_options(synchronize_session=False)
    )
    return used is not None


def add_failure(session: Session, *, city: str, name: str, address: str, at: datetime) -> str:
    """Store an attempt to sign in and return its id."""
    row_id = str(uuid7())
    session.execute(
        insert(LoginFailureTable).values(city=city, id=row_id, name=name, address=address, at=at)
    )
    return row_id


def forget_failures(session: Session, *, city: str, before: datetime) -> None:
    """Forget attempts that count no more."""
    session.execute(
        delete(LoginFailureTable).where(
            LoginFailureTable.city == city, LoginFailureTable.at <= before
        )
    )


def forgive(session: Session, *, city: str, name: str, attempt: str) -> None:
    """Forget what failed under a name, and the attempt that did not fail after all."""
    session.execute(
        delete(LoginFailureTable).where(
            LoginFailureTable.city == city,
            (LoginFailureTable.name == name) | (LoginFailureTable.id == attempt),
        )
    )


def nth_last_failure(
    session: Session, *, city: str, n: int, name: str | None = None, address: str | None = None
) -> datetime | None:
    """Return when the n-th last attempt under a name, or from an address, was made."""
    statement = select(LoginFailureTable.at).where(LoginFailureTable.city == city)
    if name is not None:
        statement = statement.where(LoginFailureTable.name == name)
    if address is not None:
        statement = statement.where(LoginFailureTable.address == address)
    return session.scalar(statement.order_by(LoginFailureTable.at.desc()).offset(n - 1).limit(1))
