"""A served, filled home, and people at real browsers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Person, find_chromium, open_browser, seat, sign_in
from filled_service import Service, register_two, serving, starter_rows
from playwright.sync_api import Browser

from triage.roles import Role

N_APPEALS = 60

Visit = Callable[..., Person]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Debian's Chromium is; tests of pages are skipped where there is none."""
    return find_chromium() or pytest.skip("no browser: apt-get install chromium")


@pytest.fixture(scope="session")
def service(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, model_folder: Path
) -> Iterator[Service]:
    """A server with two registered models and appeals in all languages, shared by all tests."""
    import mlflow

    before = mlflow.get_tracking_uri()
    home = tmp_path_factory.mktemp("served")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's, about itself
        register_two(model_folder, home)
    mlflow.set_tracking_uri(before)
    # Every appeal that is routed is drawn to be checked.
    with serving(home, audit_share="1", poll_seconds="0.5") as service:
        for row in starter_rows(N_APPEALS, "appeals_more.jsonl"):
            service.submit(appeal_id=row["id"], text=row["text"], channel=row["channel"])
        yield service


# Not longer than a module: while it runs, no other test can have an event loop of its own.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A running browser."""
    with open_browser(chromium) as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Visit]:
    """Seat people: `visit("kk")`, or signed in `visit("kk", Role.SUPERVISOR, "aigerim")`.

    When the test ends, nothing may have gone wrong unseen in any of their browsers.
    """
    seated: list[Person] = []

    def visit(language: str, role: Role | None = None, name: str = "") -> Person:
        person = seat(browser, service.address, language)
        seated.append(person)
        return sign_in(person, service.add_person(name, role), name) if role else person

    yield visit
    for person in seated:
        person.page.context.close()
    assert [problem for person in seated for problem in person.watch.problems] == []
