from __future__ import annotations

import json
from pathlib import Path

import pytest
from results_page import PAGES, ROOT, ResultsPage

from training.report import marks

SECTION = {"crashes": "killed on"}


@pytest.fixture
def page(tmp_path: Path) -> ResultsPage:
    """A page without results, and a README that quotes other figures too."""
    (tmp_path / "docs" / "results").mkdir(parents=True)
    (tmp_path / "docs" / "speed.md").write_text("# Page\n\n{}\n{}\n".format(*marks()))
    own = "{}{}".format(*marks("speed"))
    (tmp_path / "README.md").write_text("{}\nothers\n{}\n".format(*marks()) + own)
    return ResultsPage("speed", SECTION, root=tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_and_readme_quote_the_results_as_they_are(page: ResultsPage) -> None:
    renewed = page.renewed()
    assert (ROOT / "README.md" in renewed) is page.is_quoted
    assert len(renewed) == 1 + page.is_quoted
    for path, text in renewed.items():
        assert path.read_text("utf-8") == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_results_all_have_a_table_and_say_how_they_were_measured(page: ResultsPage) -> None:
    file = json.loads((ROOT / "docs" / "results" / f"{page.name}.json").read_text("utf-8"))
    assert page.sections() == file
    for rows in file.values():
        for entry in rows.values():
            assert {"command", "date", "machine", "python"} <= entry.keys()


def test_record_shows_figures_and_keeps_the_rest_in_the_file(page: ResultsPage) -> None:
    page.record("crashes", "sqlite", {"kills": 1_000}, command="again", details={"long": [1]})
    page.record("crashes", "postgresql", {"kills": 2}, command="once more")

    entry = page.sections()["crashes"]["sqlite"]
    assert (entry["kills"], entry["command"], entry["details"]) == (1_000, "again", {"long": [1]})
    date, machine = entry["date"], entry["machine"]
    assert (page.root / "docs" / "speed.md").read_text() == (
        "# Page\n\n<!-- results: begin -->\n"
        "| killed on | kills | date | machine |\n| --- | --- | --- | --- |\n"
        f"| sqlite | 1,000 | {date} | {machine} |\n| postgresql | 2 | {date} | {machine} |\n"
        "<!-- results: end -->\n"
    )
    assert (page.root / "README.md").read_text() == (
        "<!-- results: begin -->\nothers\n<!-- results: end -->\n<!-- speed: begin -->\n"
        "| killed on | kills |\n| --- | --- |\n| sqlite | 1,000 |\n| postgresql | 2 |\n\n"
        f"Measured on {machine}, {date}.\n<!-- speed: end -->"
    )
