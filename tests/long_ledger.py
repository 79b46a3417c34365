"""Ledgers of any length, made fast: real decisions told again and again under other ids."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from filled_service import starter_rows
from sqlalchemy import Engine, insert
from uuid_utils import uuid7

from api.bootstrap import build_service
from models.registry import ModelRegistry
from triage.appeal import Action, Appeal, Decision, Review, Verdict
from triage.config import Settings
from triage.entries import Kind, decision_payload, digest, draw_payload, review_payload
from triage.store import cities, rows
from triage.store.cities import Head
from triage.store.decisions import REVIEW_STATES
from triage.store.sessions import make_sessions
from triage.store.tables import (
    AppealTable,
    DecisionTable,
    LedgerEventTable,
    ReviewTable,
    Table,
)

BATCH = 2_000
TEMPLATES = 200
REVIEWED = 0.1
START = datetime(2025, 1, 1, tzinfo=UTC)
ACTOR = "key:ikomek"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of a ledger, and the rows that it records by table, parents first."""

    event: Row
    recorded: dict[type[Table], Row]


def real_decisions(settings: Settings, engine: Engine, count: int = TEMPLATES) -> list[Decision]:
    """Have the configured model decide on appeals of the starter data; nothing is stored."""
    registry = ModelRegistry(settings.tracking_uri, settings.artifact_folder)
    serving = build_service(settings, engine).prepare(registry.load(settings.model))
    appeals = [Appeal(text=row["text"]) for row in starter_rows(count, "appeals_more.jsonl")]
    return [serving.decide(appeal, decision_id=str(uuid7()), at=START) for appeal in appeals]


def fill(engine: Engine, city: str, templates: Sequence[Decision], count: int) -> None:
    """Add so many entries to a ledger, with all the rows that they record."""
    entries = _entries(city, templates, count)
    sessions = make_sessions(engine)
    with sessions.write.begin() as session:
        last = cities.lock(session, city=city)
    while batch := list(islice(entries, BATCH)):
        events = []
        for entry in batch:
            fields = entry.event | {"sequence": last.sequence + 1, "previous_hash": last.hash}
            last = Head(last.sequence + 1, digest(fields))
            events.append(fields | {"hash": last.hash})
        with sessions.write.begin() as session:
            for table in (AppealTable, DecisionTable, ReviewTable):
                found = [entry.recorded[table] for entry in batch if table in entry.recorded]
                if found:
                    session.execute(insert(table.__table__), found)
            session.execute(insert(LedgerEventTable.__table__), events)
            cities.move_head(session, city=city, head=last)


def _entries(city: str, templates: Sequence[Decision], count: int) -> Iterator[Entry]:
    """Yield decisions, a tenth of them followed by a review."""
    rng = random.Random(7)
    columns = [(rows.appeal_columns(one), rows.decision_columns(one)) for one in templates]
    made = 0
    while made < count:
        number = rng.randrange(len(templates))
        at = START + timedelta(seconds=20 * made)
        decision = replace(templates[number], id=str(uuid7()), decided_at=at)
        review = None
        if made + 2 <= count and rng.random() < REVIEWED:
            review = _review(decision, at + timedelta(hours=1))
            made += 1
        made += 1
        yield _decided(city, decision, columns[number], review)
        if review is not None:
            yield _reviewed(city, review)


def _review(decision: Decision, at: datetime) -> Review:
    category = decision.chosen("category")
    return Review(
        id=str(uuid7()),
        decision_id=decision.id,
        verdict=Verdict.ACCEPT,
        reviewer="aigerim",
        reviewed_at=at,
        category=category and category.code,
        topic=None,
        enterprise=decision.route.enterprise,
        reason=None,
    )


def _decided(
    city: str, decision: Decision, columns: tuple[Row, Row], review: Review | None
) -> Entry:
    identity = {"city": city, "id": decision.id}
    appeal, columns_of_decision = columns
    state = {} if review is None else {"version": 2, "review_state": REVIEW_STATES[review.verdict]}
    return Entry(
        event=_event(
            city,
            Kind.DECISION_MADE,
            decision.id,
            ACTOR,
            decision.decided_at,
            decision_payload(decision) | draw_payload(None),
        ),
        recorded={
            AppealTable: appeal | identity | {"submitted_by": ACTOR},
            DecisionTable: columns_of_decision
            | identity
            | {
                "decided_at": decision.decided_at,
                "waits": review is None and decision.action is not Action.AUTO,
                "version": 1,
                "review_state": "none",
            }
            | state,
        },
    )


def _reviewed(city: str, review: Review) -> Entry:
    return Entry(
        event=_event(
            city,
            Kind.REVIEW_MADE,
            review.id,
            review.reviewer,
            review.reviewed_at,
            review_payload(review, 2),
        ),
        recorded={ReviewTable: rows.review_columns(review) | {"city": city, "version": 2}},
    )


def _event(city: str, kind: Kind, subject_id: str, actor: str, at: datetime, payload: Row) -> Row:
    return {
        "city": city,
        "kind": kind.value,
        "subject_id": subject_id,
        "actor": actor,
        "at": at,
        "payload": payload,
    }
