from __future__ import annotations

import json

import reliability_results

from training.report import insert


def test_reliability_page_quotes_the_results_as_they_are() -> None:
    page = reliability_results.PAGE.read_text("utf-8")
    known = json.loads(reliability_results.RESULTS.read_text("utf-8"))

    assert insert(page, reliability_results.render(known).rstrip("\n")) == page
