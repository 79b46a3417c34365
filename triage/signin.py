"""Use cases of signing in: by password, by link or by OpenID Connect; failures slow down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil

import structlog

from triage.access import Access
from triage.errors import (
    IdentityRefusedError,
    InvalidLinkError,
    SignInFailedError,
    TooManyFailuresError,
)
from triage.passwords import hash_password, new_token, token_hash, verify_password
from triage.roles import Principal, Role
from triage.store import cities, logins, people
from triage.store.people import Person
from triage.store.sessions import Sessions

SESSION = timedelta(hours=12)
WINDOW = timedelta(minutes=15)
"""How long a failure counts."""

FAILURES_BY_NAME = 5
FAILURES_BY_ADDRESS = 20
OIDC = "oidc"
"""The actor of what the OpenID Connect provider's word brings about."""

log = structlog.get_logger(__name__)


class SignIn:
    """Who is signed in to a city.

    Parameters
    ----------
    session_time
        How long somebody stays signed in.
    """

    def __init__(
        self,
        sessions: Sessions,
        city_code: str,
        access: Access,
        *,
        session_time: timedelta = SESSION,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city = city_code
        self._access = access
        self._session_time = session_time
        self._clock = clock

    def by_password(self, name: str, password: str, *, address: str) -> str:
        """Sign a person in and return the session's token.

        Raises
        ------
        SignInFailedError
            No such name, another password, or a person who may not sign in.
        TooManyFailuresError
            Under this name, or from this address.
        """
        attempt = self._begin_attempt(name, address)
        with self._sessions.read.begin() as session:
            person = people.get(session, city=self._city, name=name)
        kept = person.password_hash if person is not None and person.active else None
        if not verify_password(kept, password) or person is None:
            log.warning("sign_in.failed", attempt=attempt, address=address)
            raise SignInFailedError("the name or the password is wrong")
        self._forgive(name, attempt)
        return self._begin_session(person, "password")

    def by_link(self, token: str, password: str | None = None) -> str:
        """Sign in the person whose link it is, setting a password where one is given.

        Raises
        ------
        InvalidLinkError
            It was used, ran out or was never made.
        InvalidPersonError
            The password can't be so; the link still holds.
        """
        name = self.whose_link(token)
        hashed = None if password is None else hash_password(password, name=name)
        with self._sessions.write.begin() as session:
            used = logins.use_link(
                session, city=self._city, token_hash=token_hash(token), at=self._clock()
            )
            if not used:
                raise InvalidLinkError("this link was used")
            if hashed is not None:
                self._access.keep_password(session, name, hashed, actor=name)
        return self._begin_session(self._access.person(name), "link")

    def by_subject(self, subject: str, *, name: str, role: Role | None) -> str:
        """Sign in whom the OpenID Connect provider vouches for.

        Parameters
        ----------
        name
            What to call a person who comes for the first time.
        role
            What the provider says; None where it says nothing or isn't asked.

        Raises
        ------
        IdentityRefusedError
            An unknown subject without a role, or a person who may not sign in.
        InvalidPersonError
            The name is taken.
        """
        with self._sessions.read.begin() as session:
            person = people.by_subject(session, city=self._city, subject=subject)
        if person is None and role is not None:
            person = self._access.add_person(name, role, actor=OIDC, subject=subject)
        if person is None or not person.active:
            raise IdentityRefusedError("this account has no access here: ask an admin for it")
        if role is not None:
            self._access.change_role(person.name, role, actor=OIDC)
        return self._begin_session(person, "oidc")

    def whose_link(self, token: str) -> str:
        """Return whose link it is, without using it.

        Raises
        ------
        InvalidLinkError
        """
        with self._sessions.read.begin() as session:
            name = logins.find_link(
                session, city=self._city, token_hash=token_hash(token), at=self._clock()
            )
        if name is None:
            raise InvalidLinkError("this link was used, ran out or was never made")
        return name

    def change_password(self, token: str, current: str, password: str) -> None:
        """Set the password of whoever is signed in, who must know the current one if any.

        Raises
        ------
        SignInFailedError
            The current one is another, or nobody is signed in under the token.
        InvalidPersonError, TooManyFailuresError
        """
        signed_in = self.principal(token)
        if signed_in is None:
            raise SignInFailedError("nobody is signed in")
        person = self._access.person(signed_in[0].name)
        if person.password_hash is not None:
            attempt = self._begin_attempt(person.name, address="")
            if not verify_password(person.password_hash, current):
                raise SignInFailedError("the current password is another one")
            self._forgive(person.name, attempt)
        self._access.set_password(person.name, password, actor=person.name, keep=token)

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._sessions.write.begin() as session:
            logins.remove(session, city=self._city, token_hash=token_hash(token))

    def principal(self, token: str) -> tuple[Principal, str] | None:
        """Return who is signed in under a token, and the token that their forms must carry."""
        with self._sessions.read.begin() as session:
            found = logins.find(
                session, city=self._city, token_hash=token_hash(token), at=self._clock()
            )
        if found is None:
            return None
        person, csrf_token = found
        return Principal(person.name, person.role, "person"), csrf_token

    def _begin_session(self, person: Person, way: str) -> str:
        token, now = new_token(), self._clock()
        with self._sessions.write.begin() as session:
            logins.add(
                session,
                city=self._city,
                token_hash=token_hash(token),
                person=person.name,
                csrf_token=new_token(),
                at=now,
                expires_at=now + self._session_time,
            )
        log.info("sign_in.done", person=person.name, way=way)
        return token

    def _begin_attempt(self, name: str, address: str) -> str:
        """Count an attempt as failed until it succeeds: many at once must not slip through."""
        now = self._clock()
        with self._sessions.write.begin() as session:
            cities.lock(session, city=self._city)
            logins.forget_failures(session, city=self._city, before=now - WINDOW)
            oldest = (
                logins.nth_last_failure(session, city=self._city, n=FAILURES_BY_NAME, name=name),
                logins.nth_last_failure(
                    session, city=self._city, n=FAILURES_BY_ADDRESS, address=address
                ),
            )
            full = [at for at in oldest if at is not None]
            if not full:
                return logins.add_failure(
                    session, city=self._city, name=name, address=address, at=now
                )
        wait = ceil((max(full) + WINDOW - now).total_seconds())
        log.warning("sign_in.throttled", address=address)
        raise TooManyFailuresError(
            f"too many sign-ins failed: try again in {wait} seconds", retry_after=wait
        )

    def _forgive(self, name: str, attempt: str) -> None:
        with self._sessions.write.begin() as session:
            logins.forgive(session, city=self._city, name=name, attempt=attempt)
