"""Guesses and trained networks that seats hand in: several entries of a seat for one task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0006"
down_revision = "0005"
_KEPT = "playground_entries_kept"


def upgrade(op: Operations) -> None:
    """Build the table again: its key is longer, which SQLite cannot change."""
    op.execute(f"CREATE TABLE {_KEPT} AS SELECT * FROM playground_entries")
    op.drop_table("playground_entries")
    op.create_table(
        "playground_entries",
        sa.Column("class", sa.String(32), primary_key=True),
        sa.Column("task", sa.String(12), primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seat", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("choice", sa.Integer),
        sa.Column("guess", sa.Double),
        sa.Column("workspace", sa.String(64)),
        sa.Column("run", sa.String(64)),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["class", "seat"], ["playground_seats.class", "playground_seats.number"], ondelete="CASCADE"
        ),
    )
    columns = "class, task, round, seat, choice, created, changed"
    op.execute(f"INSERT INTO playground_entries (n, {columns}) SELECT 0, {columns} FROM {_KEPT}")
    op.drop_table(_KEPT)
