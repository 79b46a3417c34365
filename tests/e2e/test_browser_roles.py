"""The days of those who are no supervisors: data scientists, admins, intake."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from browser import Person
from filled_service import Service
from playwright.sync_api import expect

from api.web.language import LANGUAGES
from triage.roles import Role

TEXT = "Во дворе третий день не убирают снег, звоните Серику Ахметову, 8 701 123 45 67"

Visit = Callable[..., Person]

in_each_language = pytest.mark.parametrize("language", LANGUAGES)


def move_model(person: Person, action: str, reason: str) -> None:
    """Fill in the folded form of a promotion or a rollback."""
    form = person.page.locator(f"form[action='/pages/models/{action}']").first
    form.locator("xpath=ancestor::details").locator("summary").press("Enter")
    form.locator("textarea").press("Tab")
    form.locator("textarea").fill(reason)
    form.locator("button").press("Enter")
    expect(person.page.locator(".message.done")).to_be_visible()


@in_each_language
def test_data_scientist_promotes_a_model_and_rolls_back(visit: Visit, language: str) -> None:
    person = visit(language, Role.DATA_SCIENTIST, f"Мадина {language}")
    person.open("/pages/models")
    expect(person.page.locator(".chart.drawn canvas").first).to_be_visible()

    move_model(person, "promote", f"лучше на казахском, {language}")
    champion = person.page.locator("tr").filter(has_text=person.told("models.alias.champion"))
    expect(champion.locator("th")).to_contain_text("2")
    move_model(person, "rollback", f"медленнее, {language}")

    person.open(f"/pages/ledger?actor=Мадина {language}")
    for key, reason in (("promoted", "лучше на казахском"), ("rolled_back", "медленнее")):
        event = person.page.locator("#rows tr").filter(has_text=reason)
        expect(event).to_contain_text(person.told(f"event.model.{key}"))
        expect(event).to_contain_text(person.name)


@in_each_language
def test_data_scientist_reads_appeals_masked_and_reviews_none(
    visit: Visit, service: Service, language: str
) -> None:
    decision = service.submit(text=f"{TEXT} {language}")
    person = visit(language, Role.DATA_SCIENTIST, f"Ерлан {language}")

    person.open(f"/pages/decisions/{decision['decision_id']}")
    person.wait_for_parts()

    expect(person.page.locator(".appeal-text")).to_contain_text("Во дворе третий день")
    assert "701" not in person.page.content()
    expect(person.page.locator("form[action$='/review']")).to_have_count(0)


@in_each_language
def test_admin_adds_a_person_and_a_key_that_work(
    visit: Visit, service: Service, language: str
) -> None:
    admin = visit(language, Role.ADMIN, f"Жанна {language}")
    admin.open("/pages/people")
    shown = admin.page.locator(".message.done code")

    add_person = admin.page.locator("form[action='/pages/people/add']")
    add_person.locator("[name=name]").fill(f"Бекзат {language}")
    add_person.locator("[name=role]").select_option("supervisor")
    add_person.locator("button").press("Enter")
    link = shown.inner_text()
    newcomer = visit(language)
    newcomer.page.goto(link)
    newcomer.page.locator("main form button").press("Enter")
    expect(newcomer.page.locator(".account")).to_have_text(f"Бекзат {language}")

    add_key = admin.page.locator("form[action='/pages/people/keys']")
    add_key.locator("[name=name]").fill(f"ikomek {language}")
    add_key.locator("button").press("Enter")
    secret = {"Authorization": f"Bearer {shown.inner_text()}"}
    classified = httpx.post(f"{admin.address}/classify", json={"text": TEXT}, headers=secret)
    assert classified.status_code == 200

    admin.open("/pages/people")
    expect(shown).to_have_count(0)
    key = admin.page.locator("tr").filter(has_text=f"ikomek {language}")
    key.get_by_role("button").press("Enter")
    expect(key.get_by_role("button")).to_have_count(0)
    refused = httpx.post(f"{admin.address}/classify", json={"text": TEXT}, headers=secret)
    assert refused.status_code == 401


@in_each_language
def test_intake_sends_an_appeal_in_and_sees_no_queue(
    visit: Visit, service: Service, language: str
) -> None:
    person = visit(language, Role.INTAKE, f"Асель {language}")
    person.open("/")
    expect(person.page.locator("nav.sections a")).to_have_count(0)

    person.page.locator("#text").fill(f"{TEXT}, {language}")
    person.page.locator("main form button").press("Enter")
    expect(person.page).to_have_url(re.compile("/pages/decisions/"))
    expect(person.page.locator(".appeal-text")).to_contain_text("701")
    expect(person.page.locator("form[action$='/review']")).to_have_count(0)

    others = service.waiting(1)[0]["decision_id"]
    for path, code in (
        ("/pages/queue", "forbidden"),
        ("/pages/people", "forbidden"),
        (f"/pages/decisions/{others}", "decision_not_found"),
    ):
        person.open(path)
        expect(person.page.locator("h1")).to_have_text(person.told(f"problem.{code}"))
