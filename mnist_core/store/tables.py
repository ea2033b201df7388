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

# Lessons that a teacher leads. A class knows its owner's workspace and its seats, but no person.
classes = sa.Table(
    "playground_classes",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    # The code to join by; NULL once the class has ended, so that another one can have it.
    sa.Column("code", sa.String(6), unique=True),
    # The SHA-256 of the token of the wall, which may read what all may see.
    sa.Column("wall", sa.String(64), nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    # Where the class is: a task of the plan by its place and its id, its phase, and which vote.
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("task", sa.String(12), nullable=False),
    sa.Column("phase", sa.String(8), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("doors", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    # The ids of the tasks whose result was shown.
    sa.Column("shown", sa.Text, nullable=False, server_default=""),
    # Grows by 1 with each change of the columns above.
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("moved", sa.Double, nullable=False),
    # When the current task, or its current vote, was opened; NULL if that is not known.
    sa.Column("opened", sa.Double),
    sa.Column("ended", sa.Double),
    # What is kept after the end: what was handed in, as JSON, without names.
    sa.Column("kept", sa.Text),
)

# A seat is a browser in a class. Its name is drawn, never typed.
seats = sa.Table(
    "playground_seats",
    metadata,
    sa.Column("class", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # The SHA-256 of the seat's token, which its browser makes of its workspace, or has in the address.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("redrawn", sa.Boolean, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("hand", sa.Double),
    sa.Column("removed", sa.Boolean, nullable=False),
    # The ids of the tasks whose result was shown before the seat was taken, each between spaces; without those that
    # were opened again since.
    sa.Column("missed", sa.Text, nullable=False, server_default=""),
    # Whether nobody sits there: a teacher tries a plan.
    sa.Column("pretend", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("class", "token"),
    sa.UniqueConstraint("class", "name"),
    sa.ForeignKeyConstraint(["class"], [classes.c.id], ondelete="CASCADE"),
)

# What a seat handed in for a task. In a question: its choice in the first or the second vote. In a network to train:
# a guess of its accuracy, 0 to 1, as entry 0, and runs as entries 1, 2 and so on. In digits to draw: the drawings.
entries = sa.Table(
    "playground_entries",
    metadata,
    sa.Column("class", sa.String(32), primary_key=True),
    sa.Column("task", sa.String(12), primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seat", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("choice", sa.Integer),
    sa.Column("guess", sa.Double),
    # The key of the run. There is no foreign key: a run is saved a moment after it was handed in.
    sa.Column("workspace", sa.String(64)),
    sa.Column("run", sa.String(64)),
    # The digit that was wanted, its picture and strokes, and whether the teacher has taken it out.
    sa.Column("label", sa.Integer),
    sa.Column("data", sa.LargeBinary),
    sa.Column("hidden", sa.Boolean),
    # How long after the opening it was handed in first; NULL if that is not known.
    sa.Column("seconds", sa.Double),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("changed", sa.Double, nullable=False),
    sa.ForeignKeyConstraint(["class", "seat"], [seats.c["class"], seats.c.number], ondelete="CASCADE"),
)


def in_workspace(key: str) -> sa.ColumnElement[bool]:
    """The condition for the runs of the workspace `key` that are not deleted."""
    return sa.and_(runs.c.workspace == key, runs.c.deleted.is_(None))
