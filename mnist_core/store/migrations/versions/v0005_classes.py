"""Classes that a teacher leads, their seats, and what the seats hand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Create the tables."""
    op.create_table(
        "playground_classes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("code", sa.String(6), unique=True),
        sa.Column("wall", sa.String(64), nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("task", sa.String(12), nullable=False),
        sa.Column("phase", sa.String(8), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("doors", sa.Boolean, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("moved", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
    )
    op.create_table(
        "playground_seats",
        sa.Column("class", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("redrawn", sa.Boolean, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("hand", sa.Double),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.UniqueConstraint("class", "token"),
        sa.UniqueConstraint("class", "name"),
        sa.ForeignKeyConstraint(["class"], ["playground_classes.id"], ondelete="CASCADE"),
    )
    op.create_table(
        "playground_entries",
        sa.Column("class", sa.String(32), primary_key=True),
        sa.Column("task", sa.String(12), primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seat", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("choice", sa.Integer),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["class", "seat"], ["playground_seats.class", "playground_seats.number"], ondelete="CASCADE"
        ),
    )
