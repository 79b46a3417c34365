from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from appeal_files import corpus, write_jsonl

from models import folder
from models.bundle import TriageModel
from training import tasks
from training.data import COLUMNS, read_examples
from training.errors import InvalidTrainingDataError
from training.fit import fit_model
from training.settings import DEFAULTS, FitSettings
from training.splits import N_FOLDS
from training.tasks import label_tasks, n_held_apart

LEVELS = ("category", "topic", "enterprise")
WATER = "Нет холодной воды с утра, диспетчер трубку не берёт"
ROAD = "На дороге огромная яма, уже три машины без колёс остались"


@pytest.fixture
def fit(tmp_path: Path) -> Any:
    def fit(rows: list[dict[str, Any]], **options: Any) -> TriageModel:
        examples = read_examples([str(write_jsonl(tmp_path / "a.jsonl", rows))])
        return fit_model(examples, dense_encoder=None, **options)

    return fit


def rows_of(n_rows: int, *levels: str, start: int = 0) -> list[dict[str, Any]]:
    """Return appeals of the starter corpus with some of their labels."""
    found = []
    for row in corpus()[start : start + n_rows]:
        labels = {
            "category": row["topic"].split(".")[0],
            "topic": row["topic"],
            "enterprise": row["enterprise_id"],
        }
        found.append({"text": row["text"], **{level: labels[level] for level in levels}})
    return found


def dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Date rows in their order, some a day."""
    start = np.datetime64("2024-01-01")
    return [row | {"received_at": str(start + number // 4)} for number, row in enumerate(rows)]


def probabilities_agree(model: TriageModel, texts: list[str]) -> bool:
    """Tell whether each level's candidates are probabilities, best first."""
    for prediction in model.predict(texts):
        assert prediction.levels.keys() == model.heads.keys()
        for candidates in prediction.levels.values():
            shares = [candidate.probability for candidate in candidates]
            assert shares == sorted(shares, reverse=True)
            assert 0 < sum(shares) <= 1 + 1e-9
    return True


@pytest.mark.parametrize(
    "levels", [("enterprise",), ("category",), ("category", "enterprise"), ("topic", "enterprise")]
)
def test_fit_model_some_levels_are_fitted_and_no_others(fit: Any, levels: tuple[str, ...]) -> None:
    rows = rows_of(60, *levels)
    model = fit(rows)
    assert tuple(model.heads) == levels
    assert model.contract_samples.keys() == set(levels)
    assert {name for name in model.info.metrics if name.endswith("_accuracy")} == {
        f"cv_{level}_{kind}" for level in levels for kind in ("accuracy", "top3_accuracy")
    }
    assert model.urgency is None
    assert probabilities_agree(model, [rows[0]["text"], "", "english words only"])


def test_fit_model_same_seed_and_data_give_the_same_fingerprint(fit: Any, tmp_path: Path) -> None:
    rows = rows_of(80, *LEVELS)
    found = []
    for number, seed in enumerate((3, 3, 4)):
        path = tmp_path / f"model{number}"
        folder.save(fit(rows, seed=seed), path)
        found.append(folder.load(path).fingerprint)
    assert found[0] == found[1] != found[2]


def test_fit_model_topic_decides_category_in_every_answer(fit: Any) -> None:
    model = fit(rows_of(200, *LEVELS))
    for prediction in model.predict([row["text"] for row in rows_of(50, start=300)]):
        topic, category = prediction.top("topic"), prediction.top("category")
        assert topic is not None
        assert category is not None
        assert topic.code.split(".")[0] == category.code


def test_fit_model_info_says_where_it_comes_from(fit: Any) -> None:
    rows = rows_of(40, "topic")
    model = fit(rows, taxonomy_version="v1", seed=5, parameters={"encoder": "none"})
    info = model.info
    assert (info.n_examples, info.encoder, info.taxonomy_version) == (40, "none", "v1")
    assert info.parameters == {
        **{"seed": 5, "n_held_out": 0, "n_folds": 5, "encoder": "none"},
        **asdict(DEFAULTS),
    }
    assert info.metrics["cv_topic_n"] == 40
    assert len(info.data_hash) == 64


