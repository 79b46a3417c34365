"""The tables: every row belongs to a city, and every key begins with it.

Codes and ids are text. JSON is the generic type, so that PostgreSQL keeps numbers as they were
written; JSONB would turn them into decimals, and a digest of the row would change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

GENESIS_HASH = "0" * 64
"""What the first ledger event of a city has before it."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept and given back in UTC; a naive one is refused.

    SQLite has no time zones: there the column holds UTC without saying so.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a value into UTC on its way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"datetime without a time zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a value into UTC on its way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy's own contract for the attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
    }


class CityTable(Table):
    """A city, and the head of its ledger: the last event's sequence and hash."""

    __tablename__ = "cities"

    code: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    head_sequence: Mapped[int] = mapped_column(default=0)
    head_hash: Mapped[str] = mapped_column(default=GENESIS_HASH)


class AppealTable(Table):
    """An appeal as it came in; `id` is that of the one decision made on it."""

    __tablename__ = "appeals"
    __table_args__ = (UniqueConstraint("city", "appeal_id"),)

    city: Mapped[str] = mapped_column(ForeignKey("cities.code"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    appeal_id: Mapped[str | None]
    input_hash: Mapped[str]
    text: Mapped[str]
    received_at: Mapped[datetime | None]
    channel: Mapped[str | None]
    language: Mapped[str | None]
    address: Mapped[str | None]
    district: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


def _newest_first(column: str) -> Index:
    return Index(f"ix_decisions_{column}", "city", column, "decided_at", "id")


class DecisionTable(Table):
    """A decision; only `version` and `review_state` change, with each review.

    What the route, levels, urgency and versions hold in full stands beside them as columns of
    its own where decisions are filtered by it. Language, channel and district have few values,
    each of them frequent: walking `ix_decisions_newest` fills a page soon without their own index.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["city", "id"], ["appeals.city", "appeals.id"]),
        Index("ix_decisions_newest", "city", "decided_at", "id"),
        Index("ix_decisions_due_at", "city", "due_at"),
        *map(
            _newest_first,
            (
                "action",
                "category",
                "topic",
                "enterprise",
                "urgent",
                "model_version",
                "review_state",
            ),
        ),
    )

    city: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime]
    language: Mapped[str]
    action: Mapped[str]
    reason_code: Mapped[str]
    reason: Mapped[dict[str, Any]]
    levels: Mapped[dict[str, Any]]
    secondary: Mapped[dict[str, Any] | None]
    route: Mapped[dict[str, Any]]
    urgency: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]
    shortlists: Mapped[dict[str, Any] | None]
    due_at: Mapped[datetime | None]
    category: Mapped[str | None]
    topic: Mapped[str | None]
    enterprise: Mapped[str | None]
    urgent: Mapped[bool]
    model_version: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    review_state: Mapped[str] = mapped_column(default="none")

    appeal: Mapped[AppealTable] = relationship(viewonly=True, lazy="raise")
    reviews: Mapped[list[ReviewTable]] = relationship(
        viewonly=True, lazy="raise", order_by="ReviewTable.version"
    )


class ReviewTable(Table):
    """A review, never changed; `version` is the decision's version that it made."""

    __tablename__ = "reviews"
    __table_args__ = (
        ForeignKeyConstraint(["city", "decision_id"], ["decisions.city", "decisions.id"]),
        UniqueConstraint("city", "decision_id", "version"),
    )

    city: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    decision_id: Mapped[str]
    version: Mapped[int]
    verdict: Mapped[str]
    reviewer: Mapped[str]
    reviewed_at: Mapped[datetime]
    category: Mapped[str | None]
    topic: Mapped[str | None]
    enterprise: Mapped[str | None]
    reason: Mapped[str | None]


class LedgerEventTable(Table):
    """An event of a city's ledger, never changed; what `hash` covers is told in `triage.audit`."""

    __tablename__ = "ledger_events"
    __table_args__ = (Index("ix_ledger_events_subject", "city", "kind", "subject_id"),)

    city: Mapped[str] = mapped_column(ForeignKey("cities.code"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject_id: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]
