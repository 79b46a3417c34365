"""Cities, appeals, decisions, reviews and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_FILTERS = (
    "action",
    "category",
    "topic",
    "enterprise",
    "urgent",
    "model_version",
    "review_state",
)


def upgrade() -> None:
    """Create the tables."""
    _create_cities()
    _create_appeals()
    _create_decisions()
    _create_reviews()
    _create_ledger_events()


def downgrade() -> None:
    """Drop the tables, children first."""
    for table in ("ledger_events", "reviews", "decisions", "appeals", "cities"):
        op.drop_table(table)


def _create_cities() -> None:
    op.create_table(
        "cities",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column("head_sequence", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_cities"),
    )


def _create_appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("appeal_id", sa.String()),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.Column("channel", sa.String()),
        sa.Column("language", sa.String()),
        sa.Column("address", sa.String()),
        sa.Column("district", sa.String()),
        sa.PrimaryKeyConstraint("city", "id", name="pk_appeals"),
        sa.ForeignKeyConstraint(["city"], ["cities.code"], name="fk_appeals_cities"),
        sa.UniqueConstraint("city", "appeal_id", name="uq_appeals_city_appeal_id"),
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("secondary", sa.JSON(), nullable=True),
        sa.Column("route", sa.JSON(), nullable=False),
        sa.Column("urgency", sa.JSON(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("category", sa.String()),
        sa.Column("topic", sa.String()),
        sa.Column("enterprise", sa.String()),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("review_state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("city", "id", name="pk_decisions"),
        sa.ForeignKeyConstraint(
            ["city", "id"], ["appeals.city", "appeals.id"], name="fk_decisions_appeals"
        ),
    )
    op.create_index("ix_decisions_newest", "decisions", ["city", "decided_at", "id"])
    op.create_index("ix_decisions_due_at", "decisions", ["city", "due_at"])
    for column in _FILTERS:
        op.create_index(f"ix_decisions_{column}", "decisions", ["city", column, "decided_at", "id"])


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("category", sa.String()),
        sa.Column("topic", sa.String()),
        sa.Column("enterprise", sa.String()),
        sa.Column("reason", sa.String()),
        sa.PrimaryKeyConstraint("city", "id", name="pk_reviews"),
        sa.ForeignKeyConstraint(
            ["city", "decision_id"],
            ["decisions.city", "decisions.id"],
            name="fk_reviews_decisions",
        ),
        sa.UniqueConstraint(
            "city", "decision_id", "version", name="uq_reviews_city_decision_id_version"
        ),
    )


def _create_ledger_events() -> None:
    op.create_table(
        "ledger_events",
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("city", "sequence", name="pk_ledger_events"),
        sa.ForeignKeyConstraint(["city"], ["cities.code"], name="fk_ledger_events_cities"),
    )
    op.create_index("ix_ledger_events_subject", "ledger_events", ["city", "kind", "subject_id"])
