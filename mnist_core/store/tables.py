"""The tables of a database that is up to date.

A change here needs a new revision in `migrations/versions`, which makes the same change to existing databases.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# Only for earlier versions of the playground, which had no revisions; see `migrations`.
schema_version = sa.Table("playground_schema_version", metadata, sa.Column("version", sa.Integer, nullable=False))

servers = sa.Table(
    "playground_servers",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("seen", sa.Double, nullable=False),
)

# When each workspace was first heard of and last opened, and how many of its runs made room for others'.
workspaces = sa.Table(
    "playground_workspaces",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("first", sa.Double, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
)

# A list reads all of a row but the last two; what is large stands in `parts`.
runs = sa.Table(
    "playground_runs",
    metadata,
    # The workspace is part of the key: ids cannot clash across workspaces, which would tell of another one's run.
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
    # Which part holds the network that the run left; empty for none.
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

# Which runs can be seen by link. The link's token is known by its SHA-256 alone, as a workspace's is.
shares = sa.Table(
    "playground_shares",
    metadata,
    sa.Column("workspace", sa.String(64), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),
    # With the run goes its share, however it goes.
    sa.ForeignKeyConstraint(["workspace", "run"], [runs.c.workspace, runs.c.id], ondelete="CASCADE"),
)
