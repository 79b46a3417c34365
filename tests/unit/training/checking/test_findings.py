from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from appeal_files import corpus

from training.checking.check import check_examples
from training.checking.findings import Conflict, drift_from, few, find
from training.checking.lists import write_conflicts
from training.checking.writing import write_check
from training.data import COLUMNS, Examples, label_counts
from triage.citydata import City, load_city
from triage.config import STARTER_DATA


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(STARTER_DATA)


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    made = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(object)
    return made.where(made.notna(), None)


SNOW = {"text": "снег не убирают", "category": "roads", "topic": "roads.potholes"}


def test_find_counts_what_there_is(city: City) -> None:
    found = find(table(SNOW, {"text": "яма", "id": "7"}), np.array([0, 1]), city)
    assert found.n_rows == 2
    assert found.filled == {"id": 1, "text": 2, "category": 1, "topic": 1}
    assert found.unlabelled == 1
    assert found.counts["topic"] == {"roads.potholes": 1}
    assert found.lengths[1.0] == len(SNOW["text"])
    assert (found.repeated, found.conflicts, found.unknown) == (0, (), {})


def test_find_alike_texts_with_different_labels_are_conflicts(city: City) -> None:
    rows = (SNOW, SNOW | {"topic": "roads.snow"}, SNOW | {"topic": None}, {"text": "яма"})
    found = find(table(*rows), np.array([0, 0, 0, 1]), city)
    assert found.conflicts == (Conflict("topic", (0, 1)),)
    assert found.repeated == 3


def test_find_unknown_labels_are_counted(city: City) -> None:
    found = find(
        table({"text": "яма", "topic": "roads.hole", "enterprise": "X"}), np.zeros(1, int), city
    )
    assert found.unknown == {"topic": {"roads.hole": 1}, "enterprise": {"X": 1}}


def test_few_rarest_first() -> None:
    assert few({"a": 5, "b": 4, "c": 1}) == ["c", "b"]


def test_drift_from_same_mix_is_none_and_another_is_seen() -> None:
    before = {"topic": {"a": 500, "b": 500}}
    assert not drift_from(before, {"topic": {"a": 250, "b": 250}})["topic"].has_drifted
    assert drift_from(before, {"topic": {"a": 450, "b": 50}})["topic"].has_drifted
    assert drift_from({}, {"topic": {"a": 1}}) == {}


def test_label_counts_tells_languages_and_levels() -> None:
    counts = label_counts(table(SNOW, {"text": "жолда шұңқыр бар, көлік сынып жатыр"}))
    assert counts == {
        "language": {"kk": 1, "ru": 1},
        "category": {"roads": 1},
        "topic": {"roads.potholes": 1},
    }


def test_lists_mask_people_and_run_no_formula(city: City, tmp_path: Path) -> None:
    texts = ("=HYPERLINK(1) звоните 87011234567", "@снег")
    rows = table(*(SNOW | {"text": text} for text in texts))
    write_conflicts(tmp_path / "list.csv", rows, [Conflict("topic", (0, 1))])
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [row["text"] for row in csv.DictReader(file)]
    assert found == ["'=HYPERLINK(1) звоните [телефон]", "'@снег"]


def test_check_page_and_lists_are_written_the_same_each_time(city: City, tmp_path: Path) -> None:
    topics = ("roads.potholes", "healthcare.appointment")
    rows = [row for row in corpus() if row["topic"] in topics][:60]
    wrong = next(
        at for at, row in enumerate(rows) if "терапевт" in row["text"] and "запис" in row["text"]
    )
    rows[wrong] = rows[wrong] | {"topic": topics[0]}
    examples = Examples(table(*rows), "ab" * 32)
    check = check_examples(examples, city, dense_encoder=None, champion=None)
    for name in ("one", "two"):
        write_check(check, tmp_path / name, city, facts=("<b>fact</b>",))
    written = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert {"report.md", "report.html", "conflicts.csv", "label-errors-category.csv"} <= set(
        written
    )
    assert b"&lt;b&gt;fact" in written["report.html"]
    with (tmp_path / "one" / "label-errors-topic.csv").open(encoding="utf-8-sig") as file:
        listed = {row["row"]: row for row in csv.DictReader(file)}
    suspect = listed[str(wrong + 1)]
    assert (suspect["label"], suspect["likely"]) == topics
    assert suspect["likely_kk"] == city.taxonomy.topics[topics[1]].name.kk
    assert check.metrics["topic_likely_wrong"] >= 1
