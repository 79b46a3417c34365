"""The commands that compare models and move them: compare, promote, rollback, challenger."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models.registry import SCHEME, LoadedModel, ModelRegistry
from training.compare import Comparison, compare
from training.comparison.answers import CityRules
from training.comparison.page import write_report
from training.data import COLUMNS, Examples, read_examples
from training.errors import TrainingError
from training.evaluate import command_line
from training.gatefile import Gates, load_gates
from training.gates import Trial, run_gates
from training.page import HTML, MARKDOWN
from triage.config import CHAMPION, MODEL_NAME, Settings, load_settings
from triage.console import told_errors
from triage.errors import IncompatibleModelError
from triage.policies import PolicyBook
from triage.policy import Policy
from triage.progress import Reporter, on_terminal
from triage.promotion import GateReport, Moved, Promotion, gate_tags
from triage.records import parse_mapping
from triage.store.sessions import Sessions, make_engine, make_sessions, prepare_store

EXPERIMENT = "appeal-triage-comparisons"
COMPARISON_RUN = "comparison.run"
"""Tag of a version: the run that compared it with the champion."""

_CHAMPION = f"{SCHEME}{MODEL_NAME}@{CHAMPION}"

Data = Annotated[
    list[str],
    typer.Option("--data", help="Labelled appeals that neither model was fitted on; repeatable"),
]
Model = Annotated[str, typer.Option("--model", help="models:/name/version or models:/name@alias")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the ledger")]
Map = Annotated[str | None, typer.Option("--map", help="Our columns in your file: text=COL,...")]


def compare_command(
    challenger: Annotated[str, typer.Option(help="Model folder, or as in MLflow")],
    data: Data,
    champion: Annotated[str, typer.Option(help="Model folder, or as in MLflow")] = _CHAMPION,
    city: Annotated[
        Path | None, typer.Option(help="A city's folder: compare decisions by its rules as well")
    ] = None,
    columns: Map = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap")] = 0,
) -> None:
    """Compare two models on the same appeals, and write a report."""
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        registry = _registry(settings)
        out = out or settings.home / "comparison"
        rules = CityRules.load(city) if city else None
        examples = _read(data, columns, rules)
        loaded = registry.load(champion), registry.load(challenger)
        comparison = compare(
            *loaded,
            examples,
            policy=settings.policy,
            rules=rules,
            seed=seed,
            progress=progress,
        )
        write_report(comparison, out, facts=_facts(data, examples, settings.policy))
        run = _log(registry, comparison, loaded, examples, out)
    for level in comparison.levels:
        found = comparison.whole(level).differences["accuracy"]
        typer.echo(f"{level:12}accuracy {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})")
    _tell(f"{len(comparison.changes)} answers change; {out / MARKDOWN}, {out / HTML}, run {run}")


def promote(
    model: Model,
    reason: Reason,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Run the gates on these appeals first; repeatable"),
    ] = None,
    columns: Map = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overrule gates that failed; recorded")
    ] = False,
    gates: Annotated[Path | None, typer.Option(help="By default training/gates.yaml")] = None,
) -> None:
    """Have a registered model serve, if it passes the gates against the one that serves."""
    with told_errors(TrainingError, OSError), on_terminal() as progress, _moving(model) as moving:
        held_to = load_gates(gates) if gates else load_gates()
        if data and moving.registry.has(moving.name, CHAMPION):
            rules = CityRules.load(moving.settings.data_dir)
            _try(moving, _read(data, columns, rules), data, rules, held_to, progress)
        moved = moving.promotion.promote(
            moving.version, actor=getpass.getuser(), reason=reason, force=force
        )
    _tell_moved(moving.name, moved)


def rollback(
    reason: Reason,
    name: Annotated[str, typer.Option(help="Of the registered model")] = MODEL_NAME,
) -> None:
    """Have the model serve again that served before."""
    with told_errors(TrainingError, OSError):
        settings = load_settings()
        with _store(settings) as sessions:
            promotion = Promotion(_registry(settings), sessions, settings.city, name=name)
            moved = promotion.rollback(actor=getpass.getuser(), reason=reason)
    _tell_moved(name, moved)


def challenger(
    model: Model,
    remove: Annotated[bool, typer.Option("--remove", help="Stop shadowing it")] = False,
) -> None:
    """Have a registered model decide in the shadow; TRIAGE_SHADOW_SHARE says how often."""
    with told_errors(TrainingError, OSError), _moving(model) as moving:
        version = None if remove else moving.version
        moving.promotion.set_challenger(version, actor=getpass.getuser())
    _tell(f"{moving.name}: {f'version {version} is' if version else 'no'} challenger")


class _Moving:
    """A version that is to be moved, and all that it takes."""

    def __init__(self, reference: str, settings: Settings, sessions: Sessions) -> None:
        self.settings = settings
        self.sessions = sessions
        self.registry = _registry(settings)
        self.name, self.version = self.registry.resolve(reference)
        self.promotion = Promotion(self.registry, sessions, settings.city, name=self.name)


@contextmanager
def _moving(reference: str) -> Iterator[_Moving]:
    if not reference.startswith(SCHEME):
        raise typer.BadParameter("name a registered model: models:/name/version")
    settings = load_settings()
    with _store(settings) as sessions:
        yield _Moving(reference, settings, sessions)


@contextmanager
def _store(settings: Settings) -> Iterator[Sessions]:
    engine = make_engine(settings.store_url)
    try:
        prepare_store(engine)
        yield make_sessions(engine)
    finally:
        engine.dispose()


def _try(
    moving: _Moving,
    examples: Examples,
    data: Sequence[str],
    rules: CityRules,
    gates: Gates,
    progress: Reporter,
) -> None:
    """Compare with the champion, run the gates, and keep what they found with the version."""
    settings, registry = moving.settings, moving.registry
    policy = PolicyBook(moving.sessions, settings.city, settings.policy).current().policy
    champion = registry.load(f"{SCHEME}{moving.name}@{CHAMPION}")
    loaded = champion, registry.load(f"{SCHEME}{moving.name}/{moving.version}")
    comparison, obstacle = None, ""
    try:
        comparison = compare(*loaded, examples, policy=policy, rules=rules, progress=progress)
    except (IncompatibleModelError, TrainingError) as error:
        obstacle = str(error)
    trial = Trial(*loaded, examples, rules.city.taxonomy, policy, comparison, obstacle)
    reports = run_gates(trial, gates)
    for one in reports:
        _tell(f"{'passed' if one.passed else 'FAILED'}  {one.name}: {one.reason}")
    tags = gate_tags(reports, champion.version)
    if comparison is not None:
        with tempfile.TemporaryDirectory() as scratch:
            facts = _facts(data, examples, policy)
            write_report(comparison, Path(scratch), facts=facts, gates=reports)
            run = _log(registry, comparison, loaded, examples, Path(scratch), reports)
        tags[COMPARISON_RUN] = run
    registry.set_tags(moving.name, moving.version, tags)


def _log(
    registry: ModelRegistry,
    comparison: Comparison,
    loaded: tuple[LoadedModel, LoadedModel],
    examples: Examples,
    folder: Path,
    gates: Sequence[GateReport] = (),
) -> str:
    """Log a comparison as a run that names both versions; return its id."""
    passed = {f"gate_{one.name}": float(one.passed) for one in gates}
    return registry.log_run(
        experiment=EXPERIMENT,
        name=f"{comparison.challenger} against {comparison.champion}",
        parameters={"n": len(examples), "data_hash": examples.data_hash},
        metrics=comparison.metrics | passed,
        tags={
            "champion": comparison.champion,
            "champion_fingerprint": loaded[0].model.fingerprint,
            "challenger": comparison.challenger,
            "challenger_fingerprint": loaded[1].model.fingerprint,
            "command": command_line(),
        },
        artifacts=folder,
    )


def _facts(data: Sequence[str], examples: Examples, policy: Policy) -> list[str]:
    names = ", ".join(Path(name).name for name in data)
    return [
        f"{len(examples)} appeals from {names} (hash {examples.data_hash[:12]}); the contract asks"
        f" for a precision of {policy.target_precision:g} with a confidence of"
        f" {policy.confidence:g}.",
        f"By `{command_line()}`.",
    ]


def _read(data: Sequence[str], columns: str | None, rules: CityRules | None) -> Examples:
    """Read appeals; those of a city have the categories of its taxonomy."""
    examples = read_examples(
        list(data),
        mapping=parse_mapping(columns, COLUMNS),
        taxonomy=rules.city.taxonomy if rules else None,
    )
    for warning in examples.warnings:
        _tell(f"warning: {warning}")
    return examples


def _registry(settings: Settings) -> ModelRegistry:
    return ModelRegistry(settings.tracking_uri, settings.artifact_folder)


def _tell_moved(name: str, moved: Moved) -> None:
    forced = ", gates overruled" if moved.forced else ""
    _tell(f"{name} version {moved.after} serves now, {moved.before or 'none'} before{forced}")


def _tell(message: str) -> None:
    typer.echo(message, err=True)
