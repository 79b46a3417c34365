"""Idempotency keys of requests."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "request_keys",
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("city", "actor", "key", name="pk_request_keys"),
        sa.ForeignKeyConstraint(
            ["city", "decision_id"], ["appeals.city", "appeals.id"], name="fk_request_keys_appeals"
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("request_keys")
