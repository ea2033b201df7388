"""When the current task of a class was opened, and how long after that each entry came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0009"
down_revision = "0008"


def upgrade(op: Operations) -> None:
    """Add the columns. Nobody knows them of what was opened or handed in before."""
    op.add_column("playground_classes", sa.Column("opened", sa.Double))
    op.add_column("playground_entries", sa.Column("seconds", sa.Double))
