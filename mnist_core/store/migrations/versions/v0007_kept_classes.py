"""What is kept of an ended class, without its seats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0007"
down_revision = "0006"


def upgrade(op: Operations) -> None:
    """Add the column. Classes that have ended lose their seats, as later ones do at their end."""
    op.add_column("playground_classes", sa.Column("kept", sa.Text))
    ended = "SELECT id FROM playground_classes WHERE ended IS NOT NULL"
    op.execute(f"DELETE FROM playground_entries WHERE class IN ({ended})")
    op.execute(f"DELETE FROM playground_seats WHERE class IN ({ended})")
    op.execute("UPDATE playground_classes SET kept = '[]' WHERE ended IS NOT NULL")
