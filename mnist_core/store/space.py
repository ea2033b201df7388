"""The room that all workspaces share: how much the database may hold, and which runs make room when it is full."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import StoreError
from mnist_core.store import run_rows
from mnist_core.store.run_rows import ACTIVE
from mnist_core.store.tables import runs, workspaces
from mnist_core.store.workspaces import workspace_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database

MAX_TOTAL_BYTES = 4_096 * 2**20
MAX_DISK_SHARE = 0.5
# A workspace that was opened again so long after its first run has come back; one that was open so lately still may.
RETURN_SECONDS = 3_600.0
RECENT_SECONDS = 43_200.0


def free_bytes(folder: Path) -> int:
    """How much the disk with this folder has free."""
    return shutil.disk_usage(folder).free


class Room:
    """The room of one `RunStore`; any method may raise what that one's may. Safe to use from any thread.

    Args:
        database: what to limit.
        clock: the time in seconds since 1970.
        max_bytes: so many bytes the arrays of all runs may take.
        disk_share: of what the disk would have free without the database, the share that it may take, 0 to 1; for
            SQLite only.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float], max_bytes: int, disk_share: float = MAX_DISK_SHARE
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_bytes = max_bytes
        self._disk_share = disk_share

    def limit(self) -> int:
        """How many bytes the arrays of all runs may take at the moment."""
        file = self._database.file
        if file is None or not file.exists():
            return self._max_bytes
        free = free_bytes(file.parent) + file.stat().st_size
        return min(self._max_bytes, int(free * self._disk_share))

    def visit(self, workspace: str) -> None:
        """Note that somebody has opened a workspace."""
        with self._database.writing() as connection:
            self.note(connection, workspace_key(workspace))

    def note(self, connection: Connection, key: str) -> None:
        """As `visit`, within a transaction and by the workspace's key."""
        now = self._clock()
        if connection.execute(workspaces.update().where(workspaces.c.id == key).values(seen=now)).rowcount:
            return
        first = connection.execute(sa.select(sa.func.min(runs.c.created)).where(runs.c.workspace == key)).scalar()
        # Of two who are the first, one is the second.
        with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
            connection.execute(workspaces.insert().values(id=key, first=first or now, seen=now, removed=0))

    def make(self, connection: Connection, key: str, run_id: str, *, is_strict: bool = True) -> None:
        """Bring the database within its limit: runs other than this one go.

        First go deleted ones, then ended ones of workspaces that have not come back, then other ended ones; of each the
        oldest first. Pinned runs and runs under way stay.

        Raises:
            StoreError: if `is_strict` and not enough can go.
        """
        size = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(runs.c.size), 0))).scalar_one()
        limit = self.limit()
        if size <= limit:
            return
        now = self._clock()
        is_gone = sa.and_(
            workspaces.c.seen < now - RECENT_SECONDS, workspaces.c.seen - workspaces.c.first < RETURN_SECONDS
        )
        is_free = sa.or_(runs.c.deleted.is_not(None), sa.and_(~runs.c.is_pinned, runs.c.status.not_in(ACTIVE)))
        order = sa.case((runs.c.deleted.is_not(None), 0), (is_gone, 1), else_=2)
        candidates = (
            sa.select(runs.c.workspace, runs.c.id, runs.c.size, runs.c.deleted)
            .outerjoin(workspaces, workspaces.c.id == runs.c.workspace)
            .where(is_free, sa.or_(runs.c.workspace != key, runs.c.id != run_id))
            .order_by(order, runs.c.updated, runs.c.id)
        )
        going, removed = [], Counter[str]()
        for row in connection.execute(candidates):
            if size <= limit:
                break
            going.append((row.workspace, row.id))
            size -= row.size
            removed[row.workspace] += row.deleted is None
        if size > limit and is_strict:
            raise StoreError(
                "The server has no room for more runs.",
                "Delete or unpin runs that you do not need, or ask whoever runs this server.",
            )
        for start in range(0, len(going), 500):
            which = sa.tuple_(runs.c.workspace, runs.c.id).in_(going[start : start + 500])
            run_rows.remove(connection, which)
        for owner, count in removed.items():
            change = workspaces.update().where(workspaces.c.id == owner)
            connection.execute(change.values(removed=workspaces.c.removed + count))

    def take_removed(self, workspace: str) -> int:
        """How many runs of a workspace had to make room for others since this was asked last."""
        key = workspace_key(workspace)
        query = sa.select(workspaces.c.removed).where(workspaces.c.id == key)
        with self._database.reading() as connection:
            if not connection.execute(query).scalar():
                return 0
        with self._database.writing() as connection:
            count = int(connection.execute(query.with_for_update()).scalar() or 0)
            connection.execute(workspaces.update().where(workspaces.c.id == key).values(removed=0))
        return count

    def purge(self, connection: Connection, before: float) -> None:
        """Forget workspaces that hold no run and were not opened since `before`."""
        has_runs = sa.exists().where(runs.c.workspace == workspaces.c.id)
        connection.execute(workspaces.delete().where(workspaces.c.seen < before, ~has_runs))
