"""Forms of signing in and of looking after people and keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Name
from triage.keys import PER_MINUTE
from triage.roles import Role

MAX_PER_MINUTE = 1_000_000


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SignInForm(_Form):
    """Name and password, and where to go from there."""

    name: Name
    password: Name
    next: str = ""


class PasswordForm(_Form):
    """A password that somebody sets, twice for they can't see it."""

    password: str = ""
    again: str = ""
    current: str = ""


class PersonForm(_Form):
    """A person to add, or another role for one."""

    name: Name
    role: Role
    subject: Name | None = None


class NameForm(_Form):
    """A person to do something about."""

    name: Name


class KeyForm(_Form):
    """A key to make."""

    name: Name
    role: Role
    per_minute: int = Field(PER_MINUTE, ge=1, le=MAX_PER_MINUTE)