@pytest.mark.parametrize("change", [{"svm_c": 0.1}, {"max_features": 500}])
def test_fit_model_settings_change_the_heads_and_are_kept(
    fit: Any, change: dict[str, float]
) -> None:
    rows = rows_of(80, "category")
    plain, other = fit(rows), fit(rows, settings=replace(DEFAULTS, **change))
    assert other.info.parameters.items() >= change.items()
    assert other.heads["category"].coef.shape[0] == min(
        other.info.parameters["max_features"], plain.heads["category"].coef.shape[0]
    )
    assert not np.array_equal(plain.heads["category"].intercept, other.heads["category"].intercept)


def test_fit_model_default_settings_are_as_none_given(fit: Any, tmp_path: Path) -> None:
    rows = rows_of(60, "topic")
    found = []
    for number, options in enumerate(({}, {"settings": FitSettings()})):
        folder.save(fit(rows, **options), tmp_path / str(number))
        found.append(folder.load(tmp_path / str(number)).fingerprint)
    assert found[0] == found[1]


AWKWARD: dict[str, list[dict[str, Any]]] = {
    "two rows": [{"text": WATER, "topic": "water"}, {"text": ROAD, "topic": "road"}],
    "the same row twice": [{"text": WATER, "topic": "a", "category": "b", "enterprise": "c"}] * 2,
    "one row": [{"text": WATER, "topic": "a", "category": "b", "enterprise": "c"}],
    "one class": [row | {"topic": "t", "enterprise": "e"} for row in rows_of(20)],
    "each class once": [
        row | {level: f"{level}{number}" for level in LEVELS}
        for number, row in enumerate(rows_of(12))
    ],
    "one word a text": [
        {"text": word, "topic": word, "category": f"c{number % 2}"}
        for number, word in enumerate(
            ["лифт", "снег", "яма", "вода", "свет", "газ", "мусор", "двор"]
        )
    ],
    "20,000 characters": [
        {"text": (WATER + " ") * 390, "topic": "a"},
        {"text": ROAD, "topic": "b"},
    ],
    "HTML": [
        {"text": f"<div><p>{WATER}</p><br/>&laquo;{n}&raquo;</div>", "topic": f"t{n % 2}"}
        for n in range(6)
    ],
    "hardly a word": [
        {"text": "!!! 🥶", "topic": "a"},
        {"text": "...", "topic": "b"},
        {"text": "яма", "topic": "c"},
    ],
    "labels here and there": [
        {name: value for name, value in row.items() if name == "text" or name in kept}
        for row, kept in zip(
            rows_of(40, *LEVELS),
            [("topic",), ("category",), ("enterprise",), (), LEVELS] * 8,
            strict=True,
        )
    ],
    "topics without category beside categories without topics": [
        *({"text": row["text"], "topic": "lonely topic"} for row in rows_of(5)),
        *({"text": row["text"], "category": "lonely"} for row in rows_of(5, start=5)),
        *rows_of(20, "topic", "category", start=10),
    ],
    "category named as another one's topic": [
        *({"text": row["text"], "category": "вода"} for row in rows_of(10)),
        *({**row, "topic": "вода", "category": "жкх"} for row in rows_of(10, start=10)),
    ],
    "labels with awkward characters": [
        {"text": WATER, "topic": "a/b, «c» 🥶"},
        {"text": ROAD, "topic": 'd\n"e"\t\\'},
        {"text": ROAD + " срочно", "topic": "жқә ё"},
    ],
}


