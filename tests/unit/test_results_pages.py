from __future__ import annotations

import pytest
from results_page import PAGES, ResultsPage


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_quotes_the_results_as_they_are(page: ResultsPage) -> None:
    assert page.renewed() == page.text
