"""The page of the ledger: entries, verification and a decision made again."""

from __future__ import annotations

import pytest
from access_checks import backend_of, send, sign_in
from api_checks import RU, submit
from sqlalchemy import text

from triage.roles import Role

PATH = "/pages/ledger"


@pytest.fixture
def decision_id(client):
    return submit(client, text=RU)["decision_id"]


@pytest.mark.parametrize(
    ("language", "title", "kind"),
    [
        ("ru", "Журнал решений", "решение принято"),
        ("kk", "Шешімдер журналы", "шешім қабылданды"),
        ("en", "Decision ledger", "decision made"),
    ],
)
def test_ledger_page_lists_events_in_each_language(client, decision_id, language, title, kind):
    sign_in(client, "Асель")
    page = client.get(PATH, params={"lang": language})
    assert page.status_code == 200
    assert title in page.text
    assert kind in page.text
    assert f"/pages/decisions/{decision_id}" in page.text


def test_ledger_page_filter_narrows_and_a_wrong_one_is_told(client, decision_id):
    sign_in(client, "Асель")
    made = client.get(PATH, params={"kind": "model.loaded"}).text
    assert decision_id not in made
    wrong = client.get(PATH, params={"kind": "nonsense", "since": "yesterday"})
    assert wrong.status_code == 200
    assert "kind, since" in wrong.text
    assert decision_id in wrong.text


def test_ledger_page_pages_lead_on(client, decision_id):
    for number in range(55):
        submit(client, text=RU, appeal_id=f"many-{number}")
    sign_in(client, "Асель")
    first = client.get(PATH, params={"kind": "decision.made"}).text
    assert decision_id not in first
    after = first.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert decision_id in client.get(after).text


def test_verify_intact_ledger_says_how_many_entries(client, decision_id):
    token = sign_in(client, "Асель")
    page = send(client, f"{PATH}/verify", csrf_token=token)
    assert page.status_code == 200
    assert "Журнал цел" in page.text


def test_verify_changed_decision_names_the_first_bad_entry(client, decision_id):
    token = sign_in(client, "Асель")
    with backend_of(client).engine.begin() as connection:
        connection.execute(
            text("UPDATE appeals SET text = 'всё хорошо' WHERE id = :id"), {"id": decision_id}
        )
    page = send(client, f"{PATH}/verify", csrf_token=token)
    assert "Журнал повреждён" in page.text
    assert decision_id in page.text


def test_replay_same_versions_gives_the_same(client, decision_id):
    token = sign_in(client, "Асель")
    page = send(client, f"{PATH}/replay", csrf_token=token, decision_id=decision_id)
    assert "Решение получается тем же" in page.text


def test_replay_other_policy_says_what_has_changed(client, decision_id):
    token = sign_in(client, "Айгүл", Role.ADMIN)
    form = {
        **{"target_precision": "0.5", "confidence": "0.9", "shortlist_coverage": "0.5"},
        **{"urgent_probability": "0.5", "secondary_probability": "0.2", "urgent_hours": "1"},
    }
    send(client, "/pages/models/policy", csrf_token=token, reason="проба", **form)
    page = send(client, f"{PATH}/replay", csrf_token=token, decision_id=decision_id)
    assert "С тех пор изменилось" in page.text
    assert "policy" in page.text


@pytest.mark.parametrize("given", ["", "nonsense", "01a2084a-58c5-71fd-a32a-c47f083ee043"])
def test_replay_unknown_decision_is_told(client, given):
    token = sign_in(client, "Асель")
    page = send(client, f"{PATH}/replay", csrf_token=token, decision_id=given)
    assert page.status_code == 404
    assert "Решения с таким номером нет" in page.text