@pytest.mark.parametrize("rows", AWKWARD.values(), ids=AWKWARD)
def test_fit_model_awkward_data_gives_a_model_that_answers(
    fit: Any, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    model = fit(rows)
    assert probabilities_agree(model, [WATER, ROAD, "", "лифт", "x" * 20_000])
    folder.save(model, tmp_path / "model")
    loaded = folder.load(tmp_path / "model")
    assert loaded.predict([WATER]) == model.predict([WATER])
    wanted = {
        level: {row[level] for row in rows if level in row} - set(loaded.heads[level].classes)
        for level in loaded.heads
    }
    lost = {level: labels for level, labels in wanted.items() if labels}
    assert lost in ({}, {"category": {"вода"}})


def test_fit_model_without_a_word_is_an_error(fit: Any) -> None:
    with pytest.raises(InvalidTrainingDataError, match="no text has a single word"):
        fit([{"text": "!!! 🥶", "topic": "a"}, {"text": "...", "topic": "b"}])


@pytest.mark.parametrize("text", ["", "<br>"])
def test_fit_model_without_any_label_is_an_error(fit: Any, text: str) -> None:
    with pytest.raises(InvalidTrainingDataError, match="no labels: give at least one of category"):
        fit([{"text": WATER}, {"text": text, "topic": "a"}])


def test_fit_model_1200_classes_of_two_examples_is_done_in_a_minute_or_two(fit: Any) -> None:
    rows = [
        {
            "text": f"{' '.join(row['text'].split()[:5])} үй {number % 1200}",
            "enterprise": number % 1200,
        }
        for number, row in enumerate(rows_of(2_400))
    ]
    start = time.monotonic()
    model = fit(rows)
    assert time.monotonic() - start < 120
    assert len(model.heads["enterprise"].classes) == 1200
    assert len(model.contract_samples["enterprise"].correct) == 2_400


def test_fit_model_contract_sample_was_never_seen(fit: Any) -> None:
    # Each label is a coin: who is right more often than a coin has seen the answer.
    coins = np.random.default_rng(0).integers(0, 2, 300)
    rows = [row | {"topic": f"t{coin}"} for row, coin in zip(rows_of(300), coins, strict=True)]
    model = fit(rows)
    matrix, _ = model.sparse_encoder.encode([row["text"] for row in rows])
    by_memory = model.heads["topic"].margins(matrix).argmax(axis=1) == coins
    assert by_memory.mean() > 0.95
    assert model.contract_samples["topic"].correct.mean() < 0.6
    assert model.info.metrics["cv_topic_accuracy"] < 0.6


def test_fit_model_repeated_texts_do_not_reach_the_contract_by_memory(fit: Any) -> None:
    coins = np.random.default_rng(1).integers(0, 2, 150)
    once = [row | {"topic": f"t{coin}"} for row, coin in zip(rows_of(150), coins, strict=True)]
    again = [row | {"text": row["text"].upper() + " Спасибо"} for row in once]
    model = fit([*once, *again])
    assert model.contract_samples["topic"].correct.mean() < 0.65


def test_fit_model_dated_contract_is_the_latest_and_none_of_it_is_fitted_on(fit: Any) -> None:
    rows = [row | {"topic": f"t{number % 2}"} for number, row in enumerate(rows_of(420))]
    rows[-1] |= {"topic": "planted", "text": "Планетарий закрыли, абракадабра, ничего не видно"}
    model = fit(dated(rows))
    n_kept = model.info.parameters["n_held_out"]
    assert 40 <= n_kept <= 80
    assert len(model.contract_samples["topic"].correct) == n_kept
    assert "planted" not in model.heads["topic"].classes
    assert not {"l абракадабра", "p абра"} & model.sparse_encoder.vocabulary.keys()


LATE: dict[str, dict[str, Any]] = {
    "urgency": {"urgent": True},
    "enterprise": {"enterprise": "E1"},
    "urgency beside an old one": {"urgent": True},
}


@pytest.mark.parametrize("name", LATE)
def test_fit_model_dated_labels_that_are_there_only_lately_are_no_heads(
    fit: Any, name: str
) -> None:
    rows = [row | {"topic": f"t{number % 3}"} for number, row in enumerate(rows_of(420))]
    if name == "urgency beside an old one":
        rows = [row | {"urgent": False} for row in rows]
    rows = [*rows[:400], *(row | LATE[name] for row in rows[400:])]
    model = fit(dated(rows))
    assert list(model.heads) == ["topic"]
    assert model.urgency is None
    assert probabilities_agree(model, [WATER])


def test_fit_model_dated_category_that_gets_its_topics_only_lately_is_fitted(fit: Any) -> None:
    rows = [
        row | {"category": f"c{number % 3}", "topic": f"t{number % 3}"}
        for number, row in enumerate(rows_of(420))
    ]
    for row in rows[2:380:3]:
        del row["topic"]
    model = fit(dated(rows))
    assert model.heads["category"].classes == ("c0", "c1", "c2")
    assert model.heads["topic"].classes == ("c2", "t0", "t1")
    assert probabilities_agree(model, [WATER])


def test_fit_model_urgency_is_learned_where_both_kinds_are_there(fit: Any) -> None:
    rows = [
        {"text": row["text"], "topic": row["topic"], "urgent": row["urgent"]}
        for row in corpus()[:400]
    ]
    model = fit(rows)
    assert list(model.heads) == ["topic"]
    answers = model.predict([row["text"] for row in rows])
    urgency = np.array([answer.urgency for answer in answers], dtype=float)
    is_urgent = np.array([row["urgent"] for row in rows])
    assert is_urgent.sum() > 20
    assert urgency[is_urgent].min() > np.median(urgency[~is_urgent])


def test_label_tasks_leave_out_levels_without_labels_and_one_sided_urgency(tmp_path: Path) -> None:
    rows = [{"text": WATER, "topic": "a", "urgent": True}, {"text": ROAD, "topic": "b"}]
    examples = read_examples([str(write_jsonl(tmp_path / "a.jsonl", rows))])
    assert [task.name for task in label_tasks(examples.table)] == ["topic"]
    both = replace(examples, table=examples.table.assign(urgent=[True, False]))
    assert [task.name for task in label_tasks(both.table)] == ["topic", "urgency"]


TOWNS = ("Бухтарма", "Зайсан", "Риддер", "Серебрянск", "Шемонаиха")
LETTERS = ("Нет воды", "Яма на дороге", "Не вывозят мусор", "Темно на улице", "Где автобус")


def of_towns() -> list[dict[str, Any]]:
    """Return appeals, each to the body of the town that it names."""
    return [
        {"text": f"{text}, {town}, дом {number}", "enterprise": f"Администрация города {town}"}
        for number in range(3)
        for town in TOWNS
        for text in LETTERS
    ]


@pytest.mark.parametrize("is_dated", [False, True])
def test_fit_model_names_of_places_speak_for_a_body_that_history_hardly_knows(
    fit: Any, tmp_path: Path, *, is_dated: bool
) -> None:
    label = "Администрация города Курчатов"
    rows = [{"text": text, "enterprise": label} for text in ("Шумно ночью", "Холодно в доме")]
    rows += of_towns()
    model = fit(dated(rows * 6) if is_dated else rows)
    assert model.names is not None
    assert model.hierarchy.names_weight > 0
    text = "Темно на улице, Курчатов, дом 1"
    [found], [without] = (one.predict([text]) for one in (model, replace(model, names=None)))
    assert found.levels["enterprise"][0].code == label
    assert without.levels["enterprise"][0].code != label
    folder.save(model, tmp_path / "model")
    assert folder.load(tmp_path / "model").predict([text]) == [found]


def test_fit_model_registry_names_take_the_place_of_labels(fit: Any) -> None:
    rows = [
        row | {"enterprise": f"A-{TOWNS.index(row['enterprise'].split()[-1])}"}
        for row in of_towns()
    ]
    assert fit(rows).names is None
    names = {f"A-{place}": (f"Аппарат «{town}»",) for place, town in enumerate(TOWNS)}
    model = fit(rows, names=names)
    assert model.names is not None
    assert model.names.finder.find("Зайсан ауданында") == ["zais"]


@pytest.mark.parametrize(("crossed", "n_parts"), [(False, 1), (True, 2)])
def test_n_held_apart_counts_parts_only_where_folds_are_too_much_work(
    crossed: bool, n_parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame({"topic": ["а", "б", "б"]}).reindex(columns=list(COLUMNS)).astype(object)
    table = table.where(table.notna(), None)
    monkeypatch.setattr(tasks, "MAX_FOLD_WORK", 6)
    assert n_held_apart(table, crossed=crossed) == 0
    monkeypatch.setattr(tasks, "MAX_FOLD_WORK", 5)
    assert n_held_apart(table, crossed=crossed) == n_parts


@pytest.mark.parametrize("dated", [False, True])
def test_fit_of_more_than_folds_bear_holds_out_what_no_head_has_seen(
    fit: Any, monkeypatch: pytest.MonkeyPatch, dated: bool
) -> None:
    rows = rows_of(500, "category", "topic")
    if dated:
        for number, row in enumerate(rows):
            row["received_at"] = f"2026-01-{1 + number // 20:02}T10:00:00+05:00"
    monkeypatch.setattr(tasks, "MAX_FOLD_WORK", 1)
    model = fit(rows)
    n_parts = model.info.parameters["n_parts_held_apart"]
    assert n_parts == (1 if dated else 2)
    n_judged = 500 - model.info.parameters["n_held_out"]
    assert model.info.metrics["cv_topic_n"] == pytest.approx(n_parts * n_judged / N_FOLDS, abs=5)
    n_contract = len(model.contract_samples["topic"].correct)
    assert n_contract == pytest.approx(75 if dated else 200, abs=25)
    # Heads that had seen what is judged would be nearly always right.
    assert model.info.metrics["cv_topic_accuracy"] < 0.5
