from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import folder
from models.bundle import TriageModel
from training.coldstart import LIKENESS, ColdStart
from training.data import Examples, read_examples
from training.encoders import STATIC, choose_encoder
from training.fit import fit_model
from training.heads import ABSENT_MARGIN
from triage.citydata import load_city
from triage.config import STARTER_DATA
from triage.taxonomy import Taxonomy

COLD = ("animals.stray", "animals.dead", "animals.pets", "snow.roads")
"""A whole category, and one topic of another."""

LEVELS = ("category", "topic")


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    whole = load_city(STARTER_DATA).taxonomy
    wanted = {"animals", "snow", "housing"}
    return Taxonomy.of(
        (one for one in whole.categories.values() if one.code in wanted),
        (one for one in whole.topics.values() if one.category in wanted),
    )


@pytest.fixture(scope="module")
def examples(taxonomy: Taxonomy) -> Examples:
    path = STARTER_DATA / "appeals.jsonl"
    found = read_examples([str(path)], taxonomy=load_city(STARTER_DATA).taxonomy)
    table = found.table[found.table["topic"].isin(taxonomy.topics)]
    table = table.assign(enterprise=None, urgent=None).iloc[:500]
    return replace(found, table=table.reset_index(drop=True))


@pytest.fixture(scope="module")
def some(examples: Examples) -> Examples:
    """Examples without those of the cold topics."""
    rest = examples.table[~examples.table["topic"].isin(COLD)]
    return replace(examples, table=rest.reset_index(drop=True))


@pytest.fixture(scope="module")
def cold(some: Examples, taxonomy: Taxonomy) -> TriageModel:
    return fit_model(some, dense_encoder=choose_encoder(STATIC), taxonomy=taxonomy)


@pytest.fixture(scope="module")
def plain(some: Examples) -> TriageModel:
    return fit_model(some, dense_encoder=choose_encoder(STATIC))


def test_fit_model_topics_without_examples_have_columns_in_their_category(cold, plain, taxonomy):
    missing = set(taxonomy.topics) - set(plain.heads["topic"].classes)
    assert missing >= set(COLD)
    topics, categories = (cold.heads[level].classes for level in ("topic", "category"))
    assert set(topics) == set(plain.heads["topic"].classes) | missing
    assert list(topics) == sorted(topics)
    assert "animals" in set(categories) - set(plain.heads["category"].classes)
    parents = [categories[place] for place in cold.hierarchy.chain.parents]
    assert parents == [taxonomy.parent(topic) for topic in topics]
    assert cold.info.parameters["n_cold_topics"] == len(missing)


def test_fit_model_columns_of_the_others_are_as_without(cold, plain) -> None:
    for level in LEVELS:
        wide, narrow = cold.heads[level], plain.heads[level]
        kept = [wide.classes.index(label) for label in narrow.classes]
        assert (wide.coef[:, kept] == narrow.coef).all()
        assert (wide.intercept[kept] == narrow.intercept).all()


def test_fit_model_name_of_a_cold_topic_is_taken_for_it(cold, taxonomy) -> None:
    for code in COLD:
        name = taxonomy.topics[code].name
        for prediction in cold.predict([name.ru, name.kk]):
            assert code in {candidate.code for candidate in prediction.levels["topic"][:3]}


def test_fit_model_cold_topics_are_counted_in_no_figure(cold, plain, some) -> None:
    for level in LEVELS:
        assert cold.info.metrics[f"cv_{level}_n"] == len(some)
        sample = cold.contract_samples[level]
        assert len(sample.probability) == len(plain.contract_samples[level].probability)
        assert not set(sample.label.tolist()) & {*COLD, "animals"}
    assert cold.info.counts == plain.info.counts


def test_fit_model_contract_sees_what_cold_topics_take(cold, plain) -> None:
    samples = [model.contract_samples["topic"] for model in (cold, plain)]
    assert not np.array_equal(samples[0].probability, samples[1].probability)


def test_fit_model_cold_topics_survive_the_disk(cold, tmp_path: Path) -> None:
    folder.save(cold, tmp_path / "model")
    texts = ["Бродячие собаки во дворе", "Көшеде ит көп"]
    assert folder.load(tmp_path / "model").predict(texts) == cold.predict(texts)


def test_fit_model_all_topics_seen_or_no_encoder_start_none(some, plain, taxonomy) -> None:
    known = set(plain.heads["topic"].classes)
    seen = Taxonomy.of(
        taxonomy.categories.values(), (one for one in taxonomy.topics.values() if one.code in known)
    )
    assert ColdStart.of(seen, some.table, choose_encoder(STATIC)) is None
    without = fit_model(some, dense_encoder=None, taxonomy=taxonomy)
    assert set(without.heads["topic"].classes) == known


def test_cold_start_of_deprecated_topics_is_none(some, plain, taxonomy) -> None:
    known = set(plain.heads["topic"].classes)
    old = Taxonomy.of(
        taxonomy.categories.values(),
        (replace(one, deprecated=one.code not in known) for one in taxonomy.topics.values()),
    )
    assert ColdStart.of(old, some.table, choose_encoder(STATIC)) is None


def test_widen_margins_are_a_likeness_in_standard_deviations(cold, some) -> None:
    matrix, _ = cold.encode(list(some.table["text"]))
    head = cold.heads["topic"]
    margins = head.margins(matrix)[:, [head.classes.index(code) for code in COLD]]
    assert margins.mean(axis=0) == pytest.approx(ABSENT_MARGIN, abs=1e-4)
    assert margins.std(axis=0) == pytest.approx(LIKENESS, abs=1e-4)
