from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from benchmark_entries import make_entry

from training.benchmark.curves import Confusion
from training.benchmark.entries import Measured, Results
from training.errors import TrainingError

ENTRY = make_entry(
    measured=Measured(
        figures={"all": {"topic": {"n": 4.0, "accuracy": 0.75}}},
        reliability={"all": {"topic": [(3.0, 0.9, 0.6667)]}},
        coverage={"topic": [(0.9, 0.5, 1.0), (0.1, 1.0, 0.75)]},
        confusion=Confusion(("а", "ә"), ((2, 0), (1, 1))),
    )
)


def test_results_are_the_same_after_saving_and_lists_of_numbers_stay_on_a_line(
    tmp_path: Path,
) -> None:
    results = Results((ENTRY, make_entry(method="SVM", is_baseline=True)), {"sib200": "no file"})
    path = tmp_path / "new" / "benchmark.json"
    results.save(path)
    loaded = Results.load(path)
    assert set(loaded.skipped.items()) == {("sib200", "no file")}
    assert {entry.key: entry for entry in loaded.entries} == {
        entry.key: entry for entry in results.entries
    }
    text = path.read_text(encoding="utf-8")
    assert "[0.9, 0.5, 1.0],\n" in text
    assert json.loads(text)["entries"]


def test_results_save_gives_the_same_file_whatever_was_measured_first(tmp_path: Path) -> None:
    other = make_entry(suite="folds")
    Results((ENTRY, other)).save(tmp_path / "a.json")
    Results((other, ENTRY)).save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_results_keep_what_was_not_measured_again() -> None:
    old = Results((ENTRY, make_entry(suite="folds")), {"kursk: fastText": "not installed"})
    again = replace(ENTRY, date="2027-01-01")
    results = old.with_entry(again)
    assert results.of("kursk") == [again]
    assert results.of("folds") == [make_entry(suite="folds")]
    assert results.skipped == {"kursk: fastText": "not installed"}


def test_results_skipped_is_forgotten_once_measured_and_figures_stay_when_skipped() -> None:
    skipped = Results((ENTRY,)).with_skipped("kursk", "no file").with_skipped("folds", "no file")
    assert skipped.of("kursk") == [ENTRY]
    assert skipped.with_entry(ENTRY).skipped == {"folds": "no file"}


def test_results_of_a_suite_have_encoders_first() -> None:
    entries = [make_entry(method=name, is_baseline=name < "b") for name in ("a", "c", "b")]
    assert [entry.method for entry in Results(tuple(entries)).of("kursk")] == ["b", "c", "a"]


def test_results_file_that_is_not_there_has_no_entries(tmp_path: Path) -> None:
    assert Results.load(tmp_path / "none.json") == Results()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"entries": [{}], "skipped": {}}'])
def test_results_load_of_another_file_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match="no benchmark result"):
        Results.load(path)
