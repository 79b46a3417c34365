"""Decisions in a store: put there as the service does, read back, and tampered with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from triage import audit
from triage.appeal import Decision, Review
from triage.sampling import Draw
from triage.store import cities, decisions, reviews
from triage.store.decisions import DecisionFilters, Page
from triage.store.sessions import Sessions

CITY = "astana"


def add_decision(
    session: Session, *, city: str, decision: Decision, submitted_by: str | None = None
) -> None:
    """Store a decision and its appeal, and the city unless it is there."""
    cities.ensure(session, city=city)
    decisions.add_all(session, city=city, submitted=[(decision, submitted_by)])


def append_decision(
    session: Session, *, city: str, decision: Decision, actor: str, draw: Draw | None = None
) -> None:
    """Record a decision that was stored in this transaction, and its draw if there is one."""
    audit.append_all(session, city=city, entries=[audit.decision_entry(decision, actor, draw)])


def add(sessions: Sessions, *added: Decision, city: str = CITY) -> None:
    """Store decisions that no event of the ledger records."""
    with sessions.write.begin() as session:
        for decision in added:
            add_decision(session, city=city, decision=decision)


def submit(sessions: Sessions, decision: Decision, city: str = CITY) -> None:
    """Store a decision and record it."""
    with sessions.write.begin() as session:
        add_decision(session, city=city, decision=decision, submitted_by="ikomek")
        append_decision(session, city=city, decision=decision, actor="ikomek")


def add_review(sessions: Sessions, review: Review, city: str = CITY) -> None:
    """Store a review and record it."""
    with sessions.write.begin() as session:
        version = reviews.add(session, city=city, review=review, expected_version=None)
        audit.append_review(session, city=city, review=review, version=version)


def verify(sessions: Sessions, city: str = CITY) -> int:
    """Verify a city's ledger and return how many events it has."""
    with sessions.read() as session:
        return audit.verify(session, city=city)


def tamper(engine: Engine, *statements: str, **parameters: str) -> None:
    """Change rows behind the service's back, foreign keys or not."""
    # SQLite checks foreign keys only where it is asked to, as the service's own engine does.
    theirs = create_engine(engine.url, poolclass=NullPool)
    with theirs.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            done = connection.execute(text(statement), parameters)
            assert done.rowcount > 0, f"changed nothing: {statement}"


def page(
    sessions: Sessions,
    limit: int = 100,
    cursor: str | None = None,
    city: str = CITY,
    **filters: Any,
) -> Page:
    """Return a page of decisions, narrowed by filters given by name."""
    narrowed = DecisionFilters(**filters)
    with sessions.read() as session:
        return decisions.page(session, city=city, filters=narrowed, limit=limit, cursor=cursor)


def ids(found: Page) -> list[str]:
    """Return the ids of a page's decisions, in its order."""
    return [item.decision.id for item in found.items]
