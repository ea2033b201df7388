"""Quotas: how many runs a workspace and the whole database may hold, and which runs are removed when they are full."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import StoreError
from mnist_core.language import Message
from mnist_core.store.tables import ACTIVE, files, parts, runs, servers, workspaces
from mnist_core.store.workspaces import workspace_key
from mnist_core.training import codec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database

MAX_RUNS = 1_000
MAX_BYTES = 512 * 2**20
MAX_TOTAL_BYTES = 4_096 * 2**20
MAX_DISK_SHARE = 0.5
MAX_AGE_DAYS = 90.0
UNDO_SECONDS = 3_600.0
# A workspace counts as abandoned if nobody opened it again an hour or more after its first run, nor in the last 12 h.
_RETURN_SECONDS = 3_600.0
_RECENT_SECONDS = 43_200.0


def free_bytes(folder: Path) -> int:
    """Free space on the disk with this folder."""
    return shutil.disk_usage(folder).free


def remove_runs(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    """Remove the runs that fulfil a condition permanently; return how many."""
    going = sa.select(runs.c.workspace, runs.c.id).where(condition)
    connection.execute(parts.delete().where(sa.tuple_(parts.c.workspace, parts.c.run).in_(going)))
    return connection.execute(runs.delete().where(condition)).rowcount


class Quotas:
    """The quotas of one `RunStore`. Safe to use from any thread; the same errors as its methods.

    Pinned and active runs are never removed, nor are files, except those of abandoned workspaces. Sizes are those of
    the runs' arrays and of the files. Before a run that is not deleted is
    removed, the kept moments of the oldest runs are.

    Args:
        database: the database.
        clock: the time in seconds since 1970.
        max_runs: most runs in a workspace.
        max_bytes: most bytes in a workspace.
        max_total_bytes: most bytes in all workspaces together.
        max_disk_share: the largest part of the disk that an SQLite database may use, 0 to 1. The disk's size is what
            would be free without the database.
        max_age_days: `purge` removes runs that have not changed for this long.
        undo_seconds: how long a deleted run can be restored, unless its space is needed.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        max_runs: int,
        max_bytes: int,
        max_total_bytes: int,
        max_disk_share: float,
        max_age_days: float,
        undo_seconds: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_runs, self._max_bytes = max_runs, max_bytes
        self._max_total_bytes, self._max_disk_share = max_total_bytes, max_disk_share
        self._max_age_seconds, self._undo_seconds = max_age_days * 86_400, undo_seconds

    def total_limit(self) -> int:
        """How many bytes all workspaces together may use at the moment."""
        file = self._database.file
        if file is None or not file.exists():
            return self._max_total_bytes
        free = free_bytes(file.parent) + file.stat().st_size
        return min(self._max_total_bytes, int(free * self._max_disk_share))

    def enforce_for_workspace(self, connection: Connection, key: str, run_id: str, *, is_strict: bool = True) -> None:
        """Bring a workspace within its quota: remove deleted runs first, then the oldest; never the run `run_id`.

        Raises:
            StoreError: if `is_strict` and not enough runs can be removed.
        """
        own = runs.c.workspace == key
        count, size = connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(runs.c.size), 0)).where(own)
        ).one()
        size += _size_of_files(connection, files.c.workspace == key)
        if count <= self._max_runs and size <= self._max_bytes:
            return
        condition = sa.and_(own, runs.c.id != run_id, _is_removable())
        candidates = _CANDIDATES.where(condition).order_by(runs.c.deleted.is_(None), runs.c.updated, runs.c.id)
        over = count - self._max_runs, size - self._max_bytes
        going, is_enough = _choose(connection, candidates, condition, *over)
        if is_strict and not is_enough:
            raise StoreError(
                "Your workspace is full: its runs are pinned or still training.",
                Message(
                    "Unpin, delete or stop some. It holds {max_runs:,} runs and {most:,.0f} MB.",
                    max_runs=self._max_runs,
                    most=self._max_bytes / 2**20,
                ),
            )
        if going:
            remove_runs(connection, sa.and_(own, runs.c.id.in_([row.id for row in going])))

    def enforce_for_all(self, connection: Connection, key: str, run_id: str, *, is_strict: bool = True) -> None:
        """Bring the database within its limit; never remove the run `run_id` of the workspace `key`.

        Files of abandoned workspaces and deleted runs are removed first, then ended runs of abandoned workspaces, then
        other ended ones; in each group the oldest first.

        Raises:
            StoreError: if `is_strict` and not enough runs can be removed.
        """
        size = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(runs.c.size), 0))).scalar_one()
        size += _size_of_files(connection)
        limit = self.total_limit()
        if size <= limit:
            return
        now = self._clock()
        is_abandoned = sa.and_(
            workspaces.c.seen < now - _RECENT_SECONDS, workspaces.c.seen - workspaces.c.first < _RETURN_SECONDS
        )
        size -= _remove_files(connection, is_abandoned, size - limit)
        if size <= limit:
            return
        order = sa.case((runs.c.deleted.is_not(None), 0), (is_abandoned, 1), else_=2)
        condition = sa.and_(_is_removable(), sa.or_(runs.c.workspace != key, runs.c.id != run_id))
        candidates = (
            _CANDIDATES.outerjoin(workspaces, workspaces.c.id == runs.c.workspace)
            .where(condition)
            .order_by(order, runs.c.updated, runs.c.id)
        )
        chosen, is_enough = _choose(connection, candidates, condition, 0, size - limit)
        if is_strict and not is_enough:
            raise StoreError(
                "The server has no space for more runs.",
                "Delete or unpin runs that you do not need, or ask the person who runs this server.",
            )
        going = [(row.workspace, row.id) for row in chosen]
        for start in range(0, len(going), 500):
            which = sa.tuple_(runs.c.workspace, runs.c.id).in_(going[start : start + 500])
            remove_runs(connection, which)
        for owner, count in Counter(row.workspace for row in chosen if row.deleted is None).items():
            change = workspaces.update().where(workspaces.c.id == owner)
            connection.execute(change.values(removed=workspaces.c.removed + count))

    def visit(self, workspace: str) -> None:
        """Record that somebody has opened a workspace, so that it does not count as abandoned."""
        with self._database.writing() as connection:
            self.record_visit(connection, workspace_key(workspace))

    def record_visit(self, connection: Connection, key: str) -> None:
        """As `visit`, within a transaction and by the workspace's key."""
        now = self._clock()
        if connection.execute(workspaces.update().where(workspaces.c.id == key).values(seen=now)).rowcount:
            return
        first = connection.execute(sa.select(sa.func.min(runs.c.created)).where(runs.c.workspace == key)).scalar()
        # Another thread or server may have inserted the row in between.
        with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
            connection.execute(workspaces.insert().values(id=key, first=first or now, seen=now, removed=0))

    def take_removed(self, workspace: str) -> int:
        """How many runs of a workspace were removed for other workspaces' runs since the last call."""
        key = workspace_key(workspace)
        query = sa.select(workspaces.c.removed).where(workspaces.c.id == key)
        with self._database.reading() as connection:
            if not connection.execute(query).scalar():
                return 0
        with self._database.writing() as connection:
            count = int(connection.execute(query.with_for_update()).scalar() or 0)
            connection.execute(workspaces.update().where(workspaces.c.id == key).values(removed=0))
        return count

    def purge(self) -> int:
        """Remove what is too old, in all workspaces: deleted runs, unpinned runs, files, servers, empty workspaces.

        Returns:
            How many runs were removed.
        """
        now = self._clock()
        oldest = now - self._max_age_seconds
        with self._database.writing() as connection:
            connection.execute(servers.delete().where(servers.c.seen < oldest))
            is_old = sa.and_(~runs.c.is_pinned, runs.c.updated < oldest)
            count = remove_runs(connection, sa.or_(runs.c.deleted <= now - self._undo_seconds, is_old))
            is_unused = files.c.workspace.not_in(sa.select(workspaces.c.id).where(workspaces.c.seen >= oldest))
            connection.execute(files.delete().where(files.c.updated < oldest, is_unused))
            has_runs = sa.exists().where(runs.c.workspace == workspaces.c.id)
            has_files = sa.exists().where(files.c.workspace == workspaces.c.id)
            connection.execute(workspaces.delete().where(workspaces.c.seen < oldest, ~has_runs, ~has_files))
            return count


