"""`triage-train`: fits, evaluates and registers models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models import folder
from models.bundle import TriageModel
from models.prediction import LEVELS
from models.registry import ModelRegistry
from models.selective import conclude
from training import report as reports
from training.benchmark.command import OUT as BENCHMARK
from training.benchmark.command import benchmark
from training.buckets import ALL
from training.cli_data import check, snapshot
from training.cli_labels import curve, suggest_labels
from training.cli_monitor import monitor
from training.cli_tune import tune
from training.comparison.command import challenger, compare_command, promote, rollback
from training.data import COLUMNS, Examples, read_examples
from training.distil.distil import distil as distil_encoder
from training.distil.teacher import load_teacher
from training.distil.texts import read_corpus
from training.encoders import NONE, STATIC, Backend, choose_encoder, on_backend
from training.errors import TrainingError
from training.evaluate import command_line, evaluate, make_result, model_facts, out_of_fold_figures
from training.finetune.folds import N_TUNED_FOLDS, FineTuning
from training.fit import fit_model
from training.leaveout import leave_out as measure_left_out
from training.settings import DEFAULTS, read_settings
from training.starter import fit_starter
from training.vectors import CACHE, VectorCache, stored
from triage.citydata import ENTERPRISES, TAXONOMY, load_city, load_enterprises, load_taxonomy
from triage.config import CHAMPION, MODEL_NAME, Settings, load_settings
from triage.console import told_errors
from triage.policy import Policy
from triage.progress import on_terminal
from triage.records import parse_mapping
from triage.routing import Router
from triage.rulefile import load_city_rules

EXPERIMENT = "appeal-triage"

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None)

Data = Annotated[
    list[str],
    typer.Option("--data", help="CSV, JSONL, Parquet or XLSX; - is standard input; repeatable"),
]
Map = Annotated[
    str | None,
    typer.Option("--map", help="Our columns in your file: text=COL,topic=COL,enterprise=COL,..."),
]
Delimiter = Annotated[
    str | None, typer.Option(help="Of CSV files; told from the header where not given")
]
TaxonomyFile = Annotated[
    Path | None, typer.Option("--taxonomy", help="Check topics against it, take categories from it")
]
EnterprisesFile = Annotated[
    Path | None, typer.Option("--enterprises", help="Check enterprises against it")
]
CityFolder = Annotated[
    Path | None,
    typer.Option("--city", help="A city's folder: check against it, join history with its rules"),
]

TRAININGS = f"{N_TUNED_FOLDS + 1} times over: on all appeals, and without each of the folds"


@app.command()
def fit(
    data: Data,
    columns: Map = None,
    delimiter: Delimiter = None,
    taxonomy: TaxonomyFile = None,
    enterprises: EnterprisesFile = None,
    city: CityFolder = None,
    encoder: Annotated[
        str, typer.Option(help=f"{STATIC}, {NONE}, or a sentence-transformers folder or name")
    ] = STATIC,
    fine_tune: Annotated[
        int, typer.Option(min=0, metavar="EPOCHS", help=f"Train the encoder too, {TRAININGS}")
    ] = 0,
    backend: Annotated[
        Backend, typer.Option(help="To serve such a model on; onnx-int8 needs no torch")
    ] = Backend.TORCH,
    out: Annotated[Path | None, typer.Option(help="Model folder to write")] = None,
    register: Annotated[str | None, typer.Option(help="Register in MLflow as")] = None,
    alias: Annotated[str | None, typer.Option(help="Point this alias at it")] = None,
    seed: Annotated[int, typer.Option(help="Of folds and solvers")] = 0,
    tuned: Annotated[
        Path | None, typer.Option("--settings", help="File that tune wrote, JSON")
    ] = None,
    result: Annotated[
        Path | None, typer.Option(help="File to write the out-of-fold figures to, JSON")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the data, for the report")] = None,
) -> None:
    """Fit a model on historical appeals with any of category, topic, enterprise."""
    if alias and not register:
        raise typer.BadParameter("needs --register", param_hint="--alias")
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        out = out or settings.home / "model"
        folder.check_target(out)
        fit_settings = read_settings(tuned) if tuned else DEFAULTS
        chosen = choose_encoder(encoder)
        quantised = backend is Backend.ONNX_INT8
        tuning = FineTuning.of(chosen, fine_tune, quantised=quantised) if fine_tune else None
        if city:
            taxonomy, enterprises = city / TAXONOMY, city / ENTERPRISES
        known_topics = load_taxonomy(taxonomy) if taxonomy else None
        examples = _read(data, columns, delimiter, taxonomy, enterprises)
        asked = {"encoder": encoder, "fine_tune": fine_tune, "backend": backend.value}
        with VectorCache(settings.home / CACHE) as cache:
            model = fit_model(
                examples,
                dense_encoder=None if tuning else stored(on_backend(chosen, backend), cache),
                tuning=tuning,
                router=_router(city) if city else None,
                names=load_enterprises(enterprises).names if enterprises else None,
                taxonomy=known_topics,
                taxonomy_version=known_topics.version if known_topics else None,
                settings=fit_settings,
                seed=seed,
                parameters={**asked, "data": " ".join(Path(name).name for name in data)},
                progress=progress,
            )
            folder.save(model, out)  # its self-test asks the encoder once more
        _tell(f"fitted on {len(examples)} appeals, saved in {out}")
        if n_cold := model.info.parameters.get("n_cold_topics"):
            _tell(f"{n_cold} topics have no example and start from their names")
        _tell_metrics(model, settings.policy)
        if result:
            metrics = out_of_fold_figures(model)
            facts = model_facts(model)
            made = make_result(name or Path(data[0]).stem, command_line(), data, facts, metrics)
            made.save(result)
        if register:
            _register(_registry(settings), out, register, alias)


@app.command()
def starter(
    encoder: Annotated[str, typer.Option(help=f"{STATIC} or {NONE}")] = STATIC,
) -> None:
    """Fit and register a model on the bundled corpus, unless there is a champion already."""
    with told_errors(TrainingError, OSError):
        settings = load_settings()
        registry = _registry(settings)
        if registry.has(MODEL_NAME, CHAMPION):
            return
        out = settings.home / "starter"
        with on_terminal() as progress:
            fit_starter(out, encoder=encoder, progress=progress)
        _register(registry, out, MODEL_NAME, CHAMPION)


@app.command()
def distil(
    teacher: Annotated[str, typer.Option(help="A sentence-transformers model's folder or name")],
    text: Annotated[
        list[Path],
        typer.Option(help="A sentence a line (.txt), or appeals (column text); repeatable"),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write, table in int8")],
    pairs: Annotated[
        list[Path] | None, typer.Option(help="Sentences in two columns, kk and ru; repeatable")
    ] = None,
    dim: Annotated[int, typer.Option(min=1, help="Of the vectors")] = 256,
    epochs: Annotated[int, typer.Option(min=1, help="Times that each text is seen")] = 6,
    seed: Annotated[int, typer.Option(help="The first one")] = 0,
    soup: Annotated[int, typer.Option(min=1, help="Seeds whose tables are averaged")] = 3,
    float_out: Annotated[
        Path | None,
        typer.Option("--float", help="Folder to write for sentence-transformers, in float32"),
    ] = None,
) -> None:
    """Distil a static encoder for Russian and Kazakh from a larger model."""
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        cache = load_settings().home / CACHE
        corpus = read_corpus(text, pairs or [])
        _tell(f"{len(corpus)} texts, terms of the project included")
        with VectorCache(cache) as vectors:
            distilled = distil_encoder(
                corpus,
                load_teacher(teacher, vectors),
                dim=dim,
                epochs=epochs,
                seed=seed,
                soup=soup,
                progress=progress,
            )
        distilled.encoder.quantised().save(out)
        if float_out:
            distilled.encoder.save(float_out)
    _tell(f"saved in {out}; cosine to the teacher on held-out sentences, untrained and now:")
    for kind, cosine in distilled.trained.items():
        _tell(f"{kind:10}{distilled.untrained[kind]:6.3f}{cosine:7.3f}")


@app.command(name="evaluate")
def evaluate_command(
    data: Data,
    model: Annotated[
        str | None, typer.Option(help="Model folder or models:/name@alias, fitted on other data")
    ] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="Fit on all but each group of this column: voice, channel")
    ] = None,
    columns: Map = None,
    delimiter: Delimiter = None,
    taxonomy: TaxonomyFile = None,
    city: CityFolder = None,
    encoder: Annotated[str, typer.Option(help="For --leave-out, as for fit")] = STATIC,
    name: Annotated[str | None, typer.Option(help="Of the data, for the report")] = None,
    out: Annotated[Path | None, typer.Option(help="Result file to write, JSON")] = None,
) -> None:
    """Measure a model on labelled appeals that it has not seen, or leave out group by group."""
    if (model is None) == (leave_out is None):
        raise typer.BadParameter("give either --model or --leave-out")
    if leave_out and not city:
        raise typer.BadParameter("needs --city", param_hint="--leave-out")
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        examples = _read(data, columns, delimiter, city / TAXONOMY if city else taxonomy, None)
        if city and leave_out:
            facts = {"encoder": encoder}
            metrics = measure_left_out(
                examples,
                leave_out,
                dense_encoder=choose_encoder(encoder),
                router=_router(city),
                progress=progress,
            )
        else:
            loaded = _registry(settings).load(str(model)).model
            facts = model_facts(loaded)
            metrics = evaluate(loaded, examples, progress=progress)
        result = make_result(name or Path(data[0]).stem, command_line(), data, facts, metrics)
        if out:
            result.save(out)
    for part, levels in result.metrics.items():
        for level, values in levels.items():
            figures = "  ".join(f"{key} {value:g}" for key, value in values.items())
            typer.echo(f"{'' if part == ALL else part:30} {level:20}{figures}")


app.command()(benchmark)
app.command(name="compare")(compare_command)
for command in (promote, rollback, challenger):
    app.command()(command)
app.command()(curve)
app.command(name="suggest")(suggest_labels)
app.command()(tune)
app.command()(snapshot)
app.command()(check)
app.command()(monitor)


@app.command()
def report(
    results: Annotated[Path, typer.Option(help="Result file of the benchmark")] = BENCHMARK,
    page: Annotated[Path, typer.Option(help="Page with the marks")] = Path("README.md"),
) -> None:
    """Bring the figures of README up to date with the benchmark."""
    with told_errors(TrainingError, OSError):
        reports.update(page, results)


def _router(city: Path) -> Router:
    tables = load_city(city)
    return Router.of(tables, load_city_rules(city, tables))


def _registry(settings: Settings) -> ModelRegistry:
    return ModelRegistry(settings.tracking_uri, settings.artifact_folder)


def _register(registry: ModelRegistry, model: Path, name: str, alias: str | None) -> None:
    tags = {"command": command_line()}
    version = registry.log(model, experiment=EXPERIMENT, tags=tags, name=name)
    if alias:
        registry.set_alias(name, alias, version)
    _tell(f"registered as {name} version {version}" + (f" @{alias}" if alias else ""))


def _read(
    data: list[str],
    columns: str | None,
    delimiter: str | None,
    taxonomy: Path | None,
    enterprises: Path | None,
) -> Examples:
    examples = read_examples(
        data,
        mapping=parse_mapping(columns, COLUMNS),
        delimiter=delimiter,
        taxonomy=load_taxonomy(taxonomy) if taxonomy else None,
        enterprises=load_enterprises(enterprises) if enterprises else None,
    )
    for warning in examples.warnings:
        _tell(f"warning: {warning}")
    return examples


def _tell_metrics(model: TriageModel, policy: Policy) -> None:
    for level in LEVELS:
        accuracy = model.info.metrics.get(f"cv_{level}_accuracy")
        sample = model.contract_samples.get(level)
        if accuracy is None or sample is None:
            continue
        contract = conclude(sample, target=policy.target_precision, confidence=policy.confidence)
        parts = ", ".join(
            f"{part.language or 'others'} {part.group or ''}".rstrip() + f" {part.coverage:.0%}"
            for part in contract.parts
        )
        _tell(
            f"{level}: accuracy {accuracy:.3f} out of fold; {contract.coverage:.0%} of appeals"
            f" can be routed by it at a precision of {policy.target_precision:.0%} ({parts})"
        )


def _tell(message: str) -> None:
    typer.echo(message, err=True)
