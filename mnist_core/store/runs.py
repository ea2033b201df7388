"""The store of runs and of what belongs to a workspace or a class; each task has a module in this folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mnist_core.errors import RunNotFoundError
from mnist_core.store import quotas
from mnist_core.store.checks import Checks
from mnist_core.store.classes import Classes
from mnist_core.store.database import Database
from mnist_core.store.files import Files
from mnist_core.store.quotas import Quotas
from mnist_core.store.reading import Reading
from mnist_core.store.records import NOTES_LENGTH, TITLE_LENGTH, checked_text
from mnist_core.store.saving import Saving
from mnist_core.store.sharing import Shares
from mnist_core.store.tables import in_workspace, runs
from mnist_core.store.takeover import Takeover, server_name
from mnist_core.store.workspaces import key_of

if TYPE_CHECKING:
    from collections.abc import Callable


class RunStore(Saving, Reading, Takeover):
    """Saved runs. Safe to use from any thread; several servers may share one database.

    Every method except `heartbeat` takes a workspace's token and sees only the runs of that workspace. Any of them may
    raise `WorkspaceError` if the token is invalid, and `StoreError` if the database is full, locked, unreachable,
    damaged or of a newer version; then nothing has changed.

    Args:
        url: as in SQLAlchemy, such as ``sqlite:///runs.db`` or ``postgresql://user:password@host/name``.
        server: the name of this process among those that share the database, new at every start. By default a
            `takeover.server_name`.
        max_runs, max_bytes, max_total_bytes, max_disk_share, max_age_days, undo_seconds: see `Quotas`.
        patience: seconds to wait for a lock that others hold.
        clock: the time in seconds since 1970.

    Attributes:
        shares: runs that others can see by a link.
        files: what a workspace holds besides runs.
        checks: counts of the answers to the check.
        classes: lessons that a teacher leads.
        quotas: how much may be stored.

    Raises:
        StoreError: nothing can be saved at this address. The database is opened when it is first needed.
    """

    def __init__(
        self,
        url: str,
        server: str | None = None,
        *,
        max_runs: int = quotas.MAX_RUNS,
        max_bytes: int = quotas.MAX_BYTES,
        max_total_bytes: int = quotas.MAX_TOTAL_BYTES,
        max_disk_share: float = quotas.MAX_DISK_SHARE,
        max_age_days: float = quotas.MAX_AGE_DAYS,
        undo_seconds: float = quotas.UNDO_SECONDS,
        patience: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.server = server or server_name()
        self._database = Database(url, patience)
        self._clock = clock
        self._undo_seconds = undo_seconds
        self.shares = Shares(self._database)
        self.quotas = Quotas(
            self._database, clock, max_runs, max_bytes, max_total_bytes, max_disk_share, max_age_days, undo_seconds
        )
        self.files = Files(self._database, self.quotas, clock)
        self.checks = Checks(self._database)
        self.classes = Classes(self._database, clock)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def rename(self, workspace: str, run_id: str, title: str) -> None:
        """Change a run's title, at most 200 characters; `ConfigError` for more."""
        self._change(workspace, run_id, title=checked_text("title", title, TITLE_LENGTH))

    def note(self, workspace: str, run_id: str, notes: str) -> None:
        """Replace the notes on a run, at most 20,000 characters; `ConfigError` for more."""
        self._change(workspace, run_id, notes=checked_text("notes", notes, NOTES_LENGTH))

    def pin(self, workspace: str, run_id: str, is_pinned: bool = True) -> None:
        """Pin a run, so that it is never removed automatically, or unpin it."""
        self._change(workspace, run_id, is_pinned=is_pinned)

    def delete(self, workspace: str, run_id: str) -> None:
        """Delete a run; `restore` can bring it back for a while."""
        self._change(workspace, run_id, deleted=self._clock())

    def restore(self, workspace: str, run_id: str) -> None:
        """Bring a deleted run back unchanged.

        Raises:
            RunNotFoundError: it was not deleted, or it was removed permanently.
        """
        key = key_of(workspace, run_id)
        is_restorable = runs.c.deleted > self._clock() - self._undo_seconds
        with self._database.writing() as connection:
            which = runs.update().where(runs.c.workspace == key, runs.c.id == run_id, is_restorable)
            if not connection.execute(which.values(deleted=None)).rowcount:
                raise RunNotFoundError

    def _change(self, workspace: str, run_id: str, **values: object) -> None:
        with self._database.writing() as connection:
            which = runs.update().where(in_workspace(key_of(workspace, run_id)), runs.c.id == run_id)
            if not connection.execute(which.values(updated=self._clock(), **values)).rowcount:
                raise RunNotFoundError
