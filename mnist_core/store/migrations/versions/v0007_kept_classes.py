"""What is kept of an ended class, without its seats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0007"
down_revision = "0006"


def upgrade(op: Operations) -> None:
    """Add the column."""
    op.add_column("playground_classes", sa.Column("kept", sa.Text))