def _size_of_files(connection: Connection, *condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(files.c.size), 0)).where(*condition)
    return int(connection.execute(query).scalar_one())


def _remove_files(connection: Connection, condition: sa.ColumnElement[bool], wanted: int) -> int:
    """Remove files of workspaces that fulfil a condition, the oldest first, until `wanted` bytes are free.

    Returns:
        How many bytes were freed.
    """
    query = sa.select(files.c.workspace, files.c.name, files.c.size).join(
        workspaces, workspaces.c.id == files.c.workspace
    )
    freed = 0
    for owner, name, size in connection.execute(query.where(condition).order_by(files.c.updated)).all():
        if freed >= wanted:
            break
        connection.execute(files.delete().where(files.c.workspace == owner, files.c.name == name))
        freed += size
    return freed


_CANDIDATES = sa.select(runs.c.workspace, runs.c.id, runs.c.size, runs.c.deleted)


def _choose(
    connection: Connection,
    candidates: sa.Select[Any],
    condition: sa.ColumnElement[bool],
    runs_over: int,
    bytes_over: int,
) -> tuple[list[sa.Row[Any]], bool]:
    """Choose which runs to remove. Before the first that is not deleted, remove kept moments of the oldest ones.

    Args:
        connection: of the transaction.
        candidates: `_CANDIDATES` that fulfil the condition, deleted ones first.
        condition: which runs may be removed.
        runs_over: how many runs are too many.
        bytes_over: how many bytes are too many.

    Returns:
        The runs, and whether that is enough.
    """
    going: list[sa.Row[Any]] = []
    freed: dict[tuple[str, str], int] | None = None
    for row in connection.execute(candidates).all():
        if freed is None and row.deleted is None:
            freed = _remove_moments(connection, condition, bytes_over)
            bytes_over -= sum(freed.values())
        if runs_over <= 0 and bytes_over <= 0:
            break
        going.append(row)
        runs_over -= 1
        bytes_over -= row.size - (freed or {}).get((row.workspace, row.id), 0)
    return going, runs_over <= 0 and bytes_over <= 0


