"""What names alone do for topics that have no example, and what they take from the others.

Ten topics are taken out of the starter corpus; its second part, written apart, is what is judged.
`pytest -s` prints the figures of `docs/training.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from models.bundle import TriageModel
from training.data import Examples, read_examples
from training.encoders import STATIC, choose_encoder
from training.fit import fit_model
from training.starter import APPEALS, MORE_APPEALS
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.taxonomy import Taxonomy

pytestmark = pytest.mark.statistical

N_COLD, SEED = 10, 0


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_city(STARTER_DATA).taxonomy


@pytest.fixture(scope="module")
def cold(taxonomy: Taxonomy) -> list[str]:
    return list(np.random.default_rng(SEED).choice(sorted(taxonomy.topics), N_COLD, replace=False))


@pytest.fixture(scope="module")
def some(taxonomy: Taxonomy, cold: list[str]) -> Examples:
    found = read_examples([str(APPEALS)], taxonomy=taxonomy)
    rest = found.table[~found.table["topic"].isin(cold)].assign(enterprise=None, urgent=None)
    return replace(found, table=rest.reset_index(drop=True))


def chosen(model: TriageModel, texts: list[str]) -> Iterator[list[str]]:
    for prediction in model.predict(texts):
        yield [candidate.code for candidate in prediction.levels["topic"][:3]]


def recalls(model: TriageModel, judged: Examples) -> tuple[float, float]:
    """Return how often the topic is the first choice, and one of three."""
    pairs = list(zip(judged.table["topic"], chosen(model, list(judged.table["text"])), strict=True))
    first = np.mean([topic == three[0] for topic, three in pairs])
    return float(first), float(np.mean([topic in three for topic, three in pairs]))


def test_cold_start_finds_new_topics_and_costs_the_others_little(
    some: Examples, cold: list[str], taxonomy: Taxonomy
) -> None:
    later = read_examples([str(MORE_APPEALS)], taxonomy=taxonomy)
    is_cold = later.table["topic"].isin(cold)
    new, others = (replace(later, table=later.table[rows]) for rows in (is_cold, ~is_cold))
    encoder = choose_encoder(STATIC)
    started = fit_model(some, dense_encoder=encoder, taxonomy=taxonomy)
    plain = fit_model(some, dense_encoder=encoder)
    found = recalls(started, new)
    with_names, without = recalls(started, others), recalls(plain, others)
    print(f"\n{N_COLD} new topics, {len(new)} texts: first {found[0]:.3f}, of three {found[1]:.3f}")  # noqa: T201  # the figures
    print(f"others, {len(others)} texts: {with_names} with them, {without} without")  # noqa: T201
    assert found[0] > 0.1
    assert found[1] > 0.35
    assert with_names[0] > without[0] - 0.01
    assert with_names[1] > without[1] - 0.01
