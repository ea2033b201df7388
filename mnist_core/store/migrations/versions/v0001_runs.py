"""The tables of the first databases: runs, their parts, servers and shares.

Databases without revisions have some of these tables, or all. So what is there stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Create the tables that are missing."""
    if not sa.inspect(op.get_bind()).has_table("playground_schema_version"):
        version = op.create_table("playground_schema_version", sa.Column("version", sa.Integer, nullable=False))
        op.bulk_insert(version, [{"version": 1}])
    op.create_table(
        "playground_servers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("seen", sa.Double, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "playground_runs",
        sa.Column("workspace", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("is_pinned", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("loss", sa.Double),
        sa.Column("accuracy", sa.Double),
        sa.Column("validation_loss", sa.Double),
        sa.Column("validation_accuracy", sa.Double),
        sa.Column("test_loss", sa.Double),
        sa.Column("test_accuracy", sa.Double),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("provenance", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("network", sa.String(16), nullable=False),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("deleted", sa.Double),
        if_not_exists=True,
    )
    op.create_table(
        "playground_parts",
        sa.Column("workspace", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "playground_shares",
        sa.Column("workspace", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("token", sa.String(64), nullable=False, unique=True),
        sa.ForeignKeyConstraint(
            ["workspace", "run"], ["playground_runs.workspace", "playground_runs.id"], ondelete="CASCADE"
        ),
        if_not_exists=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        # Do not compress the weights: it takes longer than to write them, and saves nothing.
        op.execute("ALTER TABLE playground_parts ALTER COLUMN data SET STORAGE EXTERNAL")
