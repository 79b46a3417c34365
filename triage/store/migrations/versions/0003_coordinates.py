"""Coordinates of appeals; null on those that came without."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COLUMNS = ("latitude", "longitude")


def upgrade() -> None:
    """Add the columns."""
    for name in _COLUMNS:
        op.add_column("appeals", sa.Column(name, sa.Double(), nullable=True))


def downgrade() -> None:
    """Drop the columns, and the coordinates with them."""
    for name in reversed(_COLUMNS):
        op.drop_column("appeals", name)
