"""The command that monitors what was decided: `triage-train monitor`."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from models.registry import LoadedModel, ModelRegistry
from models.selective import Contract, conclude
from training.errors import TrainingError
from training.evaluate import command_line
from training.monitor import (
    Monitored,
    figure_row,
    monitor_decisions,
    precision_row,
    precisions,
    write_monitored,
)
from training.page import HTML, MARKDOWN
from training.provenance import code_version
from triage.citydata import load_city
from triage.config import Settings, load_settings
from triage.console import told_errors
from triage.figures import Period
from triage.monitoring import REFERENCE, Monitor
from triage.policies import PolicyBook
from triage.policy import Policy
from triage.progress import on_terminal
from triage.routing import Router
from triage.rulefile import load_city_rules
from triage.serving import contract_sample
from triage.store.sessions import check_store, make_engine, make_sessions
from triage.timezone import KAZAKHSTAN

EXPERIMENT = "appeal-triage-monitoring"

BREACH = 3
"""Exit status where a figure is beyond its threshold; 1 is an error, 2 wrong usage."""


def monitor(
    since: Annotated[datetime, typer.Option(help="First day of the window", show_default="")],
    until: Annotated[
        datetime | None, typer.Option(help="Day before which it ends; now where not given")
    ] = None,
    reference_since: Annotated[
        datetime | None,
        typer.Option(
            help=f"Compare with what was from then until --since; else {REFERENCE.days} days"
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Encodes texts; the one that serves where not given")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page and the figures")] = None,
) -> None:
    """Tell drift of stored decisions and broken promises of precision; status 3 if any.

    Status 0: nothing is beyond its threshold, or there is too little to say.
    """
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
        out = out or settings.home / "monitor"
        start = _local(since)
        window = Period(start, _local(until) if until else datetime.now(KAZAKHSTAN))
        before = _local(reference_since) if reference_since else start - REFERENCE
        engine = make_engine(settings.store_url)
        check_store(engine)
        sessions = make_sessions(engine)
        policy = PolicyBook(sessions, settings.city, settings.policy).current().policy
        loaded = registry.load(model or settings.model)
        found = monitor_decisions(
            Monitor(sessions, settings.city),
            loaded,
            window,
            Period(before, start),
            contract=_contract(loaded, settings, policy),
            policy=policy,
            progress=progress,
        )
        engine.dispose()
        run = _write(found, registry, loaded, settings.city, out)
    _tell_figures(found)
    typer.echo(f"{out / MARKDOWN}, {out / HTML}, run {run}", err=True)
    if found.has_breaches:
        raise typer.Exit(BREACH)


def _contract(loaded: LoadedModel, settings: Settings, policy: Policy) -> Contract:
    city = load_city(settings.data_dir)
    router = Router.of(city, load_city_rules(settings.data_dir, city))
    return conclude(
        contract_sample(loaded.model, router),
        target=policy.target_precision,
        confidence=policy.confidence,
    )


def _write(
    found: Monitored, registry: ModelRegistry, loaded: LoadedModel, city: str, out: Path
) -> str:
    """Write the page into `out`, log it as a run, and return the run's id."""
    periods = {
        "city": city,
        "model": found.model,
        "since": found.drifts.window.since.isoformat(),
        "until": found.drifts.window.until.isoformat(),
        "reference_since": found.drifts.reference.since.isoformat(),
    }
    facts = (
        f"Decisions of {city} from {periods['since']} until {periods['until']}, against those"
        f" from {periods['reference_since']} on; model {found.model}.",
        f"Data {found.data_hash[:12]}; code {code_version()}; by `{command_line()}`.",
    )
    with tempfile.TemporaryDirectory() as scratch:  # other files of `out` are not the run's
        write_monitored(found, Path(scratch), facts=facts)
        run = registry.log_run(
            experiment=EXPERIMENT,
            name=f"{periods['since']:.10} to {periods['until']:.10}",
            parameters=periods,
            metrics=found.metrics,
            tags={
                "command": command_line(),
                "code_version": code_version(),
                "data_hash": found.data_hash,
                "model_fingerprint": loaded.model.fingerprint,
            },
            artifacts=Path(scratch),
        )
        shutil.copytree(scratch, out, dirs_exist_ok=True)
    return run


def _tell_figures(found: Monitored) -> None:
    for row in map(figure_row, found.figures):
        name, value, threshold, state, n, n_reference, _ = row
        typer.echo(f"{name:32}{value:>8}{threshold:>8}  {_plain(state):8} n {n}, {n_reference}")
    for row in map(precision_row, precisions(found.audited).items()):
        name, value, interval, promised, state, n, _ = row
        label = f"precision, {name}"
        typer.echo(f"{label:32}{value:>8}{promised:>8}  {_plain(state):8} n {n}, {interval}")


def _plain(state: str) -> str:
    return state.strip("*")


def _local(day: datetime) -> datetime:
    return day if day.tzinfo else day.replace(tzinfo=KAZAKHSTAN)
