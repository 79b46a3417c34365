"""API keys: given to machines, shown once, revoked when lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from uuid_utils import uuid7

from triage import audit
from triage.errors import InvalidKeyError, InvalidPersonError, KeyNotFoundError
from triage.names import check_name
from triage.passwords import new_token, token_hash
from triage.roles import Role
from triage.store import keys
from triage.store.keys import ApiKey
from triage.store.sessions import Sessions

SECRET_PREFIX = "triage_"  # noqa: S105  # tells people and scanners what a found secret is of
PER_MINUTE = 600
"""Requests a minute that a key may make, unless another number is given with it."""


class ApiKeys:
    """The keys of a city."""

    def __init__(
        self,
        sessions: Sessions,
        city_code: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city = city_code
        self._clock = clock

    def add(
        self, name: str, role: Role, *, actor: str, per_minute: int | None = PER_MINUTE
    ) -> tuple[ApiKey, str]:
        """Make a key, and return it with the secret, which is kept nowhere.

        Raises
        ------
        InvalidPersonError
            The name or the limit can't be so.
        """
        check_name(name)
        if per_minute is not None and per_minute < 1:
            raise InvalidPersonError("a limit is 1 or more", field="per_minute", code="per_minute")
        secret = SECRET_PREFIX + new_token()
        key = ApiKey(
            id=str(uuid7()),
            name=name,
            role=role,
            per_minute=per_minute,
            created_at=self._clock(),
            created_by=actor,
        )
        with self._sessions.write.begin() as session:
            keys.add(session, city=self._city, key=key, secret_hash=token_hash(secret))
            audit.append(
                session,
                city=self._city,
                kind=audit.Kind.KEY_ADDED,
                subject_id=key.id,
                actor=actor,
                payload={"name": name, "role": role.value, "per_minute": per_minute},
                at=key.created_at,
            )
        return key, secret

    def revoke(self, key_id: str, *, actor: str) -> None:
        """End a key at once.

        Raises
        ------
        KeyNotFoundError
            No key in force has this id.
        """
        now = self._clock()
        with self._sessions.write.begin() as session:
            name = keys.revoke(session, city=self._city, key_id=key_id, at=now)
            if name is None:
                raise KeyNotFoundError(f"no key in force has the id {key_id}")
            audit.append(
                session,
                city=self._city,
                kind=audit.Kind.KEY_REVOKED,
                subject_id=key_id,
                actor=actor,
                payload={"name": name},
                at=now,
            )

    def find(self, secret: str) -> ApiKey:
        """Return the key with this secret.

        Raises
        ------
        InvalidKeyError
            There is none, or it was revoked.
        """
        with self._sessions.read.begin() as session:
            key = keys.find(session, city=self._city, secret_hash=token_hash(secret))
        if key is None:
            raise InvalidKeyError("this API key is not valid: it was revoked or never given out")
        return key

    def everything(self) -> Sequence[ApiKey]:
        """Return all keys, newest first, revoked ones too."""
        with self._sessions.read.begin() as session:
            return keys.all_of(session, city=self._city)
