"""Search of the queue by words, and the stems that it goes by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from queue_cases import MakeDecision, ids, queue_of
from sqlalchemy import Engine, select, text
from stored import add, add_decision, append_decision

from triage import audit
from triage.appeal import Action, Review
from triage.queue import Queue
from triage.store import reviews, rows, search
from triage.store.migrate import alembic_config, migrate
from triage.store.sessions import Sessions, make_engine, make_sessions
from triage.store.tables import DecisionTable

TABLE = Path(__file__).parent / "data" / "search.tsv"
SEARCHES = [
    line.split("\t")
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]

MakeReview = Callable[..., Review]


def test_search_table_of_both_languages_comes_out_as_told(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    by_text = {
        (language, words): make_waiting(text=words, language=language)
        for language, words, _, _ in SEARCHES
    }
    add(sessions, *by_text.values())
    wrong = [
        (words, query, wanted)
        for language, words, query, wanted in SEARCHES
        if (by_text[language, words].id in ids(queue, search=query)) is not (wanted == "yes")
    ]
    assert {wanted for *_, wanted in SEARCHES} == {"yes", "no"}
    assert wrong == []


@pytest.mark.parametrize(
    "hostile",
    [
        "'; DROP TABLE appeals; --",
        '" OR rowid > 0 OR "',
        "снег' | 'лифт",
        "appeal_stems MATCH * ^ - + : { } ( ) \\",
        "AND OR NOT NEAR",
        "🥶👩‍👩‍👧‍👦",
        "щ" * 10_000,
        "а б " * 2_500,
        "雪 ﷽ Ǆ İ ß ǅ ⅷ ² ٣",
    ],
    ids=lambda hostile: ascii(hostile[:12]),
)
def test_search_hostile_query_finds_nothing_and_does_no_harm(
    hostile: str, sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    decision = make_waiting(text="снег")
    add(sessions, decision)
    assert ids(queue, search=hostile) == []
    assert ids(queue, search="снег") == [decision.id]


@pytest.mark.parametrize("words", ["雪 ﷽ Ǆ İ ß ⅷ ² ٣", "'\"\\ : & | ! *", "щ" * 20_000, "?", "🥶"])
def test_add_any_text_is_stored(
    words: str, sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    decision = make_waiting(text=words)
    add(sessions, decision)
    assert ids(queue) == [decision.id]


def test_search_blank_does_not_narrow(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    decision = make_waiting()
    add(sessions, decision)
    assert ids(queue, search="  \n") == [decision.id]


def test_remove_appeal_is_found_by_no_word_any_more(
    sessions: Sessions, queue: Queue, engine: Engine, make_waiting: MakeDecision
) -> None:
    purged, kept = make_waiting(text="подозрительный снег"), make_waiting(text="снег")
    add(sessions, purged, kept)
    for _ in range(2):  # a second time finds nothing to do
        with sessions.write.begin() as session:
            search.remove(session, city="astana", decision_id=purged.id)
            search.compact(session)
    assert ids(queue, search="снег") == [kept.id]
    assert set(ids(queue)) == {purged.id, kept.id}
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            blocks = connection.exec_driver_sql("SELECT block FROM appeal_stems_data").scalars()
            assert not any(b"podozritel" in block for block in blocks)


def test_remove_decision_of_another_city_stays(
    sessions: Sessions, queue: Queue, make_waiting: MakeDecision
) -> None:
    decision = make_waiting()
    add(sessions, decision)
    with sessions.write.begin() as session:
        search.remove(session, city="almaty", decision_id=decision.id)
    assert ids(queue, search="снег") == [decision.id]


def test_add_rolled_back_leaves_no_stems(
    sessions: Sessions, engine: Engine, make_waiting: MakeDecision
) -> None:
    with sessions.write() as session:
        add_decision(session, city="astana", decision=make_waiting())
        session.rollback()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM appeal_stems")).scalar() == 0


def test_migrate_rows_of_before_are_filled_and_stay_through_a_downgrade(
    empty_store_url: str, make_waiting: MakeDecision, make_review: MakeReview
) -> None:
    engine = make_engine(empty_store_url)
    migrate(engine)
    sessions = make_sessions(engine)
    queue = queue_of(sessions)
    waiting = make_waiting(urgent=True, text="Уберите снег", language="ru")
    reviewed = make_waiting(text="Көшедегі қарды тазалаңыз", language="kk")
    routed = make_waiting(action=Action.AUTO, text="лифт")
    with sessions.write.begin() as session:
        for decision in (waiting, reviewed, routed):
            add_decision(session, city="astana", decision=decision)
            append_decision(session, city="astana", decision=decision, actor="ikomek")
        review = make_review(reviewed.id)
        version = reviews.add(session, city="astana", review=review, expected_version=1)
        audit.append_review(session, city="astana", review=review, version=version)
    copies = sorted(rows.filter_columns(waiting))

    def columns() -> list[Any]:
        names = [getattr(DecisionTable, name) for name in (*copies, "id", "waits")]
        with sessions.read() as session:
            return sorted(map(tuple, session.execute(select(*names))))

    before = columns()
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0003")
    migrate(engine)
    assert columns() == before
    assert ids(queue) == [waiting.id]
    assert ids(queue, search="снега") == [waiting.id]
    assert ids(queue, search="қар", waiting=False) == [reviewed.id]
    with sessions.read() as session:
        assert audit.verify(session, city="astana") == 4
    engine.dispose()
