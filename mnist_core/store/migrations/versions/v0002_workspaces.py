"""When each workspace was opened first and last, for the limit on the whole database.

The last databases without revisions have this table already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Create the table if it is missing."""
    op.create_table(
        "playground_workspaces",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("first", sa.Double, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        if_not_exists=True,
    )
