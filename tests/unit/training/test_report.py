from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.evaluate import ALL, Result
from training.report import BEGIN, END, insert, render, update
from triage.config import STARTER_DATA

ROOT = STARTER_DATA.parent.parent
FIGURES = {"n": 485.0, "accuracy": 0.8412, "top3_accuracy": 0.95, "macro_f1": 0.5, "ece": 0.03125}
RESULT = Result(
    name="Kursk",
    command="triage-train evaluate",
    date="2026-11-23",
    data={},
    model={"encoder": "static"},
    metrics={
        ALL: {
            "topic": FIGURES,
            "routed": {"n": 485.0, "accuracy": 0.7},
            "category": FIGURES | {"accuracy": 0.9},
        },
        "ru": {"topic": FIGURES | {"accuracy": 0.88}},
        "kk": {"topic": FIGURES | {"n": 49.0}},
    },
)
TABLE = """\
| data | level | n | accuracy | ru | kk | mixed | top-3 | macro-F1 | ECE | encoder | date |
|---|---|---|---|---|---|---|---|---|---|---|---|
| Kursk | category | 485 | 0.900 | – | – | – | 0.950 | 0.500 | 0.031 | static | 2026-11-23 |
| Kursk | topic | 485 | 0.841 | 0.880 | – | – | 0.950 | 0.500 | 0.031 | static | 2026-11-23 |
| Kursk | routed | 485 | 0.700 | – | – | – | – | – | – | static | 2026-11-23 |"""


def test_render_writes_a_row_for_each_level_in_their_order() -> None:
    assert render([RESULT]) == TABLE


def test_insert_replaces_what_stands_between_the_marks_and_nothing_else() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n| old |\n{END}\n\nafter {END}\n"
    inserted = insert(page, TABLE)
    assert inserted == f"# Title\n\n{BEGIN}\n{TABLE}\n{END}\n\nafter {END}\n"
    assert insert(inserted, TABLE) == inserted


@pytest.mark.parametrize("page", ["", "# Title\n", f"{BEGIN}\n", f"{END}\n", f"{END}\n{BEGIN}\n"])
def test_insert_page_without_marks_is_an_error(page: str) -> None:
    with pytest.raises(TrainingError, match="no <!-- results: begin -->"):
        insert(page, TABLE)


def test_update_takes_result_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    replace(RESULT, name="second").save(tmp_path / "results" / "b.json")
    replace(RESULT, name="first").save(tmp_path / "results" / "a.json")
    page = tmp_path / "README.md"
    page.write_text(f"қ{BEGIN}{END}\n", encoding="utf-8")
    update(page, tmp_path / "results")
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"қ{BEGIN}\n| data |")
    assert text.index("| first |") < text.index("| second |")


def test_update_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# Title\n", encoding="utf-8")
    with pytest.raises(TrainingError):
        update(page, tmp_path)
    assert page.read_text(encoding="utf-8") == "# Title\n"


def test_readme_figures_are_those_of_the_result_files(tmp_path: Path) -> None:
    results = sorted((ROOT / "docs" / "results").glob("*.json"))
    assert results
    page = tmp_path / "README.md"
    page.write_text((ROOT / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    update(page, ROOT / "docs" / "results")
    assert page.read_text(encoding="utf-8") == (ROOT / "README.md").read_text(encoding="utf-8")