def _remove_moments(
    connection: Connection, condition: sa.ColumnElement[bool], wanted: int
) -> dict[tuple[str, str], int]:
    """Remove the kept moments of runs that fulfil a condition, of the oldest first, until `wanted` bytes are free.

    Returns:
        How many bytes were freed of each run, by its workspace and id.
    """
    is_of_run = sa.and_(parts.c.workspace == runs.c.workspace, parts.c.run == runs.c.id)
    is_moment = parts.c.name.startswith(codec.MOMENT)
    query = sa.select(runs.c.workspace, runs.c.id, sa.func.sum(parts.c.size)).join(parts, is_of_run)
    query = query.where(condition, is_moment, runs.c.deleted.is_(None)).group_by(runs.c.workspace, runs.c.id)
    freed: dict[tuple[str, str], int] = {}
    for owner, run_id, size in connection.execute(query.order_by(sa.func.min(runs.c.updated), runs.c.id)).all():
        if sum(freed.values()) >= wanted:
            break
        of_run = (parts.c.workspace == owner, parts.c.run == run_id)
        connection.execute(parts.delete().where(*of_run, is_moment))
        change = runs.update().where(runs.c.workspace == owner, runs.c.id == run_id)
        connection.execute(change.values(size=runs.c.size - size))
        freed[owner, run_id] = int(size)
    return freed


def _is_removable() -> sa.ColumnElement[bool]:
    is_ended = sa.and_(~runs.c.is_pinned, runs.c.status.not_in(ACTIVE))
    return sa.or_(runs.c.deleted.is_not(None), is_ended)
