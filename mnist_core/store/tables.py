"""The tables of a database that is up to date.

A change here needs a new revision in `migrations/versions`, which makes the same change to existing databases.
"""

from __future__ import annotations

import sqlalchemy as sa

from mnist_core.training import Status

ACTIVE = tuple(status.value for status in Status if status.is_active)
"""The values of `runs.status` of runs that have not ended."""

metadata = sa.MetaData()

# Only for earlier versions of the playground, which had no revisions; see `migrations`.
schema_version = sa.Table("playground_schema_version", metadata, sa.Column("version", sa.Integer, nullable=False))

servers = sa.Table(
    "playground_servers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("seen", sa.Double, nullable=False),
)

# When each workspace was first and last opened, and how many of its runs were removed for those of others.
workspaces = sa.Table(
    "playground_workspaces",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("first", sa.Double, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
)

# A list of runs reads all columns except the last three. Large values are in `parts`.
runs = sa.Table(
    "playground_runs",
    metadata,
    # The workspace is part of the key. If ids were global, a clash would reveal a run of another workspace.
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
    # The part that holds the final network; empty for none.
    sa.Column("network", sa.String(16), nullable=False),
    sa.Column("server", sa.String(64), nullable=False),
    sa.Column("deleted", sa.Double),
)

parts = sa.Table(
    "playground_parts",
    metadata,
    sa.Column("workspace", sa.String(64), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("checksum", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# What a workspace holds besides runs: drawings, and a data set of its own.
files = sa.Table(
    "playground_files",
    metadata,
    sa.Column("workspace", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("checksum", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.Double, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# How often each answer to the check was given, by all visitors together.
check_counts = sa.Table(
    "playground_check_counts",
    metadata,
    sa.Column("time", sa.String(16), primary_key=True),
    sa.Column("item", sa.String(16), primary_key=True),
    sa.Column("choice", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
)

# Runs that others can see by a link. Only the SHA-256 of the link's token is saved, as for a workspace.
shares = sa.Table(
    "playground_shares",
    metadata,
    sa.Column("workspace", sa.String(64), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),
    # Removing a run removes its share.
    sa.ForeignKeyConstraint(["workspace", "run"], [runs.c.workspace, runs.c.id], ondelete="CASCADE"),
)


def in_workspace(key: str) -> sa.ColumnElement[bool]:
    """The condition for the runs of the workspace `key` that are not deleted."""
    return sa.and_(runs.c.workspace == key, runs.c.deleted.is_(None))
