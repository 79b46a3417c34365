from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from comparison_cases import answers, comparison_of, table_of

from training.comparison.page import write_report
from triage.promotion import GateReport

N = 200
TRUE = np.resize(["water", "roads", "a|b"], N).tolist()
TEXT = "Яма <b>у дома</b> | <script>alert(1)</script>"


class Page(HTMLParser):
    """What a page refers to and which tags it has."""

    def __init__(self):
        super().__init__()
        self.tags, self.links = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    worse = [one if rng.random() < 0.6 else "roads" for one in TRUE]
    probability = rng.uniform(0.2, 1, N)
    comparison = comparison_of(
        answers(TRUE, TRUE, probability, probability > 0.5),
        answers(TRUE, worse, probability, probability > 0.8),
        table_of(N, category=TRUE, channel=np.resize(["phone", "web"], N).tolist(), text=TEXT),
    )
    gates = [GateReport("overall", False, "lost"), GateReport("taxonomy", True, "known")]
    write_report(comparison, folder, facts=["200 appeals"], gates=gates)
    return folder


def test_report_is_whole(report):
    names = {path.name for path in report.iterdir()}
    plots = {"differences.svg", "reliability.svg", "coverage.svg", "changes.svg"}
    assert names == {"report.md", "report.html", "changes.csv", "figures.json"} | plots
    markdown = (report / "report.md").read_text(encoding="utf-8")
    for said in (
        "# triage/2 against triage/1",
        "200 appeals",
        "1 of 2 failed",
        "| overall | **no** | lost |",
        "| category roads |",
        "| channel phone |",
        "more to review of 100",
    ):
        assert said in markdown
    assert "\\|" in markdown
    assert "<script" not in markdown


def test_report_page_is_one_file_that_runs_nothing(report):
    page = Page()
    html = (report / "report.html").read_text(encoding="utf-8")
    page.feed(html)
    assert "script" not in page.tags
    assert len(page.links) == 4
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)
    assert "<td>no</td>" in html
    assert "**" not in html


def test_report_figures_can_be_read_back(report):
    figures = json.loads((report / "figures.json").read_text(encoding="utf-8"))
    whole = figures["measured"][0]
    assert (whole["bucket"], whole["level"], whole["n"]) == ("all", "topic", N)
    assert whole["differences"]["accuracy"]["high"] < 0
    assert figures["load"][0]["before"] > figures["load"][0]["after"]
