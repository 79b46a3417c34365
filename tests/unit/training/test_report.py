from __future__ import annotations

from pathlib import Path

import pytest
from benchmark_entries import make_entry, with_accuracy

from training.benchmark.bars import AT_LEAST, Bar
from training.benchmark.command import OUT
from training.benchmark.entries import Results
from training.errors import TrainingError
from training.report import insert, marks, render, update
from triage.config import STARTER_DATA

ROOT = STARTER_DATA.parent.parent
BEGIN, END = marks()
BARS = [
    Bar("kursk", "all", "topic", figure, encoder, AT_LEAST, value)
    for figure, encoder, value in (
        ("accuracy", "best", 0.6),
        ("accuracy", "static", 0.58),
        ("macro_f1", "best", None),
    )
]
RESULTS = Results(
    (
        make_entry(method="SVM", is_baseline=True, measured=with_accuracy(0.7)),
        make_entry(suite="folds"),
        make_entry(method="e5", measured=with_accuracy(0.8125)),
    )
)
TABLE = """\
| suite | texts | level | figure | e5 | static | SVM |
| --- | --- | --- | --- | --- | --- | --- |
| kursk | all | topic | accuracy | 0.812 | – | 0.700 |
| kursk | all | topic | macro-F1 | 0.400 | – | 0.400 |"""


def test_render_quotes_each_figure_once_with_methods_side_by_side() -> None:
    assert render(RESULTS, BARS) == TABLE


def test_render_of_no_figures_is_an_error() -> None:
    with pytest.raises(TrainingError, match="run `triage-train benchmark` first"):
        render(Results(), BARS)


def test_insert_replaces_what_stands_between_the_marks_and_nothing_else() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n| old |\n{END}\n\nafter {END}\n"
    inserted = insert(page, TABLE)
    assert inserted == f"# Title\n\n{BEGIN}\n{TABLE}\n{END}\n\nafter {END}\n"
    assert insert(inserted, TABLE) == inserted


def test_insert_under_a_name_leaves_other_marks_alone() -> None:
    begin, end = marks("performance")
    page = f"{BEGIN}\nold\n{END}\n{begin}{end}\n"
    assert insert(page, TABLE, "performance") == f"{BEGIN}\nold\n{END}\n{begin}\n{TABLE}\n{end}\n"


@pytest.mark.parametrize("page", ["", "# Title\n", f"{BEGIN}\n", f"{END}\n", f"{END}\n{BEGIN}\n"])
def test_insert_page_without_marks_is_an_error(page: str) -> None:
    with pytest.raises(TrainingError, match="no <!-- results: begin -->"):
        insert(page, TABLE)


def test_update_brings_the_figures_of_the_file_into_the_page(tmp_path: Path) -> None:
    RESULTS.save(tmp_path / "benchmark.json")
    page = tmp_path / "README.md"
    page.write_text(f"қ{BEGIN}{END}\n", encoding="utf-8")
    update(page, tmp_path / "benchmark.json")
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"қ{BEGIN}\n| suite |")
    assert "| kursk | all | topic | accuracy | 0.812 | – | 0.700 |\n" in text


@pytest.mark.parametrize("entries", [RESULTS, Results()])
def test_update_without_marks_or_figures_leaves_the_page_alone(
    tmp_path: Path, entries: Results
) -> None:
    entries.save(tmp_path / "benchmark.json")
    page = tmp_path / "README.md"
    page.write_text("# Title\n", encoding="utf-8")
    with pytest.raises(TrainingError):
        update(page, tmp_path / "benchmark.json")
    assert page.read_text(encoding="utf-8") == "# Title\n"


def test_readme_figures_are_those_of_the_result_file(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text((ROOT / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    update(page, ROOT / OUT)
    assert page.read_text(encoding="utf-8") == (ROOT / "README.md").read_text(encoding="utf-8")
