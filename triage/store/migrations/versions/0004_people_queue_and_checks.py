"""People and keys, the queue, the audit sample, challengers' decisions and policies."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_BATCH = 1_000
_TABLES = (
    "policies",
    "shadow_decisions",
    "audit_draws",
    "api_keys",
    "login_failures",
    "login_links",
    "logins",
    "people",
)
_QUEUES = ((), ("category",), ("enterprise",))


def upgrade() -> None:
    """Add the columns, fill them, and create the tables."""
    for name in ("sender", "submitted_by", "original_digest"):
        op.add_column("appeals", sa.Column(name, sa.String(), nullable=True))
    op.add_column("appeals", sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_appeals_sender", "appeals", ["city", "sender"])
    _add_queue()
    _create_access()
    _create_checks()


def downgrade() -> None:
    """Drop the tables and columns, and what they hold."""
    for table in _TABLES:
        op.drop_table(table)
    for columns in _QUEUES:
        op.drop_index(_queue_name(columns), "decisions")
    for name in ("waits", "queue_key", "probability"):
        op.drop_column("decisions", name)
    op.drop_index("ix_appeals_sender", "appeals")
    for name in ("purged_at", "original_digest", "submitted_by", "sender"):
        op.drop_column("appeals", name)


def _queue_name(columns: tuple[str, ...]) -> str:
    return "_".join(("ix_decisions_queue", *columns))


def _add_queue() -> None:
    """Add the columns of the queue; they begin with a default, for rows may be there."""
    for column in (
        sa.Column("probability", sa.Double(), nullable=False, server_default="0"),
        sa.Column("queue_key", sa.String(), nullable=False, server_default=""),
        sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("decisions", column)
    _fill_queue()
    # SQLite would have to copy the table, which it can't while reviews refer to it; it keeps them.
    if op.get_bind().dialect.name != "sqlite":
        for name in ("probability", "queue_key", "waits"):
            op.alter_column("decisions", name, server_default=None)
    for columns in _QUEUES:
        op.create_index(
            _queue_name(columns), "decisions", ["city", "waits", *columns, "queue_key", "id"]
        )


def _fill_queue() -> None:
    decisions = sa.table(
        "decisions",
        *(sa.column(name) for name in ("city", "id", "action", "review_state", "urgent")),
        sa.column("due_at", sa.DateTime(timezone=True)),
        sa.column("route", sa.JSON()),
        sa.column("probability"),
        sa.column("queue_key"),
        sa.column("waits", sa.Boolean()),
    )
    connection = op.get_bind()
    last = ("", "")
    while True:
        found = connection.execute(
            sa.select(decisions)
            .where(sa.tuple_(decisions.c.city, decisions.c.id) > last)
            .order_by(decisions.c.city, decisions.c.id)
            .limit(_BATCH)
        ).all()
        for row in found:
            probability = row.route["probability"]
            connection.execute(
                sa.update(decisions)
                .where(decisions.c.city == row.city, decisions.c.id == row.id)
                .values(
                    probability=probability,
                    queue_key=_queue_key(row.urgent, row.due_at, probability),
                    waits=row.action != "auto" and row.review_state == "none",
                )
            )
        if len(found) < _BATCH:
            return
        last = (found[-1].city, found[-1].id)


def _queue_key(urgent: bool, due_at: datetime | None, probability: float) -> str:
    # As of `triage.store.rows.queue_key` when this migration was made.
    due = f"{due_at:%Y%m%d%H%M%S}" if due_at else "9" * 14
    return f"{int(not urgent)}{due}{round(probability * 1_000_000):07d}"


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_city(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["city"], ["cities.code"], name=f"fk_{table}_cities")


def _of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["city", "person_id"], ["people.city", "people.id"], name=f"fk_{table}_people"
    )


def _of_decision(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["city", "decision_id"], ["decisions.city", "decisions.id"], name=f"fk_{table}_decisions"
    )


def _create_access() -> None:
    op.create_table(
        "people",
        _text("city"),
        _text("id"),
        _text("role"),
        _text("password_hash", nullable=True),
        _text("subject", nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("city", "id", name="pk_people"),
        sa.UniqueConstraint("city", "subject", name="uq_people_city_subject"),
        _of_city("people"),
    )
    op.create_table(
        "logins",
        _text("city"),
        _text("token_hash"),
        _text("person_id"),
        _text("csrf_token"),
        _time("created_at"),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("city", "token_hash", name="pk_logins"),
        _of_person("logins"),
    )
    op.create_table(
        "login_links",
        _text("city"),
        _text("token_hash"),
        _text("person_id"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("city", "token_hash", name="pk_login_links"),
        _of_person("login_links"),
    )
    op.create_table(
        "login_failures",
        _text("city"),
        _text("id"),
        _text("name"),
        _text("address"),
        _time("at"),
        sa.PrimaryKeyConstraint("city", "id", name="pk_login_failures"),
        _of_city("login_failures"),
    )
    for column in ("name", "address"):
        op.create_index(f"ix_login_failures_{column}", "login_failures", ["city", column, "at"])
    op.create_table(
        "api_keys",
        _text("city"),
        _text("id"),
        _text("secret_hash"),
        _text("name"),
        _text("role"),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        _time("created_at"),
        _text("created_by"),
        _time("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("city", "id", name="pk_api_keys"),
        sa.UniqueConstraint("city", "secret_hash", name="uq_api_keys_city_secret_hash"),
        _of_city("api_keys"),
    )


def _create_checks() -> None:
    op.create_table(
        "audit_draws",
        _text("city"),
        _text("decision_id"),
        _text("stratum"),
        sa.Column("share", sa.Double(), nullable=False),
        _time("drawn_at"),
        _time("checked_at", nullable=True),
        *(_text(name, nullable=True) for name in ("checker", "category", "topic", "enterprise")),
        sa.Column("right", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("city", "decision_id", name="pk_audit_draws"),
        _of_decision("audit_draws"),
    )
    op.create_index("ix_audit_draws_checked_at", "audit_draws", ["city", "checked_at", "drawn_at"])
    op.create_table(
        "shadow_decisions",
        *(_text(name) for name in ("city", "decision_id", "model_name", "model_version")),
        *(_text(name, nullable=True) for name in ("category", "topic", "enterprise")),
        sa.Column("probability", sa.Double(), nullable=False),
        _text("action"),
        _time("at"),
        sa.PrimaryKeyConstraint(
            "city", "decision_id", "model_name", "model_version", name="pk_shadow_decisions"
        ),
        _of_decision("shadow_decisions"),
    )
    op.create_index(
        "ix_shadow_decisions_model",
        "shadow_decisions",
        ["city", "model_name", "model_version", "at"],
    )
    op.create_table(
        "policies",
        _text("city"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        _text("actor"),
        _text("reason"),
        _time("set_at"),
        sa.PrimaryKeyConstraint("city", "version", name="pk_policies"),
        _of_city("policies"),
    )
