"""The command `triage-train benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.benchmark.bars import judge, read_bars
from training.benchmark.entries import Results
from training.benchmark.page import render
from training.benchmark.run import SUITES, run
from training.benchmark.workbench import Workbench, named_encoder
from training.encoders import NONE, STATIC
from training.errors import TrainingError
from training.vectors import CACHE, VectorCache
from triage.config import load_settings
from triage.console import told_errors
from triage.progress import on_terminal

SHARED = Path("../shared/data")
OUT, PAGE = Path("docs/results/benchmark.json"), Path("docs/benchmark.md")
PLOTS = "plots"

ENCODERS = f"{STATIC}, {NONE}, or a sentence-transformers folder or name; repeatable"


def benchmark(
    encoder: Annotated[list[str] | None, typer.Option(help=ENCODERS)] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(help=f"What to measure: {', '.join(SUITES)}; repeatable; all by default"),
    ] = None,
    shared: Annotated[
        Path, typer.Option(help="Folder of the data sets that are not shipped")
    ] = SHARED,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Rows of each file at most, for a trial run")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds, solvers and the rows of --limit")] = 0,
    out: Annotated[Path, typer.Option(help="Result file; what it holds of others stays")] = OUT,
    page: Annotated[Path, typer.Option(help="Page to write, with plots beside the results")] = PAGE,
) -> None:
    """Measure encoders and baselines on every suite, and write figures, plots and a page."""
    if limit and (out == OUT or page == PAGE):
        raise typer.BadParameter("give --out and --page: these are no figures to keep")
    unknown = [name for name in suite or () if name not in SUITES]
    if unknown:
        raise typer.BadParameter(f"no {unknown[0]!r}", param_hint="--suite")
    with told_errors(TrainingError, OSError), on_terminal() as progress:
        settings = load_settings()
        bench = Workbench(
            shared=shared, policy=settings.policy, limit=limit, seed=seed, progress=progress
        )
        encoders = [named_encoder(name) for name in dict.fromkeys(encoder or [STATIC])]
        suites = [SUITES[name] for name in dict.fromkeys(suite or SUITES)]
        with VectorCache(settings.home / CACHE) as cache:
            stored = [one.stored(cache) for one in encoders]
            for results in run(bench, suites, stored, Results.load(out), tell=_tell):
                results.save(out)
        write_page(out, page)
    _tell(f"figures in {out}, page in {page}")


def write_page(out: Path, page: Path) -> None:
    """Draw the plots and write the page of a result file."""
    from training.benchmark import plots  # matplotlib takes half a second to load

    results = Results.load(out)
    drawn = {
        name: plots.save(plots.draw(entries), out.parent / PLOTS)
        for name in SUITES
        if (entries := results.of(name))
    }
    page.parent.mkdir(parents=True, exist_ok=True)
    outcomes = judge(results, read_bars())
    text = render(results, SUITES.values(), outcomes, drawn, page=page, result_file=out)
    page.write_text(text, encoding="utf-8")


def _tell(message: str) -> None:
    typer.echo(message, err=True)
