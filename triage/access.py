"""Use cases of access: people, their roles, passwords and links, one transaction each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from triage import audit
from triage.audit import Kind
from triage.errors import InvalidPersonError, PersonNotFoundError
from triage.names import check_name
from triage.passwords import hash_password, new_token, token_hash
from triage.roles import Principal, Role
from triage.store import cities, logins, people
from triage.store.people import Person
from triage.store.sessions import Sessions

__all__ = ["Access", "Principal", "Role"]

LINK = timedelta(hours=24)
"""How long a sign-in link holds."""


class Access:
    """Who may sign in to a city; the signing in itself is in `triage.signin`.

    Parameters
    ----------
    clock
        Tells the time, aware of its zone.
    """

    def __init__(
        self,
        sessions: Sessions,
        city_code: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city = city_code
        self._clock = clock

    def everybody(self) -> Sequence[Person]:
        """Return all people by name, those who may not sign in too."""
        with self._sessions.read.begin() as session:
            return people.everybody(session, city=self._city)

    def person(self, name: str) -> Person:
        """Return a person.

        Raises
        ------
        PersonNotFoundError
        """
        with self._sessions.read.begin() as session:
            return self._get(session, name)

    def is_guarded(self) -> bool:
        """Tell whether an admin has a password, so that strangers may come near."""
        with self._sessions.read.begin() as session:
            return people.count_admins(session, city=self._city, with_password=True) > 0

    def add_person(
        self, name: str, role: Role, *, actor: str, subject: str | None = None
    ) -> Person:
        """Add a person, who can't sign in before there is a link, a password or a subject.

        Raises
        ------
        InvalidPersonError
            The name can't be so, or name or subject are taken.
        """
        check_name(name)
        person = Person(
            name=name,
            role=role,
            password_hash=None,
            subject=subject,
            active=True,
            created_at=self._clock(),
        )
        try:
            with self._sessions.write.begin() as session:
                people.add(session, city=self._city, person=person)
                payload = {"role": role.value, "subject": subject}
                self.record(session, Kind.PERSON_ADDED, name, actor, **payload)
        except IntegrityError as error:
            raise InvalidPersonError(
                "this name or subject is taken", field="name", code="name_taken"
            ) from error
        return person

    def change_role(self, name: str, role: Role, *, actor: str) -> None:
        """Give a person another role; it holds from the next request on.

        Raises
        ------
        PersonNotFoundError
        InvalidPersonError
            No admin would be left.
        """
        with self._sessions.write.begin() as session:
            cities.lock(session, city=self._city)
            before = self._get(session, name)
            if role is not before.role:
                people.change(session, city=self._city, name=name, role=role.value)
                self._check_admins(session, before)
                payload = {"before": before.role.value, "after": role.value}
                self.record(session, Kind.PERSON_ROLE_CHANGED, name, actor, **payload)

    def set_active(self, name: str, active: bool, *, actor: str) -> None:
        """Let a person sign in, or no more: then the person is signed out everywhere.

        Raises
        ------
        PersonNotFoundError
        InvalidPersonError
            No admin would be left.
        """
        kind = Kind.PERSON_ACTIVATED if active else Kind.PERSON_DEACTIVATED
        with self._sessions.write.begin() as session:
            cities.lock(session, city=self._city)
            before = self._get(session, name)
            if before.active is not active:
                people.change(session, city=self._city, name=name, active=active)
                self._check_admins(session, before)
                logins.remove_all(session, city=self._city, person=name)
                self.record(session, kind, name, actor)

    def set_password(
        self, name: str, password: str, *, actor: str, keep: str | None = None
    ) -> None:
        """Set a password; the person is signed out everywhere but under the token to keep.

        Raises
        ------
        PersonNotFoundError, InvalidPersonError
        """
        hashed = hash_password(password, name=name)
        with self._sessions.write.begin() as session:
            self._get(session, name)
            self.keep_password(session, name, hashed, actor=actor, keep=keep)

    def keep_password(
        self, session: Session, name: str, hashed: str, *, actor: str, keep: str | None = None
    ) -> None:
        """Store the hash of a password, as `set_password` does, in a transaction."""
        people.change(session, city=self._city, name=name, password_hash=hashed)
        kept = None if keep is None else token_hash(keep)
        logins.remove_all(session, city=self._city, person=name, but=kept)
        self.record(session, Kind.PASSWORD_SET, name, actor)

    def new_link(self, name: str, *, actor: str) -> str:
        """Return the token of a link that signs a person in once; earlier links end.

        Raises
        ------
        PersonNotFoundError
        InvalidPersonError
            The person may not sign in.
        """
        token, now = new_token(), self._clock()
        with self._sessions.write.begin() as session:
            if not self._get(session, name).active:
                raise InvalidPersonError(
                    f"{name} may not sign in", field="name", code="person_inactive"
                )
            logins.add_link(
                session,
                city=self._city,
                token_hash=token_hash(token),
                person=name,
                at=now,
                expires_at=now + LINK,
            )
            self.record(session, Kind.PERSON_LINK_MADE, name, actor)
        return token

    def record(
        self, session: Session, kind: Kind, name: str, actor: str, **payload: str | None
    ) -> None:
        """Append what was done about a person to the ledger."""
        audit.append(
            session,
            city=self._city,
            kind=kind,
            subject_id=name,
            actor=actor,
            payload=payload,
            at=self._clock(),
        )

    def _get(self, session: Session, name: str) -> Person:
        person = people.get(session, city=self._city, name=name)
        if person is None:
            raise PersonNotFoundError(f"nobody is called {name!r}")
        return person

    def _check_admins(self, session: Session, changed: Person) -> None:
        if changed.role is Role.ADMIN and not people.count_admins(session, city=self._city):
            raise InvalidPersonError(
                "the last admin must stay one", field="name", code="last_admin"
            )
