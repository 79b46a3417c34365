"""Snapshots from real stores: which label holds, what is left out, and the same bytes each time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from appeal_files import write_csv
from conftest import NOW
from sqlalchemy import insert, update
from stored import add_decision

from models.folder import file_sha256
from models.prediction import Candidate
from training.data import read_examples
from training.errors import InvalidTrainingDataError
from training.snapshots.snapshot import Period, Snapshot, take_snapshot
from triage.appeal import Appeal, Decision, Review, Verdict
from triage.citydata import City, load_city
from triage.config import STARTER_DATA
from triage.errors import InvalidRecordsError
from triage.store import labels, reviews
from triage.store.sessions import Sessions
from triage.store.tables import AppealTable, AuditDrawTable

CITY = "astana"
PERIOD = Period(NOW, NOW + timedelta(days=1))
TOPIC, OTHER = "roads.potholes", "roads.construction"
ENTERPRISE = "DEPT-HEALTH"
TEXT = "На дороге глубокая яма, звоните 8 701 123 45 67"

Say = Callable[..., str]


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(STARTER_DATA)


@pytest.fixture
def say(
    sessions: Sessions,
    make_appeal: Callable[..., Appeal],
    make_decision: Callable[..., Decision],
    make_review: Callable[..., Review],
) -> Say:
    """Store a decision with what people said of it, and return its id."""

    def add(
        *verdicts: tuple[Verdict, str],
        at: datetime = NOW + timedelta(hours=1),
        checked: tuple[str, datetime] | None = None,
        **appeal: Any,
    ) -> str:
        levels = {"category": (Candidate("roads", 0.9),), "topic": (Candidate(TOPIC, 0.9),)}
        decision = make_decision(appeal=make_appeal(**{"text": TEXT, **appeal}), levels=levels)
        with sessions.write.begin() as session:
            add_decision(session, city=CITY, decision=decision)
            for verdict, topic in verdicts:
                codes = {"category": "roads", "topic": topic, "enterprise": ENTERPRISE}
                review = make_review(decision.id, verdict=verdict, reviewed_at=at, **codes)
                reviews.add(session, city=CITY, review=review, expected_version=None)
            if checked:
                session.execute(insert(AuditDrawTable).values(**draw(decision.id, *checked)))
        return decision.id

    return add


def draw(decision_id: str, topic: str, at: datetime) -> dict[str, Any]:
    return {
        "city": CITY,
        "decision_id": decision_id,
        "stratum": "roads/ru",
        "share": 0.5,
        "drawn_at": NOW,
        "checked_at": at,
        "checker": "dana",
        "category": "roads",
        "topic": topic,
        "enterprise": ENTERPRISE,
        "right": False,
    }


@pytest.fixture
def take(sessions: Sessions, city: City, tmp_path: Path) -> Callable[..., Snapshot]:
    def run(name: str = "s.parquet", period: Period = PERIOD, **options: Any) -> Snapshot:
        return take_snapshot(sessions, CITY, city, period, tmp_path / name, **options)

    return run


Take = Callable[..., Snapshot]


def rows_of(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    table = pd.read_parquet(snapshot.path).astype(object)
    table = table.where(table.notna(), None)
    return {row["decision_id"] or row["id"]: row for row in table.to_dict("records")}


def test_labels_audit_holds_over_review_and_override_over_acceptance(say: Say, take: Take) -> None:
    soon = NOW + timedelta(hours=2)
    audited = say((Verdict.ACCEPT, TOPIC), checked=(OTHER, soon))
    overridden = say((Verdict.ACCEPT, TOPIC), (Verdict.OVERRIDE, OTHER))
    accepted = say((Verdict.ACCEPT, TOPIC))
    unseen = say()
    found = {
        key: (row["topic"], row["label_source"], row["weight"])
        for key, row in rows_of(take()).items()
    }
    assert found == {
        audited: (OTHER, "audit", 1.0),
        overridden: (OTHER, "review", 1.0),
        accepted: (TOPIC, "accepted", 0.5),
    }
    assert unseen not in found


def test_period_takes_decisions_by_when_they_were_labelled(say: Say, take: Take) -> None:
    early = say((Verdict.ACCEPT, TOPIC), at=NOW - timedelta(seconds=1))
    first = say((Verdict.ACCEPT, TOPIC), at=NOW)
    late = say((Verdict.ACCEPT, TOPIC), at=PERIOD.until)
    # Its check came before, and holds over the review in the period.
    both = say((Verdict.ACCEPT, TOPIC), checked=(OTHER, NOW - timedelta(days=3)))
    found = rows_of(take())
    assert found.keys() == {first, both}
    assert found[both]["topic"] == OTHER
    assert not {early, late} & found.keys()


def test_labels_of_another_city_are_not_seen(
    sessions: Sessions, say: Say, city: City, tmp_path: Path
) -> None:
    say((Verdict.ACCEPT, TOPIC))
    with sessions.read() as session:
        period = {"since": PERIOD.since, "until": PERIOD.until}
        assert list(labels.labelled_between(session, city="almaty", **period)) == []
    with pytest.raises(InvalidTrainingDataError, match="nothing was reviewed or checked"):
        take_snapshot(sessions, "almaty", city, PERIOD, tmp_path / "s.parquet")


def test_snapshot_reads_back_without_personal_data(say: Say, take: Take) -> None:
    say((Verdict.OVERRIDE, TOPIC), appeal_id="109-1")
    snapshot = take()
    row = read_examples([str(snapshot.path)]).table.iloc[0]
    assert row["text"] == "На дороге глубокая яма, звоните [телефон]"
    assert (row["id"], row["category"], row["enterprise"]) == ("109-1", "roads", ENTERPRISE)
    assert (row["channel"], row["district"], row["language"]) == ("whatsapp", "esil", "mixed")
    assert (row["weight"], row["label_source"], row["urgent"]) == (1.0, "review", None)
    assert row["received_at"] == NOW - timedelta(minutes=5)


def test_purged_and_empty_appeals_are_listed_as_left_out(
    sessions: Sessions, say: Say, take: Take
) -> None:
    kept, purged = say((Verdict.ACCEPT, TOPIC)), say((Verdict.ACCEPT, TOPIC))
    empty = say((Verdict.ACCEPT, TOPIC), text="<br>")
    with sessions.write.begin() as session:
        session.execute(
            update(AppealTable).where(AppealTable.id == purged).values(text="", purged_at=NOW)
        )
    snapshot = take()
    assert rows_of(snapshot).keys() == {kept}
    assert snapshot.manifest["left_out"] == {"no text": 1, "purged": 1}
    with snapshot.path.with_name(snapshot.manifest["left_out_file"]).open() as file:
        assert {(row["id"], row["reason"]) for row in csv.DictReader(file)} == {
            (purged, "purged"),
            (empty, "no text"),
        }


def test_labels_that_can_not_be_mapped_are_listed_and_their_rows_kept(say: Say, take: Take) -> None:
    decision_id = say((Verdict.OVERRIDE, "roads.gone"))
    snapshot = take()
    row = rows_of(snapshot)[decision_id]
    assert (row["topic"], row["category"]) == (None, "roads")
    assert snapshot.manifest["unmapped"] == {"unknown topic": 1}
    with snapshot.path.with_name(snapshot.manifest["unmapped_file"]).open() as file:
        (listed,) = csv.DictReader(file)
    assert (listed["line"], listed["decision_id"]) == ("1", decision_id)
    assert (listed["level"], listed["label"]) == ("topic", "roads.gone")


def test_history_is_added_but_for_what_the_store_tells_of(
    say: Say, take: Take, tmp_path: Path
) -> None:
    decision_id = say((Verdict.OVERRIDE, OTHER), appeal_id="109-1")
    rows = [["id", "text", "topic"], ["109-1", TEXT, TOPIC], ["109-2", "снег не убирают", TOPIC]]
    snapshot = take(history=[str(write_csv(tmp_path / "old.csv", rows))])
    found = rows_of(snapshot)
    assert found.keys() == {decision_id, "109-2"}
    assert found["109-2"]["label_source"] == "history"
    assert found["109-2"]["language"] == "ru"
    assert snapshot.manifest["left_out"] == {"in the store as well": 1}
    # A snapshot is history to the next one, with its sources and weights.
    again = take("t.parquet", history=[str(snapshot.path)])
    assert rows_of(again).keys() == found.keys()
    assert rows_of(again)["109-2"]["label_source"] == "history"


def test_same_store_and_period_give_the_same_bytes(say: Say, take: Take) -> None:
    for _ in range(3):
        say((Verdict.ACCEPT, TOPIC), text="снег не убирают во дворе")
    say((Verdict.ACCEPT, TOPIC))
    one, two = take("one.parquet"), take("two.parquet")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.manifest == two.manifest
    assert one.manifest["sha256"] == file_sha256(one.path)
    assert (one.manifest["rows"], one.manifest["groups"]) == (4, 2)
    written = one.path.with_name("one.parquet.manifest.json").read_text(encoding="utf-8")
    assert json.loads(written) == one.manifest


def test_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidTrainingDataError, match="is not before --until"):
        Period(NOW, datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "history", "message"),
    [
        ("s.csv", [], "must end in .parquet"),
        ("there.parquet", [], "there.parquet: exists"),
        ("s.parquet", ["none.csv"], "none.csv: No such file"),
        ("s.parquet", ["there.parquet"], "can't be read as Parquet"),
    ],
)
def test_snapshot_that_can_not_be_taken_leaves_nothing(
    take: Take, tmp_path: Path, name: str, history: list[str], message: str
) -> None:
    (tmp_path / "there.parquet").write_text("precious", encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises((InvalidTrainingDataError, InvalidRecordsError), match=re.escape(message)):
        take(name, history=[str(tmp_path / one) for one in history])
    assert {path.name for path in tmp_path.iterdir()} == before
