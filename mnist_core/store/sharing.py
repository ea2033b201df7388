"""Share single runs by a link. Anyone who has the link's token can read that run, and nothing else.

The token changes nothing, and it reveals neither the workspace nor its other runs.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mnist_core.errors import RunNotFoundError, ShareNotFoundError, StoreError, WorkspaceError
from mnist_core.store.reading import load_run
from mnist_core.store.tables import ACTIVE, in_workspace, runs, shares
from mnist_core.store.workspaces import key_of, share_token, workspace_key

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database
    from mnist_core.store.records import StoredRun


class Shares:
    """The shared runs of one `RunStore`. Safe to use from any thread; the same errors as its methods."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def share(self, workspace: str, run_id: str) -> str:
        """Let others see a run that has ended; return the token of its link, which is always the same.

        Raises:
            RunNotFoundError: the workspace has no such run.
            StoreError: also if it has not ended.
        """
        key, token = key_of(workspace, run_id), share_token(workspace, run_id)
        with self._database.writing() as connection:
            # Lock the run: if two threads share it at once, the second must find it shared.
            query = sa.select(runs.c.status).where(in_workspace(key), runs.c.id == run_id).with_for_update()
            status = connection.execute(query).scalar_one_or_none()
            if status is None:
                raise RunNotFoundError
            if status in ACTIVE:
                raise StoreError("The run is still training.", "Share it when it has ended.", status)
            # The token is hashed like a workspace's: both are 128 random bits.
            row = {"workspace": key, "run": run_id, "token": workspace_key(token)}
            is_there = sa.select(shares.c.run).where(shares.c.workspace == key, shares.c.run == run_id)
            if connection.execute(is_there).first() is None:
                connection.execute(shares.insert().values(row))
        return token

    def unshare(self, workspace: str, run_id: str) -> None:
        """Stop sharing a run: its link opens nothing until the run is shared again. No error if it was not shared."""
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            connection.execute(shares.delete().where(shares.c.workspace == key, shares.c.run == run_id))

    def is_shared(self, workspace: str, run_id: str) -> bool:
        """Whether others can see a run of the workspace."""
        condition = (shares.c.workspace == key_of(workspace, run_id), shares.c.run == run_id)
        with self._database.reading() as connection:
            return connection.execute(sa.select(shares.c.run).where(*condition)).first() is not None

    def check(self, token: str) -> None:
        """Check that a link's token opens a run.

        Raises:
            ShareNotFoundError: it opens none: it never did, its owner stopped sharing, or the run is deleted.
        """
        with self._database.reading() as connection:
            _opened(connection, token)

    def load(self, token: str) -> StoredRun:
        """Load the run that a link's token opens, without its owner's notes.

        Raises:
            ShareNotFoundError: see `check`.
            StoreError: also if a part of the run is damaged.
        """
        with self._database.reading() as connection:
            found = load_run(self._database, connection, *_opened(connection, token))
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
