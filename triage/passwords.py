"""Passwords and tokens: how they are made, kept and compared."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from triage.errors import InvalidPersonError

MIN_CHARS, MAX_CHARS = 12, 200
TOKEN_BYTES = 32

_hasher = PasswordHasher()
"""Argon2id with the parameters that RFC 9106 has for machines with little memory."""

# Each hash takes 64 MiB for a moment: strangers could fill the memory by signing in at once.
_hashing = BoundedSemaphore(4)


def hash_password(password: str, *, name: str) -> str:
    """Return what is kept of a password.

    Raises
    ------
    InvalidPersonError
        It is too short, too long, or the person's name.
    """
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise InvalidPersonError(
            f"a password has {MIN_CHARS} to {MAX_CHARS} characters",
            field="password",
            code="password_length",
        )
    if password.casefold() == name.casefold():
        raise InvalidPersonError(
            "a password is not the person's name", field="password", code="password_is_name"
        )
    return _hash(password)


def verify_password(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one that was hashed.

    Where nothing is kept, it takes as long as where something is: the time must not tell
    strangers which names exist.
    """
    reference = _stand_in if kept is None else kept
    try:
        with _hashing:
            _hasher.verify(reference, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def new_token() -> str:
    """Return a random token, fit for addresses and headers."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """Return what is kept of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


def _hash_of_nothing() -> str:
    """Return what looks like a kept password and is none: nothing is hashed, in no time."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (_hasher.salt_len, _hasher.hash_len)
    )
    memory, time, lanes = _hasher.memory_cost, _hasher.time_cost, _hasher.parallelism
    return f"$argon2id$v={ARGON2_VERSION}$m={memory},t={time},p={lanes}${salt}${digest}"


_stand_in = _hash_of_nothing()
