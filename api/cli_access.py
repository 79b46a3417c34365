"""`triage people` and `triage keys`: who may come in; and what `triage serve` does about it."""

from __future__ import annotations

from getpass import getuser
from typing import Annotated

import typer

from api.security import is_loopback
from api.web.links import PAGES
from triage.access import Access
from triage.config import Settings, load_settings
from triage.console import told_errors
from triage.errors import InvalidPersonError, InvalidSettingsError
from triage.keys import PER_MINUTE, ApiKeys
from triage.roles import Role
from triage.store.sessions import Sessions, check_store, make_engine, make_sessions, prepare_store

LOCAL_ADMIN = "admin"
"""Made where there is nobody, so that a fresh service can be looked at at once."""

people = typer.Typer(no_args_is_help=True, help="People who may sign in.")
keys = typer.Typer(no_args_is_help=True, help="API keys of machines.")


@people.command(name="add")
def add_person(
    name: str,
    role: Annotated[Role, typer.Option(help="What the person may do")],
    subject: Annotated[
        str | None, typer.Option(help="The person's `sub` at the OpenID Connect provider")
    ] = None,
) -> None:
    """Add a person, and print the link that signs them in once."""
    with told_errors():
        settings = load_settings()
        access = _access(settings)
        access.add_person(name, role, actor=actor(), subject=subject)
        typer.echo(_link(settings, access, name))


@people.command(name="link")
def make_link(name: str) -> None:
    """Print a link that signs a person in once, within a day."""
    with told_errors():
        settings = load_settings()
        typer.echo(_link(settings, _access(settings), name))


@people.command(name="password")
def set_password(name: str) -> None:
    """Set a person's password; it is asked for, or read from standard input."""
    with told_errors():
        access = _access(load_settings())
        access.person(name)
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        access.set_password(name, password, actor=actor())
    typer.echo("the password is set", err=True)


@people.command(name="list")
def list_people() -> None:
    """List people with their roles."""
    with told_errors():
        found = _access(load_settings()).everybody()
    for person in found:
        way = "password" if person.password_hash else "oidc" if person.subject else "link"
        state = "active" if person.active else "inactive"
        typer.echo("\t".join((person.name, person.role, way, state)))


@keys.command(name="add")
def add_key(
    name: str,
    role: Annotated[Role, typer.Option(help="What the machine may do")],
    per_minute: Annotated[int, typer.Option(help="Requests a minute that are served")] = PER_MINUTE,
) -> None:
    """Make a key and print it; it is shown this once."""
    with told_errors():
        key, secret = _keys(load_settings()).add(name, role, actor=actor(), per_minute=per_minute)
    typer.echo(f"key {key.id}, shown this once:", err=True)
    typer.echo(secret)


@keys.command(name="list")
def list_keys() -> None:
    """List keys, newest first, without their secrets."""
    with told_errors():
        found = _keys(load_settings()).everything()
    for key in found:
        state = "revoked" if key.revoked_at else "in force"
        typer.echo("\t".join((key.id, key.name, key.role, str(key.per_minute or "-"), state)))


@keys.command()
def revoke(key_id: str) -> None:
    """End a key at once."""
    with told_errors():
        _keys(load_settings()).revoke(key_id, actor=actor())
    typer.echo("the key is revoked", err=True)


def check_guarded(settings: Settings, access: Access) -> None:
    """Refuse to let strangers near a service that nobody guards.

    Raises
    ------
    InvalidSettingsError
        It would listen beyond loopback, and no admin can sign in but by a link.
    """
    if is_loopback(settings.host) or settings.oidc_issuer or access.is_guarded():
        return
    raise InvalidSettingsError(
        f"{settings.host} is reached from other machines, and no admin has a password yet. Run"
        f" `triage people add NAME --role {Role.ADMIN}` and `triage people password NAME` first,"
        " or serve on 127.0.0.1"
    )


def prepare_access(settings: Settings) -> Access:
    """Bring the database to this version's tables, and tell who may come in.

    Raises
    ------
    StoreUnavailableError
    """
    prepare_store(make_engine(settings.store_url))
    return _access(settings)


def first_link(settings: Settings, access: Access) -> str | None:
    """Return a link for the local admin as long as that one has no password.

    Where there is nobody at all, the local admin is made first.
    """
    found = {person.name: person for person in access.everybody()}
    if not found:
        try:
            found[LOCAL_ADMIN] = access.add_person(LOCAL_ADMIN, Role.ADMIN, actor=actor())
        except InvalidPersonError:
            return None  # another service that starts at this moment has made it, and tells
    admin = found.get(LOCAL_ADMIN)
    if admin is None or not admin.active or admin.password_hash or admin.subject:
        return None
    return _link(settings, access, LOCAL_ADMIN)


def _link(settings: Settings, access: Access, name: str) -> str:
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f"{address}{PAGES}link/{access.new_link(name, actor=actor())}"


def _access(settings: Settings) -> Access:
    return Access(_sessions(settings), settings.city)


def _keys(settings: Settings) -> ApiKeys:
    return ApiKeys(_sessions(settings), settings.city)


def _sessions(settings: Settings) -> Sessions:
    engine = make_engine(settings.store_url)
    check_store(engine)
    return make_sessions(engine)


def actor() -> str:
    """Return who runs this command, as the ledger will call them."""
    try:
        return f"cli:{getuser()}"
    except (KeyError, OSError):  # a container may run as a user without a name
        return "cli"
