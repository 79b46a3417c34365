"""A supervisor's day, by keyboard alone, in each language."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from browser import Person
from filled_service import Service
from playwright.sync_api import expect

from api.web.language import LANGUAGES
from triage.roles import Role

PASSWORD = "correct horse battery"

Visit = Callable[..., Person]

_numbers = count(1)

in_each_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def supervisor(visit: Visit, language: str) -> Person:
    """Somebody new each time, whose name in the ledger is theirs alone."""
    return visit(language, Role.SUPERVISOR, f"Айгерим {next(_numbers)}")


def reviews(service: Service, decision_id: str) -> list[tuple[str, str]]:
    return [(one["reviewer"], one["verdict"]) for one in service.decision(decision_id)["reviews"]]


def name_of(named: dict[str, Any], person: Person) -> str:
    return str(named["name_kk" if person.locale.language == "kk" else "name_ru"])


def another_enterprise(decision: dict[str, Any]) -> str:
    """Return the code of an enterprise that was not suggested."""
    suggested = decision["enterprise"] or {"code": None}
    return "UTIL-VET" if suggested["code"] != "UTIL-VET" else "UTIL-WATER"


def at(path: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(path)}(\?|$)")


def send_change(person: Person, enterprise: str, reason: str) -> None:
    """Choose an enterprise and write a reason, then send it, all by keyboard."""
    person.press("c")
    person.pick(enterprise)
    person.press("Escape", "n")
    person.write(reason)
    person.press("Tab", "Enter")


@in_each_language
def test_supervisor_signs_in_by_link_and_then_by_password(
    visit: Visit, service: Service, language: str
) -> None:
    name = f"Сәуле {language}"
    link = service.add_person(name, Role.SUPERVISOR)
    person = visit(language)

    person.page.goto(link)
    person.focus_by_keyboard("password")
    person.write(PASSWORD)
    person.press("Tab")
    person.write(PASSWORD)
    person.press("Enter")
    expect(person.page.locator(".account")).to_have_text(name)

    person.focus_by_keyboard(person.told("signin.out"))
    person.press("Enter")
    expect(person.page).to_have_url(at("/pages/signin"))

    person.open("/pages/queue")
    person.focus_by_keyboard("name")
    person.write(name)
    person.press("Tab")
    person.write(PASSWORD)
    person.press("Enter")
    expect(person.page).to_have_url(at("/pages/queue"))
    expect(person.page.locator("h1")).to_have_text(person.told("queue"))

    person.page.goto(link)
    expect(person.page.locator("h1")).to_have_text(person.told("problem.invalid_link"))


@in_each_language
def test_supervisor_works_five_appeals_by_keyboard(
    supervisor: Person, service: Service, language: str
) -> None:
    waiting = service.waiting(6)
    ids = [one["decision_id"] for one in waiting]
    right = another_enterprise(waiting[3])
    done = supervisor.page.locator(".reviewed-row")
    supervisor.open("/pages/queue")

    # Two are accepted in the list; the focus goes on to the next one.
    supervisor.press("j", "a")
    expect(done).to_have_count(1)
    expect(supervisor.page.locator("[data-item] [data-open]").first).to_be_focused()
    supervisor.press("a")
    expect(done).to_have_count(2)
    expect(supervisor.page.locator("[data-item] [data-open]").first).to_be_focused()

    # The third is opened and accepted, which leads to the fourth; that one is changed.
    supervisor.press("Enter")
    expect(supervisor.page).to_have_url(at(f"/pages/decisions/{ids[2]}"))
    supervisor.press("a")
    expect(supervisor.page).to_have_url(at(f"/pages/decisions/{ids[3]}"))
    expect(supervisor.page.locator(".message.done")).to_contain_text(
        supervisor.told("review.saved")
    )
    send_change(supervisor, right, "басқа мекеме")

    # The fifth is left and come back to, and accepted.
    expect(supervisor.page).to_have_url(at(f"/pages/decisions/{ids[4]}"))
    supervisor.press("j")
    expect(supervisor.page).to_have_url(at(f"/pages/decisions/{ids[5]}"))
    supervisor.press("k")
    expect(supervisor.page).to_have_url(at(f"/pages/decisions/{ids[4]}"))
    supervisor.press("a")
    expect(supervisor.page).to_have_url(at(f"/pages/decisions/{ids[5]}"))
    supervisor.press("u")
    expect(supervisor.page).to_have_url(at("/pages/queue"))

    verdicts = ("accept", "accept", "accept", "override", "accept")
    assert [reviews(service, one) for one in ids[:5]] == [
        [(supervisor.name, verdict)] for verdict in verdicts
    ]
    changed = service.decision(ids[3])["reviews"][0]
    assert (changed["enterprise"]["code"], changed["reason"]) == (right, "басқа мекеме")


@in_each_language
def test_second_supervisor_sees_what_the_first_did_and_loses_nothing(
    supervisor: Person, visit: Visit, service: Service, language: str
) -> None:
    first = visit(language, Role.SUPERVISOR, f"Дамир {language}")
    decision = service.waiting(1)[0]
    decision_id, right = decision["decision_id"], another_enterprise(decision)
    for person in (supervisor, first):
        person.open(f"/pages/decisions/{decision_id}")
    first.press("a")
    expect(first.page.locator(".message.done")).to_be_visible()

    send_change(supervisor, right, "не наш дом")

    alert = supervisor.page.get_by_role("alert")
    expect(alert).to_contain_text(first.name)
    expect(alert).to_contain_text(supervisor.told("verdict.accept"))
    expect(supervisor.page.locator("#reason")).to_have_value("не наш дом")
    expect(supervisor.page.locator("input[name=enterprise]")).to_have_value(right)
    assert reviews(service, decision_id) == [(first.name, "accept")]

    supervisor.press("n", "Tab", "Enter")

    expect(supervisor.page.locator(".message.done")).to_be_visible()
    assert reviews(service, decision_id) == [
        (first.name, "accept"),
        (supervisor.name, "override"),
    ]


@in_each_language
def test_appeal_that_somebody_else_has_accepted_is_told_in_the_queue(
    supervisor: Person, service: Service, language: str
) -> None:
    decision = service.waiting(1)[0]
    supervisor.open("/pages/queue")
    service.admin.post(
        f"/decisions/{decision['decision_id']}/review", json={"verdict": "accept"}
    ).raise_for_status()

    supervisor.press("j", "a")

    row = supervisor.page.locator(".reviewed-row")
    expect(row).to_contain_text(supervisor.told("review.refused"))
    expect(row).to_contain_text("key:tests")


@in_each_language
def test_supervisor_checks_an_appeal_blind(
    supervisor: Person, service: Service, language: str
) -> None:
    supervisor.open("/pages/audit")
    action = supervisor.page.locator("form[action^='/pages/audit/']").get_attribute("action")
    decision = service.decision(str(action).rpartition("/")[2])
    shown = supervisor.page.locator("main").inner_text().replace(decision["text"], "")
    assert supervisor.locale.percent(decision["enterprise"]["probability"]) not in shown
    assert name_of(decision["enterprise"], supervisor) not in shown

    supervisor.press("t")
    supervisor.pick(decision["topic"]["code"])
    supervisor.press("Escape", "e")
    supervisor.pick(decision["enterprise"]["code"])
    supervisor.press("Enter")

    outcome = supervisor.page.locator(".message.done")
    expect(outcome).to_contain_text(supervisor.told("audit.agreed"))
    expect(outcome).to_contain_text(name_of(decision["enterprise"], supervisor))
    estimate = service.admin.get("/checks/estimate").json()
    assert estimate["n_checked"] >= 1


@in_each_language
def test_supervisor_reads_the_overview_down_to_the_appeals(
    supervisor: Person, language: str
) -> None:
    supervisor.open("/pages/overview")
    expect(supervisor.page.locator(".chart.drawn canvas").first).to_be_visible()
    supervisor.wait_for_parts()
    for part in ("mix", "precision", "waiting", "overrides", "drift"):
        expect(supervisor.page.locator(f"section#{part}")).to_be_visible()

    table = supervisor.page.get_by_role("link", name="CSV").first.get_attribute("href")
    answer = supervisor.page.request.get(f"{supervisor.address}{table}")
    assert answer.headers["content-type"].startswith("text/csv")

    total = supervisor.page.locator(".tiles a").first
    n_appeals = total.inner_text()
    total.press("Enter")
    expect(supervisor.page.locator("h2#found")).to_contain_text(f"{n_appeals} ")


@in_each_language
def test_supervisor_verifies_the_ledger_and_replays_a_decision(
    supervisor: Person, service: Service, language: str
) -> None:
    supervisor.open("/pages/ledger")
    supervisor.focus_by_keyboard(supervisor.told("ledger.verify.do"))
    supervisor.press("Enter")
    intact = supervisor.page.locator(".message.done")
    expect(intact).to_be_visible()
    n_entries = re.sub(r"\D", "", intact.inner_text())
    assert int(n_entries) > 60

    supervisor.focus_by_keyboard("decision_id")
    supervisor.write(service.waiting(1)[0]["decision_id"])
    supervisor.press("Enter")
    expect(supervisor.page.locator(".message.done")).to_have_text(
        supervisor.told("ledger.replay.same")
    )
