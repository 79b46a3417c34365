"""The installation's secret, which keys what only this installation may make or recognise."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile

from triage.config import Settings
from triage.errors import InvalidSettingsError

FILE_NAME = "secret"
"""Under home, readable by its owner alone; made where no secret is configured."""

MIN_CHARS = 32


def load_secret(settings: Settings) -> bytes:
    """Return the secret: `TRIAGE_SECRET`, else a random one kept under home.

    Lose it, and senders of before are not recognised any more, and people sign in anew.

    Raises
    ------
    InvalidSettingsError
        It is too short to keep anything secret, or can't be kept under home.
    """
    configured = settings.secret.get_secret_value()
    if configured:
        return _checked(configured, "TRIAGE_SECRET")
    path = settings.home / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        return _checked(path.read_text(encoding="ascii").strip(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettingsError(f"{path}: no secret can be kept here: {error}") from error


def _checked(secret: str, source: str) -> bytes:
    if len(secret) < MIN_CHARS:
        raise InvalidSettingsError(f"{source}: at least {MIN_CHARS} characters are expected")
    return secret.encode()


def _make(path: Path) -> None:
    """Write a random secret in one step: of several processes that try, the first one's holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Temporary files are made for their owner alone.
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-") as scratch:
        scratch.write(secrets.token_hex(MIN_CHARS))
        scratch.flush()
        os.fsync(scratch.fileno())
        try:
            os.link(scratch.name, path)
        except FileExistsError:
            return
