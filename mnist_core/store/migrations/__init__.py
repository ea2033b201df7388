"""Bring a database up to date, with Alembic. Each file in `versions` is one step; the last leads to today's schema.

To change the schema, change `tables` and add a file to `versions`. Its ``upgrade(op)`` makes the same change to
existing databases. A test compares the two.

The first versions of the playground had no revisions. They wrote the number 1 into `tables.schema_version`, and they
refuse a database with another number. So a revision that they cannot work with must change that number.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory

from mnist_core.errors import StoreError
from mnist_core.store.tables import schema_version

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Alembic's own name would be taken where another program that uses Alembic shares the database.
REVISION_TABLE = "playground_revision"
SCHEMA_VERSION = 1


@functools.cache
def revisions() -> ScriptDirectory:
    """The steps in `versions`."""
    return ScriptDirectory(Path(__file__).parent)


def upgrade(connection: Connection) -> None:
    """Bring a database up to date, or create the tables of an empty one, within the connection's transaction.

    The caller makes sure that only one server does this at a time.

    Raises:
        StoreError: the database was written by a newer version of the playground.
    """

    def steps(current: tuple[str, ...], _context: MigrationContext) -> list[MigrationStep]:
        found = revisions()
        missing = list(found.iterate_revisions("head", current or "base"))
        return [MigrationStep.upgrade_from_script(found.revision_map, one) for one in reversed(missing)]

    context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE, "fn": steps})
    known = {one.revision for one in revisions().walk_revisions()}
    newer = [str(version) for version in _schema_versions(connection) if version != SCHEMA_VERSION]
    newer += set(context.get_current_heads()) - known
    if newer:
        raise StoreError(
            "The database was written by a newer version of the playground.",
            "Update the playground, or use another database.",
            f"schema {', '.join(newer)}",
        )
    # Each revision gets `op` as an argument: Alembic's global one does not work with several threads.
    context.run_migrations(op=Operations(context))


def _schema_versions(connection: Connection) -> list[int]:
    if not sa.inspect(connection).has_table(schema_version.name):
        return []
    return list(connection.execute(sa.select(schema_version.c.version)).scalars())
