from __future__ import annotations

import hashlib

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from triage.errors import InvalidPersonError
from triage.passwords import (
    MAX_CHARS,
    MIN_CHARS,
    _stand_in,
    hash_password,
    new_token,
    token_hash,
    verify_password,
)

PASSWORD = "правильная лошадь 🐎"


def test_password_is_recognised_and_no_other_is() -> None:
    kept = hash_password(PASSWORD, name="aigerim")

    assert verify_password(kept, PASSWORD)
    assert not verify_password(kept, PASSWORD + " ")
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_password_is_salted() -> None:
    assert len({hash_password(PASSWORD, name="aigerim") for _ in range(2)}) == 2


@pytest.mark.parametrize("kept", [None, "", "not a hash"])
def test_password_of_nobody_is_never_right(kept: str | None) -> None:
    assert not verify_password(kept, "")
    assert not verify_password(kept, PASSWORD)


def test_password_of_nobody_takes_a_real_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Watched:
        def verify(self, kept: str, password: str) -> bool:
            seen.append(kept)
            return True

    monkeypatch.setattr("triage.passwords._hasher", Watched())

    assert not verify_password(None, PASSWORD)
    assert seen[0].startswith("$argon2id$")


def test_password_of_nobody_is_hashed_as_kept_ones_are() -> None:
    kept = hash_password(PASSWORD, name="aigerim")

    assert extract_parameters(_stand_in) == extract_parameters(kept)
    with pytest.raises(VerifyMismatchError):  # it is computed and compared, not refused as broken
        PasswordHasher().verify(_stand_in, PASSWORD)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("x" * (MIN_CHARS - 1), "password_length"),
        ("x" * (MAX_CHARS + 1), "password_length"),
        ("Aigerim Seitova", "password_is_name"),
    ],
)
def test_password_that_is_easily_guessed_is_refused(password: str, code: str) -> None:
    with pytest.raises(InvalidPersonError) as raised:
        hash_password(password, name="aigerim seitova")

    assert raised.value.code == code


def test_tokens_differ_and_are_kept_as_sha256() -> None:
    tokens = {new_token() for _ in range(20)}

    assert len(tokens) == 20
    assert all(len(token) >= 43 for token in tokens)
    assert token_hash("abc") == hashlib.sha256(b"abc").hexdigest()
