"""The tables: every row belongs to a city, and every key begins with it.

Codes and ids are text. JSON is the generic type, so that PostgreSQL keeps numbers as they were
written; JSONB would turn them into decimals, and a digest of the row would change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy
from sqlalchemy import (
    JSON,
    BigInteger,
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


def bare(table: type[Table]) -> sqlalchemy.Table:
    """Return a table as such: rows put into it that nobody reads again don't pass the ORM."""
    return cast("sqlalchemy.Table", table.__table__)


class CityTable(Table):
    """A city, and the head of its ledger: the last event's sequence and hash."""

    __tablename__ = "cities"

    code: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    head_sequence: Mapped[int] = mapped_column(default=0)
    head_hash: Mapped[str] = mapped_column(default=GENESIS_HASH)


class AppealTable(Table):
    """An appeal as it came in; `id` is that of the one decision made on it.

    Once its text is purged, `original_digest` is the digest that its decision had before.
    """

    __tablename__ = "appeals"
    __table_args__ = (
        UniqueConstraint("city", "appeal_id"),
        Index("ix_appeals_sender", "city", "sender"),
    )

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
    sender: Mapped[str | None]
    submitted_by: Mapped[str | None]
    purged_at: Mapped[datetime | None]
    original_digest: Mapped[str | None]


class RequestKeyTable(Table):
    """An idempotency key that an appeal was sent with, and the decision that it got."""

    __tablename__ = "request_keys"
    __table_args__ = (
        ForeignKeyConstraint(["city", "decision_id"], ["appeals.city", "appeals.id"]),
    )

    city: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    decision_id: Mapped[str]


_FILTERED = (
    "urgent",
    "category",
    "topic",
    "enterprise",
    "district",
    "language",
    "channel",
    "action",
    "model_version",
    "search_row",
)


def _newest_first(column: str) -> Index:
    return Index(f"ix_decisions_{column}", "city", column, "decided_at", "id")


class DecisionTable(Table):
    """A decision; only `version`, `review_state` and `waits` change, with each review.

    `waits` says that a person is still to look: nothing was routed, and nobody has reviewed it.
    Those are looked at in the order of `queue_key`, the most pressing first.

    What the route, levels, urgency and versions hold in full stands beside them as columns of
    its own where decisions are filtered by it. `ix_decisions_queue` and `ix_decisions_newest` hold
    all of these behind the order that they have: of rows that match no filter, the index is read
    alone, so that even a filter that nearly nothing matches is answered soon.

    `search_row` is the row of `appeal_stems` by which the appeal is found; None once it is purged.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["city", "id"], ["appeals.city", "appeals.id"]),
        Index("ix_decisions_newest", "city", "decided_at", "id", "waits", "queue_key", *_FILTERED),
        Index("ix_decisions_due_at", "city", "due_at"),
        Index("ix_decisions_queue", "city", "waits", "queue_key", "id", "decided_at", *_FILTERED),
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
    district: Mapped[str | None]
    channel: Mapped[str | None]
    urgent: Mapped[bool]
    probability: Mapped[float]
    queue_key: Mapped[str]
    model_version: Mapped[str]
    waits: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1)
    review_state: Mapped[str] = mapped_column(default="none")
    search_row: Mapped[int | None] = mapped_column(BigInteger)

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


class PersonTable(Table):
    """Somebody who may sign in; without a password only by a link or by OpenID Connect."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("city", "subject"),)

    city: Mapped[str] = mapped_column(ForeignKey("cities.code"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    password_hash: Mapped[str | None]
    subject: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


def _of_person() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["city", "person_id"], ["people.city", "people.id"])


class LoginTable(Table):
    """A person who is signed in, in one browser; the token itself is nowhere kept."""

    __tablename__ = "logins"
    __table_args__ = (_of_person(),)

    city: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str]
    csrf_token: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class LoginLinkTable(Table):
    """A link that signs a person in once."""

    __tablename__ = "login_links"
    __table_args__ = (_of_person(),)

    city: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginFailureTable(Table):
    """A sign-in that failed, under whatever name was given."""

    __tablename__ = "login_failures"
    __table_args__ = (
        Index("ix_login_failures_name", "city", "name", "at"),
        Index("ix_login_failures_address", "city", "address", "at"),
    )

    city: Mapped[str] = mapped_column(ForeignKey("cities.code"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime]


class ApiKeyTable(Table):
    """A machine's key; the key itself is shown once and kept as a hash."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("city", "secret_hash"),)

    city: Mapped[str] = mapped_column(ForeignKey("cities.code"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    per_minute: Mapped[int | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    revoked_at: Mapped[datetime | None]


class AuditDrawTable(Table):
    """A decision routed without a person that was drawn to be checked blind.

    `share` is the probability with which it was drawn. What a check found stands in the columns
    from `checked_at` on, null until then.
    """

    __tablename__ = "audit_draws"
    __table_args__ = (
        ForeignKeyConstraint(["city", "decision_id"], ["decisions.city", "decisions.id"]),
        Index("ix_audit_draws_checked_at", "city", "checked_at", "drawn_at"),
    )

    city: Mapped[str] = mapped_column(primary_key=True)
    decision_id: Mapped[str] = mapped_column(primary_key=True)
    stratum: Mapped[str]
    share: Mapped[float]
    drawn_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    checker: Mapped[str | None]
    category: Mapped[str | None]
    topic: Mapped[str | None]
    enterprise: Mapped[str | None]
    right: Mapped[bool | None]


class ShadowDecisionTable(Table):
    """What a challenger would have decided; never shown as the decision."""

    __tablename__ = "shadow_decisions"
    __table_args__ = (
        ForeignKeyConstraint(["city", "decision_id"], ["decisions.city", "decisions.id"]),
        Index("ix_shadow_decisions_model", "city", "model_name", "model_version", "at"),
    )

    city: Mapped[str] = mapped_column(primary_key=True)
    decision_id: Mapped[str] = mapped_column(primary_key=True)
    model_name: Mapped[str] = mapped_column(primary_key=True)
    model_version: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str | None]
    topic: Mapped[str | None]
    enterprise: Mapped[str | None]
    probability: Mapped[float]
    action: Mapped[str]
    at: Mapped[datetime]


class PolicyTable(Table):
    """A policy that somebody set; the one of the highest version holds."""

    __tablename__ = "policies"

    city: Mapped[str] = mapped_column(ForeignKey("cities.code"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    numbers: Mapped[dict[str, Any]]
    actor: Mapped[str]
    reason: Mapped[str]
    set_at: Mapped[datetime]
