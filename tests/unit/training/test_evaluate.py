from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from appeal_files import corpus, write_jsonl

from models.bundle import TriageModel
from models.language import script
from training.buckets import ALL, language_parts
from training.data import Examples, read_examples
from training.evaluate import Result, evaluate, make_result, model_facts, out_of_fold_figures
from training.fit import fit_model


def examples_of(path: Path, rows: list[dict[str, Any]]) -> Examples:
    return read_examples([str(write_jsonl(path, rows))])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TriageModel:
    rows = [
        {"text": row["text"], "topic": row["topic"], "enterprise": row["enterprise_id"]}
        for row in corpus()[:300]
    ]
    examples = examples_of(tmp_path_factory.mktemp("data") / "train.jsonl", rows)
    return fit_model(examples, dense_encoder=None)


@pytest.fixture(scope="module")
def answered(model: TriageModel) -> list[dict[str, Any]]:
    """Two Russian and two Kazakh appeals, labelled as the model answers them."""
    texts = [
        next(row["text"] for row in corpus()[start:] if script(row["text"]) == wanted)
        for wanted, start in (("ru", 400), ("ru", 500), ("kk", 400), ("kk_plain", 500))
    ]
    return [
        {"text": text, "topic": topic.code, "enterprise": enterprise.code}
        for text, answer in zip(texts, model.predict(texts), strict=True)
        if (topic := answer.top("topic")) and (enterprise := answer.top("enterprise"))
    ]


def test_evaluate_figures_agree_with_a_small_table_by_hand(
    model: TriageModel, answered: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = [dict(row) for row in answered]
    rows[1]["topic"] = "never seen"
    for row in rows[1:]:
        del row["enterprise"]
    found = evaluate(model, examples_of(tmp_path / "a.jsonl", rows))
    assert found.keys() == {ALL, "ru", "kk", "kk_plain"}
    assert found[ALL].keys() == {"topic", "enterprise"}
    counted = {
        (part, level): (values["n"], values["accuracy"])
        for part, levels in found.items()
        for level, values in levels.items()
    }
    assert counted == {
        (ALL, "topic"): (4, 3 / 4),
        (ALL, "enterprise"): (1, 1),
        ("ru", "topic"): (2, 1 / 2),
        ("ru", "enterprise"): (1, 1),
        ("kk", "topic"): (2, 1),
        ("kk_plain", "topic"): (1, 1),
    }


def test_language_parts_take_the_language_that_the_data_names_and_tell_spelling(
    tmp_path: Path,
) -> None:
    texts = ("Ауладағы қар тазаланбады", "Auladagy kar tazalanbady", "На дороге яма", "12")
    rows = [{"text": text, "topic": "a"} for text in texts]
    table = examples_of(tmp_path / "a.jsonl", rows).table
    told = {name: rows.tolist() for name, rows in language_parts(table).items()}
    assert told == {
        ALL: [True] * 4,
        "kk": [True, True, False, False],
        "other": [False, False, False, True],
        "ru": [False, False, True, False],
        "kk_latin": [False, True, False, False],
    }
    languages = pd.Series(["kk", None, "mixed", "ru"], dtype=object)
    named = language_parts(table.assign(language=languages))
    assert named["mixed"].tolist() == [False, False, True, False]
    assert named["ru"].tolist() == [False, False, False, True]


def test_evaluate_missing_labels_are_not_measured(
    model: TriageModel, answered: list[dict[str, Any]], tmp_path: Path
) -> None:
    # A category alone must not become a topic that the model is then blamed for.
    rows = [
        answered[0] | {"category": "жкх"},
        {"text": answered[1]["text"], "category": "дороги"},
    ]
    found = evaluate(model, examples_of(tmp_path / "a.jsonl", rows))
    assert (found[ALL]["topic"]["n"], found[ALL]["topic"]["accuracy"]) == (1, 1)
    assert "category" not in found[ALL]


def test_out_of_fold_figures_are_those_of_the_model(model: TriageModel) -> None:
    found = out_of_fold_figures(model)
    assert found.keys() == {ALL}
    assert found[ALL].keys() == {"topic", "enterprise"}
    assert found[ALL]["topic"]["top3_accuracy"] == model.info.metrics["cv_topic_top3_accuracy"]
    assert found[ALL]["topic"].keys() == {"n", "accuracy", "top3_accuracy", "macro_f1", "ece"}


def test_make_result_says_where_its_figures_come_from(model: TriageModel, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "яма", "topic": "road"}])
    metrics = {ALL: {"topic": {"accuracy": 2 / 3}}}
    result = make_result(
        "test", "triage-train evaluate", [str(path), "-"], model_facts(model), metrics
    )
    assert result.metrics == {ALL: {"topic": {"accuracy": 0.6667}}}
    assert result.data == {"a.jsonl": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert result.model["data_hash"] == model.info.data_hash
    assert result.date == datetime.now(UTC).date().isoformat()


def test_result_is_the_same_after_saving(model: TriageModel, tmp_path: Path) -> None:
    result = make_result("Курск", "fit --data 'қала'", [], model_facts(model), {ALL: {}})
    path = tmp_path / "new" / "folder" / "result.json"
    result.save(path)
    assert Result.load(path) == result
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "Курск"
