"""The tasks that were over before a seat of a class was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0010"
down_revision = "0009"


def upgrade(op: Operations) -> None:
    """Add the column. Seats that there are have missed nothing, as far as is known."""
    op.add_column("playground_seats", sa.Column("missed", sa.Text, nullable=False, server_default=""))
