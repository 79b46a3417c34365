"""`triage purge`, `backup`, `restore` and `audit`: what keeps the store lawful and whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from api.bootstrap import build_policies, build_service
from api.cli_access import actor
from models.registry import FOLDER, SCHEME, ModelRegistry
from triage.appeal import Versions
from triage.backup import back_up
from triage.backup import restore as restore_backup
from triage.config import Settings, load_settings
from triage.console import told_errors
from triage.ledger import Ledger, Outcome, Replayed
from triage.progress import on_terminal
from triage.purge import Purge
from triage.serving import Serving
from triage.store.sessions import check_store, make_engine, make_sessions, prepare_store
from triage.verification import verify as verify_ledger

_DAYS = re.compile(r"([1-9]\d{0,4})d")

audit = typer.Typer(no_args_is_help=True, help="The decision ledger.")


def _parse_days(text: str) -> timedelta:
    found = _DAYS.fullmatch(text)
    if found is None:
        raise typer.BadParameter("write a number of days, as in 365d")
    return timedelta(days=int(found[1]))


@audit.command()
def verify() -> None:
    """Check every entry of the ledger, and every row against the entry that recorded it."""
    with told_errors(), on_terminal() as progress, _store() as engine:
        check_store(engine)
        with make_sessions(engine).read.begin() as session:
            count = verify_ledger(session, city=load_settings().city, progress=progress)
    typer.echo(f"the ledger is intact: {count} entries")


@audit.command()
def replay(
    decision_id: Annotated[str, typer.Argument(help="Of a stored decision")],
    today: Annotated[
        bool, typer.Option("--today", help="By the model and policy of today")
    ] = False,
) -> None:
    """Decide again on a stored appeal, by the model and policy that decided then.

    Ends with 1 where it comes out other. The city's files and rules are today's: what of them has
    changed since is told.
    """
    with told_errors(), _store() as engine:
        settings = load_settings()
        check_store(engine)
        ledger = Ledger(make_sessions(engine), settings.city)
        then = ledger.decided(decision_id.lower()).versions
        serving = _prepare(settings, engine, None if today else then)
        replayed = ledger.replay(decision_id.lower(), serving)
    for line in _told(replayed):
        typer.echo(line)
    raise typer.Exit(0 if replayed.is_same else 1)


def _prepare(settings: Settings, engine: Engine, then: Versions | None) -> Serving:
    """Make ready what decides now, or what decided then as far as it is still to be had."""
    service = build_service(settings, engine)
    policies = build_policies(settings, engine, service)
    reference = settings.model
    if then is not None:
        service.set_policy(policies.find(then.policy.partition("-")[0]) or service.policy)
        if reference.startswith(SCHEME) and then.model_version != FOLDER:
            reference = f"{SCHEME}{then.model_name}/{then.model_version}"
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    return service.prepare(registry.load(reference))


def backup(file: Annotated[Path, typer.Argument(help="To write; must not be there yet")]) -> None:
    """Copy the whole database into one file, while others use it."""
    with told_errors(OSError), on_terminal() as progress, _store() as engine:
        check_store(engine)
        made = back_up(make_sessions(engine), file, progress=progress)
    typer.echo(f"backed up: {made.rows['decisions']} decisions")
    for city, head in made.heads.items():
        typer.echo(f"ledger of {city}: {head.sequence} entries, the last {head.hash}")


def restore(file: Annotated[Path, typer.Argument(help="Made by `triage backup`")]) -> None:
    """Fill an empty database from a backup, of either kind of database, and verify its ledgers."""
    with told_errors(OSError), on_terminal() as progress, _store() as engine:
        prepare_store(engine)
        sessions = make_sessions(engine)
        made = restore_backup(sessions, file, progress=progress)
        typer.echo(f"restored: {made.rows['decisions']} decisions of {made.created_at}")
        for city in made.heads:
            with sessions.read.begin() as session:
                count = verify_ledger(session, city=city, progress=progress)
            typer.echo(f"the ledger of {city} is intact: {count} entries")


def purge(
    older_than: Annotated[
        timedelta, typer.Option(parser=_parse_days, metavar="DAYSd", help="As in 365d")
    ],
    dry_run: Annotated[bool, typer.Option(help="Only count what would be purged")] = False,
) -> None:
    """Remove the texts, addresses and senders of appeals decided longer ago than that.

    What waits for a person is left. The decisions stay, and the ledger verifies as before.
    """
    with told_errors(), on_terminal() as progress:
        settings = load_settings()
        purge = _purge(settings)
        if dry_run:
            typer.echo(f"{purge.count(older_than)} appeals would be purged")
        else:
            count = purge.run(older_than, actor=actor(), progress=progress)
            typer.echo(f"{count} appeals purged")


@contextmanager
def _store() -> Iterator[Engine]:
    engine = make_engine(load_settings().store_url)
    try:
        yield engine
    finally:
        engine.dispose()


def _purge(settings: Settings) -> Purge:
    engine = make_engine(settings.store_url)
    check_store(engine)
    return Purge(make_sessions(engine), settings.city)


def _told(replayed: Replayed) -> list[str]:
    versions = [f"{one.name}: {one.then} then, {one.now} now" for one in replayed.other_versions]
    if replayed.is_same:
        return [f"the same: {_outcome(replayed.now)}", *versions]
    return [
        f"then: {_outcome(replayed.then)}",
        f"now:  {_outcome(replayed.now)}",
        f"differs in: {', '.join(replayed.differences)}",
        *versions,
    ]


def _outcome(outcome: Outcome) -> str:
    topic, enterprise = outcome.topic or "-", outcome.enterprise or "-"
    return f"{topic} -> {enterprise} ({outcome.probability:.4f}), {outcome.action}"
