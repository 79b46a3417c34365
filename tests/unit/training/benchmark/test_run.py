from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from benchmark_entries import make_entry, with_accuracy

from training.benchmark.baselines import BaselineUnavailableError
from training.benchmark.entries import Measured, Results
from training.benchmark.run import SUITES, installed_versions, run
from training.benchmark.suite import Suite
from training.benchmark.workbench import NamedEncoder, Workbench
from triage.policy import Policy
from triage.progress import Silent

ENCODERS = [NamedEncoder("none", None, ()), NamedEncoder("other", None, ())]


def unavailable(bench: Workbench) -> Measured:
    raise BaselineUnavailableError("needs `pip install x`")


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "a.csv").write_text("text\n", encoding="utf-8")
    return Workbench(tmp_path, Policy(), None, seed=0, progress=Silent())


SUITE = Suite(
    name="kursk",
    title="",
    about="",
    files=lambda shared: (shared / "a.csv",),
    run=lambda encoder, bench: with_accuracy(len(encoder.name) / 10),
    baselines={"Plain": lambda bench: with_accuracy(0.3), "Absent": unavailable},
)


def test_run_measures_every_method_and_notes_what_is_not_installed(bench: Workbench) -> None:
    said: list[str] = []
    steps = list(run(bench, [SUITE], ENCODERS, Results(), tell=said.append))
    assert [len(step.entries) for step in steps] == [1, 2, 3, 3]
    accuracies = {
        (entry.method, entry.is_baseline): entry.figure("all", "topic", "accuracy")
        for entry in steps[-1].of("kursk")
    }
    assert accuracies == {("none", False): 0.4, ("other", False): 0.5, ("Plain", True): 0.3}
    assert steps[-1].skipped == {"kursk: Absent": "needs `pip install x`"}
    assert said == [
        "kursk: none",
        "kursk: other",
        "kursk: Plain",
        "kursk: Absent",
        "kursk: Absent: skipped, needs `pip install x`",
    ]


def test_run_without_the_data_keeps_older_figures(bench: Workbench) -> None:
    elsewhere = replace(SUITE, files=lambda shared: (shared / "b.csv", shared / "a.csv"))
    old = Results((make_entry(method="none"),))
    (results,) = run(bench, [elsewhere], ENCODERS, old, tell=lambda message: None)
    assert results.entries == old.entries
    assert results.skipped == {"kursk": "b.csv: not at hand"}


def test_run_hashes_what_was_read(bench: Workbench) -> None:
    weights = bench.shared / "model.safetensors"
    weights.write_bytes(b"1")
    encoder = NamedEncoder("with weights", None, (weights,))
    (first, *_) = run(bench, [SUITE], [encoder], Results(), tell=lambda message: None)
    folder = bench.shared.name
    assert first.entries[0].data.keys() == {f"{folder}/a.csv", f"{folder}/model.safetensors"}


def test_installed_versions_name_python_and_what_is_always_there() -> None:
    assert installed_versions().keys() >= {"python", "appeal-triage", "numpy", "scikit-learn"}


def test_suites_say_what_they_are_under_their_own_name() -> None:
    for name, suite in SUITES.items():
        assert suite.name == name
        assert suite.title
        assert suite.about.endswith(".")
