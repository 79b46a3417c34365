from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from appeal_files import write_jsonl

from models.bundle import TriageModel
from training.data import Examples, read_examples
from training.evaluate import ALL, Result, evaluate, make_result, out_of_fold_figures
from training.fit import fit_model

TEXTS = {
    "water": "Нет холодной воды с утра, диспетчер трубку не берёт",
    "road": "На дороге огромная яма, машины без колёс остаются",
    "light": "Фонари во дворе не горят, темно и страшно ходить",
}
KAZAKH = {
    "water": "Таңертеңнен бері суық су жоқ",
    "road": "Жолда үлкен шұңқыр бар, көлік өте алмайды",
}


def examples_of(path: Path, rows: list[dict[str, Any]]) -> Examples:
    return read_examples([str(write_jsonl(path, rows))])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TriageModel:
    rows = [
        {"text": f"{text} {place}", "topic": topic, "enterprise": f"E-{topic}"}
        for texts in (TEXTS, KAZAKH)
        for topic, text in texts.items()
        for place in ("Есіл", "Алматы", "Нура", "Байқоңыр")
    ]
    examples = examples_of(tmp_path_factory.mktemp("data") / "train.jsonl", rows)
    return fit_model(examples, dense_encoder=None)


def test_evaluate_figures_agree_with_a_small_table_by_hand(
    model: TriageModel, tmp_path: Path
) -> None:
    rows = [
        {"text": TEXTS["water"], "topic": "water", "enterprise": "E-water"},
        {"text": TEXTS["road"], "topic": "light"},
        {"text": TEXTS["light"], "topic": "light"},
        {"text": KAZAKH["water"], "topic": "water"},
        {"text": KAZAKH["road"]},
    ]
    found = evaluate(model, examples_of(tmp_path / "a.jsonl", rows))
    assert found.keys() == {ALL, "ru", "kk"}
    assert (found[ALL]["topic"]["n"], found[ALL]["topic"]["accuracy"]) == (4, 3 / 4)
    assert (found["ru"]["topic"]["n"], found["ru"]["topic"]["accuracy"]) == (3, 2 / 3)
    assert (found["kk"]["topic"]["n"], found["kk"]["topic"]["accuracy"]) == (1, 1)
    assert (found[ALL]["enterprise"]["n"], found[ALL]["enterprise"]["accuracy"]) == (1, 1)
    assert "enterprise" not in found["kk"]
    assert "category" not in found[ALL]


def test_evaluate_labels_that_the_model_lacks_count_as_wrong(
    model: TriageModel, tmp_path: Path
) -> None:
    rows = [{"text": TEXTS["water"], "topic": "never seen"}]
    found = evaluate(model, examples_of(tmp_path / "a.jsonl", rows))
    assert found[ALL]["topic"]["accuracy"] == 0


def test_evaluate_missing_labels_are_not_measured(model: TriageModel, tmp_path: Path) -> None:
    # A category alone must not become a topic that the model is then blamed for.
    rows = [
        {"text": TEXTS["water"], "topic": "water", "category": "жкх"},
        {"text": TEXTS["road"], "category": "дороги"},
    ]
    found = evaluate(model, examples_of(tmp_path / "a.jsonl", rows))
    assert (found[ALL]["topic"]["n"], found[ALL]["topic"]["accuracy"]) == (1, 1)


def test_out_of_fold_figures_are_those_of_the_model(model: TriageModel) -> None:
    found = out_of_fold_figures(model)
    assert found.keys() == {ALL}
    assert found[ALL].keys() == {"topic", "enterprise"}
    assert found[ALL]["topic"]["top3_accuracy"] == model.info.metrics["cv_topic_top3_accuracy"]
    assert found[ALL]["topic"].keys() == {"n", "accuracy", "top3_accuracy", "macro_f1", "ece"}


def test_make_result_says_where_its_figures_come_from(model: TriageModel, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "яма", "topic": "road"}])
    metrics = {ALL: {"topic": {"accuracy": 2 / 3}}}
    result = make_result("test", "triage-train evaluate", [str(path), "-"], model, metrics)
    assert result.metrics == {ALL: {"topic": {"accuracy": 0.6667}}}
    assert result.data == {"a.jsonl": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert result.model["data_hash"] == model.info.data_hash
    assert result.date == datetime.now(UTC).date().isoformat()


def test_result_is_the_same_after_saving(model: TriageModel, tmp_path: Path) -> None:
    result = make_result("Курск", "fit --data 'қала'", [], model, {ALL: {}})
    path = tmp_path / "new" / "folder" / "result.json"
    result.save(path)
    assert Result.load(path) == result
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "Курск"
