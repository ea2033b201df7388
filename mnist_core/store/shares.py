"""Single runs that their owner lets others see: whoever has the link's token can read one run, and nothing else.

Nothing can be changed with such a token, and it tells neither the workspace nor its other runs.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mnist_core.errors import RunNotFoundError, ShareNotFoundError, StoreError, WorkspaceError
from mnist_core.store import run_rows
from mnist_core.store.run_rows import ACTIVE, kept, key_of
from mnist_core.store.tables import runs, shares
from mnist_core.store.workspaces import share_token, workspace_key

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database
    from mnist_core.store.records import StoredRun


class Shares:
    """The shared runs of one `RunStore`; any method may raise what that one's may. Safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def share(self, workspace: str, run_id: str) -> str:
        """Let others see a run that has ended: the token of its link, the same each time.

        Raises:
            RunNotFoundError: the workspace has no such run.
            StoreError: also when it has not ended.
        """
        key, token = key_of(workspace, run_id), share_token(workspace, run_id)
        with self._database.writing() as connection:
            # Held, so that of two who share it at once the second finds it shared.
            held = sa.select(runs.c.status).where(kept(key), runs.c.id == run_id).with_for_update()
            status = connection.execute(held).scalar_one_or_none()
            if status is None:
                raise RunNotFoundError
            if status in ACTIVE:
                raise StoreError("The run is still under way.", "Share it once it has ended.", status)
            # The token's own hash is made as a workspace's is: both are 128 random bits.
            row = {"workspace": key, "run": run_id, "token": workspace_key(token)}
            is_there = sa.select(shares.c.run).where(shares.c.workspace == key, shares.c.run == run_id)
            if connection.execute(is_there).first() is None:
                connection.execute(shares.insert().values(row))
        return token

    def unshare(self, workspace: str, run_id: str) -> None:
        """Let a run's link open nothing any more, until it is shared again; nothing happens if it opened nothing."""
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            connection.execute(shares.delete().where(shares.c.workspace == key, shares.c.run == run_id))

    def is_shared(self, workspace: str, run_id: str) -> bool:
        """Whether others can see a run of the workspace."""
        condition = (shares.c.workspace == key_of(workspace, run_id), shares.c.run == run_id)
        with self._database.reading() as connection:
            return connection.execute(sa.select(shares.c.run).where(*condition)).first() is not None

    def check(self, token: str) -> None:
        """Nothing, if a link's token opens a run.

        Raises:
            ShareNotFoundError: it opens none: it never did, or sharing has been stopped, or the run is deleted.
        """
        with self._database.reading() as connection:
            _opened(connection, token)

    def load(self, token: str) -> StoredRun:
        """The run that a link's token opens, without its owner's notes.

        Raises:
            ShareNotFoundError: as for `check`.
            StoreError: also when something of the run is damaged.
        """
        with self._database.reading() as connection:
            found = run_rows.load(connection, *_opened(connection, token))
        return dataclasses.replace(found, summary=dataclasses.replace(found.summary, notes="", is_pinned=False))


def _opened(connection: Connection, token: str) -> tuple[str, str]:
    """The workspace's key and the id of the run that a token opens."""
    try:
        key = workspace_key(token)
    except WorkspaceError as error:
        raise ShareNotFoundError from error
    is_of_run = sa.and_(shares.c.workspace == runs.c.workspace, shares.c.run == runs.c.id)
    query = sa.select(runs.c.workspace, runs.c.id).join(shares, is_of_run)
    row = connection.execute(query.where(shares.c.token == key, runs.c.deleted.is_(None))).one_or_none()
    if row is None:
        raise ShareNotFoundError
    return row.workspace, row.id
