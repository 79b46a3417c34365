"""A small real model for tests, fitted on a part of the starter corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from models import folder
from models.bundle import TriageModel
from models.selective import ContractSample
from training.data import read_examples
from training.fit import fit_model
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.routing import Router
from triage.rulefile import load_city_rules

N_EXAMPLES = 600


def save_small_model(path: Path) -> Path:
    """Fit and save the model, with a contract that it keeps from half its probabilities on."""
    model = fit_corpus(_head_of_corpus(path.with_suffix(".jsonl")))
    probability = np.linspace(0, 1, 999)
    alike = np.full(len(probability), "alike")
    sure = ContractSample(
        probability=probability,
        correct=probability >= 0.5,
        language=np.resize(["ru", "kk", "mixed"], len(probability)),
        group=alike,
        label=alike,
        label_probability=probability,
    )
    samples = model.contract_samples | {"enterprise": sure}
    folder.save(replace(model, contract_samples=samples), path)
    return path


def fit_corpus(corpus: Path) -> TriageModel:
    """Fit a model on a corpus of the starter data, without an encoder."""
    city = load_city(STARTER_DATA)
    examples = read_examples([str(corpus)], taxonomy=city.taxonomy, enterprises=city.enterprises)
    return fit_model(
        examples,
        dense_encoder=None,
        router=Router.of(city, load_city_rules(STARTER_DATA, city)),
        taxonomy_version=city.taxonomy.version,
    )


def _head_of_corpus(path: Path) -> Path:
    with (STARTER_DATA / "appeals.jsonl").open(encoding="utf-8") as lines:
        path.write_text("".join(next(lines) for _ in range(N_EXAMPLES)), encoding="utf-8")
    return path
