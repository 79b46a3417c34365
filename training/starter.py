"""The starter model: fitted on the bundled corpora, so that there is something to serve."""

from __future__ import annotations

from pathlib import Path

from models import folder
from training.data import read_examples
from training.encoders import choose_encoder
from training.fit import fit_model
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.progress import Reporter
from triage.routing import Router
from triage.rulefile import load_city_rules

APPEALS = STARTER_DATA / "appeals.jsonl"
MORE_APPEALS = STARTER_DATA / "appeals_more.jsonl"
"""Written later and apart; `triage/data/README.md` tells how."""


def fit_starter(out: Path, *, encoder: str, progress: Reporter) -> None:
    """Fit a model on both corpora and save it."""
    city = load_city(STARTER_DATA)
    files = [str(APPEALS), str(MORE_APPEALS)]
    examples = read_examples(files, taxonomy=city.taxonomy, enterprises=city.enterprises)
    model = fit_model(
        examples,
        dense_encoder=choose_encoder(encoder),
        router=Router.of(city, load_city_rules(STARTER_DATA, city)),
        taxonomy_version=city.taxonomy.version,
        parameters={"encoder": encoder, "data": f"{APPEALS.name} {MORE_APPEALS.name}"},
        progress=progress,
    )
    folder.save(model, out)
