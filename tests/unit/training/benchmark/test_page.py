from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark_entries import make_entry, with_accuracy

from training.benchmark.bars import AT_LEAST, Bar, judge
from training.benchmark.entries import Measured, Results
from training.benchmark.page import render
from training.benchmark.run import SUITES

SHOWN = [SUITES["kursk"], SUITES["folds"], SUITES["sib200"]]
PAGE, FILE = Path("docs/benchmark.md"), Path("docs/results/benchmark.json")
RESULTS = Results(
    (make_entry(), make_entry(method="SVM", is_baseline=True, measured=with_accuracy(0.7)))
)


def rendered(
    results: Results, *bars: Bar, plots: dict[str, list[tuple[Path, str]]] | None = None
) -> str:
    outcomes = judge(results, bars)
    return render(results, SHOWN, outcomes, plots or {}, page=PAGE, result_file=FILE)


def test_page_has_a_row_for_each_method_with_its_interval() -> None:
    page = rendered(RESULTS)
    assert "| topic | static | 100 | 0.750 (0.500–0.900) | 0.950 | 0.400 | – |" in page
    assert "| topic | SVM | 100 | 0.700 (0.500–0.900) |" in page
    assert "What was asked for" not in page


def test_page_says_what_was_asked_for_and_by_whom_it_was_met() -> None:
    bar = Bar("kursk", "all", "topic", "accuracy", "best", AT_LEAST, 0.7)
    page = rendered(RESULTS, bar, replace(bar, value=0.76), replace(bar, suite="folds"))
    row = "| kursk | all | topic | accuracy | best | at least"
    assert f"{row} 0.70 | 0.750 (0.500–0.900) | static | yes |" in page
    assert f"{row} 0.76 | 0.750 (0.500–0.900) | static | no |" in page
    assert "| at least 0.70 | – | – | not measured |" in page


def test_page_tells_the_command_once_for_what_it_measured_together() -> None:
    trial = make_entry(method="e5", limit=50)
    page = rendered(Results((*RESULTS.entries, trial)))
    assert "- static (12 s), SVM (12 s): 2026-11-23, `triage-train benchmark`\n" in page
    assert "- e5 (12 s): 2026-11-23, `triage-train benchmark`, **at most 50 rows" in page


def test_page_tells_what_was_skipped_and_leaves_out_what_was_never_asked() -> None:
    page = rendered(
        RESULTS.with_skipped("sib200", "no file").with_skipped("kursk: fastText", "not installed")
    )
    assert f"## {SUITES['sib200'].title}" in page
    assert "Not measured: no file.\n" in page
    assert "Not measured with fastText: not installed.\n" in page
    assert SUITES["folds"].title not in page


def test_page_shows_languages_in_a_fixed_order_and_no_part_of_a_few_texts() -> None:
    topic = with_accuracy(0.5).figures["all"]["topic"]
    parts = {"voice a": 50.0, "mixed": 50.0, "kk": 50.0, "kk_latin": 9.0, "all": 100.0}
    figures = {part: {"topic": topic | {"n": n}} for part, n in parts.items()}
    page = rendered(Results((make_entry(measured=Measured(figures)),)))
    rows = [line.split(" | ")[0] for line in page.splitlines() if " / 0.400 / " in line]
    assert rows == ["| kk", "| mixed", "| voice a"]


def test_page_without_a_whole_shows_its_parts() -> None:
    topic = with_accuracy(0.5).figures["all"]["topic"]
    directions = Measured({"ru to kk": {"category": topic}})
    page = rendered(Results((make_entry(suite="sib200", measured=directions),)))
    assert "| ru to kk | category | static | 100 | 0.500 (0.500–0.900) |" in page


def test_page_tells_what_the_contract_kept() -> None:
    contract = {
        "contract_target": 0.95,
        "contract_promised_coverage": 0.4,
        "contract_coverage": 0.3,
        "hindsight_coverage": 0.6,
    }
    topic = with_accuracy(0.5).figures["all"]["topic"] | contract
    page = rendered(Results((make_entry(measured=Measured({"all": {"topic": topic}})),)))
    assert "| topic | static | 0.950 | 0.400 | 0.300 | – | 0.600 |" in page


def test_page_tells_how_contracts_did_on_halves() -> None:
    halves = {
        "n_splits": 50.0,
        "concluded": 1.0,
        "held": 0.94,
        "refuted": 0.02,
        "coverage": 0.4,
        "coverage_least": 0.3,
        "coverage_largest": 0.5,
        "precision": 0.96,
    }
    topic = with_accuracy(0.5).figures["all"]["topic"]
    topic = topic | {f"halves_{name}": value for name, value in halves.items()}
    page = rendered(Results((make_entry(measured=Measured({"all": {"topic": topic}})),)))
    row = "| topic | static | 50 | 1.000 | 0.940 | 0.020 | 0.400 | 0.300 | 0.500 | 0.960 |"
    assert row in page


def test_page_links_to_its_plots_from_where_it_lies() -> None:
    plots = {"kursk": [(Path("docs/results/plots/a.svg"), "A plot")]}
    assert "![A plot](results/plots/a.svg)" in rendered(RESULTS, plots=plots)
    assert "[results/benchmark.json](results/benchmark.json)" in rendered(RESULTS)
