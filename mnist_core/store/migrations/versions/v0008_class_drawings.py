"""Drawings that the seats of a class hand in, and pretend students."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0008"
down_revision = "0007"


def upgrade(op: Operations) -> None:
    """Add what holds a drawing, whether a seat is pretended, and which tasks were shown."""
    op.add_column("playground_entries", sa.Column("label", sa.Integer))
    op.add_column("playground_entries", sa.Column("data", sa.LargeBinary))
    op.add_column("playground_entries", sa.Column("hidden", sa.Boolean))
    op.add_column("playground_classes", sa.Column("shown", sa.Text, nullable=False, server_default=""))
    op.add_column("playground_seats", sa.Column("pretend", sa.Boolean, nullable=False, server_default=sa.false()))
