"""Shortlists of decisions; null on those that were made before there were any."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("decisions", sa.Column("shortlists", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop the column, and the shortlists with it."""
    op.drop_column("decisions", "shortlists")
