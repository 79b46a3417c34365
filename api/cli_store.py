"""`triage purge`, and `triage audit`: what keeps the store lawful and shows it whole."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from api.bootstrap import build_policies, build_service
from api.cli_access import actor
from models.registry import ModelRegistry
from triage.config import Settings, load_settings
from triage.console import told_errors
from triage.ledger import Ledger, Outcome, Replayed
from triage.progress import on_terminal
from triage.purge import Purge
from triage.store.sessions import check_store, make_engine, make_sessions

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
    with told_errors(), on_terminal() as progress:
        settings = load_settings()
        engine = make_engine(settings.store_url)
        check_store(engine)
        count = build_service(settings, engine).verify_ledger(progress)
    typer.echo(f"the ledger is intact: {count} entries")


@audit.command()
def replay(decision_id: Annotated[str, typer.Argument(help="Of a stored decision")]) -> None:
    """Decide again on a stored appeal with today's model and rules; 1 where it comes out other."""
    with told_errors():
        settings = load_settings()
        engine = make_engine(settings.store_url)
        check_store(engine)
        service = build_service(settings, engine)
        build_policies(settings, engine, service)
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        serving = service.prepare(registry.load(settings.model))
        ledger = Ledger(make_sessions(engine), settings.city)
        replayed = ledger.replay(decision_id.lower(), serving)
    for line in _told(replayed):
        typer.echo(line)
    raise typer.Exit(0 if replayed.is_same else 1)


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
