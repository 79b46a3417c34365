"""Search by words, and indexes by which the queue pages fast whatever it is narrowed to."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from triage.search import stems

revision = "0005"
down_revision = "0004"

_BATCH = 1_000
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
_INDEXES = {
    "ix_decisions_newest": ("city", "decided_at", "id", "waits", "queue_key", *_FILTERED),
    "ix_decisions_queue": ("city", "waits", "queue_key", "id", "decided_at", *_FILTERED),
}
_OLD_INDEXES = {
    "ix_decisions_newest": ("city", "decided_at", "id"),
    "ix_decisions_queue": ("city", "waits", "queue_key", "id"),
    "ix_decisions_queue_category": ("city", "waits", "category", "queue_key", "id"),
    "ix_decisions_queue_enterprise": ("city", "waits", "enterprise", "queue_key", "id"),
}
_STEMS = sa.table("appeal_stems", sa.column("rowid"), sa.column("stems"))
_APPEALS = sa.table(
    "appeals",
    *(sa.column(name) for name in ("city", "id", "text", "district", "channel", "purged_at")),
)
_DECISIONS = sa.table(
    "decisions",
    *(sa.column(name) for name in ("city", "id", "language", "district", "channel")),
    sa.column("route", sa.JSON()),
    sa.column("search_row"),
)


def upgrade() -> None:
    """Add the columns and the stems, fill them, and put wider indexes in place of the old."""
    for name in ("district", "channel"):
        op.add_column("decisions", sa.Column(name, sa.String(), nullable=True))
    op.add_column("decisions", sa.Column("search_row", sa.BigInteger(), nullable=True))
    _create_stems()
    _fill()
    _replace_indexes(_OLD_INDEXES, _INDEXES)


def downgrade() -> None:
    """Drop the stems and the columns, and put the old indexes back."""
    _replace_indexes(_INDEXES, _OLD_INDEXES)
    op.drop_table("appeal_stems")
    for name in ("search_row", "channel", "district"):
        op.drop_column("decisions", name)


def _replace_indexes(
    old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]
) -> None:
    for name in old:
        op.drop_index(name, "decisions")
    for name, columns in new.items():
        op.create_index(name, "decisions", list(columns))


def _create_stems() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # `ascii` takes all letters beyond ASCII for letters, so that a stem is always one token.
        op.execute(
            "CREATE VIRTUAL TABLE appeal_stems USING"
            " fts5(stems, tokenize = ascii, detail = none, columnsize = 0, prefix = '4')"
        )
        return
    op.create_table(
        "appeal_stems",
        sa.Column("rowid", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stems", TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("rowid", name="pk_appeal_stems"),
    )
    op.create_index(
        "ix_appeal_stems",
        "appeal_stems",
        ["stems"],
        postgresql_using="gin",
        # Else new rows gather in a list that every search reads through.
        postgresql_with={"fastupdate": "off"},
    )


def _fill() -> None:
    connection = op.get_bind()
    of_decision = (_APPEALS.c.city == _DECISIONS.c.city, _APPEALS.c.id == _DECISIONS.c.id)
    query = (
        sa.select(
            _DECISIONS.c.city,
            _DECISIONS.c.id,
            _DECISIONS.c.language,
            _DECISIONS.c.route,
            *(_APPEALS.c[name] for name in ("text", "district", "channel", "purged_at")),
        )
        .join_from(_DECISIONS, _APPEALS, sa.and_(*of_decision))
        .order_by(_DECISIONS.c.city, _DECISIONS.c.id)
        .limit(_BATCH)
    )
    last = ("", "")
    while True:
        found = connection.execute(
            query.where(sa.tuple_(_DECISIONS.c.city, _DECISIONS.c.id) > last)
        ).all()
        for row in found:
            _fill_decision(connection, row)
        if len(found) < _BATCH:
            return
        last = (found[-1].city, found[-1].id)


def _fill_decision(connection: sa.Connection, row: sa.Row[Any]) -> None:
    # As of `triage.store.rows.district` when this migration was made.
    named = [place["normal"] for place in row.route["places"] if place["kind"] == "district"]
    search_row = None
    if row.purged_at is None:
        search_row = _add_stems(connection, stems(row.text, row.language))
    connection.execute(
        sa.update(_DECISIONS)
        .where(_DECISIONS.c.city == row.city, _DECISIONS.c.id == row.id)
        .values(
            district=row.district or next(iter(named), None),
            channel=row.channel,
            search_row=search_row,
        )
    )


def _add_stems(connection: sa.Connection, found: tuple[str, ...]) -> int:
    # As of `triage.store.search.add` when this migration was made.
    if connection.dialect.name == "sqlite":
        row = sa.insert(_STEMS).values(stems=" ".join(found))
        return int(connection.execute(row).lastrowid)
    values = sa.func.array_to_tsvector(sa.cast(list(found), sa.ARRAY(sa.Text)))
    row = sa.insert(_STEMS).values(stems=values)
    return int(connection.execute(row.returning(_STEMS.c.rowid)).scalar_one())
