"""Every page as it stands: for screen readers, by axe-core; in light and dark; on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser import PHONE, Person
from filled_service import Service

from triage.roles import Role

Visit = Callable[..., Person]

PAGES = {
    "signin": "/pages/signin",
    "home": "/",
    "account": "/pages/account",
    "queue": "/pages/queue?since=2026-01-01",
    "decision": "/pages/decisions/{decision_id}",
    "overview": "/pages/overview",
    "audit": "/pages/audit",
    "estimate": "/pages/audit/estimate",
    "models": "/pages/models",
    "ledger": "/pages/ledger",
    "people": "/pages/people",
    "problem": "/pages/nothing-here",
}
LANGUAGES = {name: ("ru", "kk", "en")[number % 3] for number, name in enumerate(PAGES)}
"""Each page in one of them; wording matters little here."""


@pytest.fixture
def reader(visit: Visit, name: str) -> Person:
    role = None if name == "signin" else Role.ADMIN
    return visit(LANGUAGES[name], role, f"reader of {name}")


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_grave_violation_and_fits_a_phone(
    reader: Person, service: Service, name: str
) -> None:
    reader.open(PAGES[name].format(decision_id=service.waiting(1)[0]["decision_id"]))
    reader.wait_for_parts()

    found = {}
    for scheme in ("light", "dark"):
        reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found[scheme] = reader.grave_violations()
    assert found == {"light": [], "dark": []}

    reader.page.set_viewport_size(PHONE)
    # Charts are drawn anew a moment later.
    fits = "width => document.documentElement.scrollWidth <= width"
    reader.page.wait_for_function(fits, arg=PHONE["width"], timeout=5_000)


def test_help_on_keys_has_no_grave_violation(visit: Visit) -> None:
    reader = visit("kk", Role.SUPERVISOR, "reader of keys")
    reader.open("/pages/queue")
    reader.press("?")
    assert reader.page.locator("dialog#keys").is_visible()
    assert reader.grave_violations() == []
