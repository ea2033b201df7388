"""Find runs that lost their server, and take them over.

Each server that trains runs writes a heartbeat every few seconds. If its heartbeats stop, other servers may continue
its runs; on the same computer at once, since it knows which processes have ended.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import uuid
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import RunNotFoundError
from mnist_core.store.reading import list_runs, load_run
from mnist_core.store.tables import ACTIVE, in_workspace, runs, servers
from mnist_core.store.workspaces import key_of, workspace_key
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.engine import Connection

    from mnist_core.store.database import Database
    from mnist_core.store.records import RunSummary, StoredRun

GRACE_SECONDS = 20.0
"""A server counts as alive for this many seconds after its last heartbeat."""


class Takeover:
    """The methods of `RunStore` that deal with runs whose server is gone."""

    server: str
    _database: Database
    _clock: Callable[[], float]

    def heartbeat(self) -> None:
        """Record that this server is alive. Call it several times within `GRACE_SECONDS`."""
        with self._database.writing() as connection:
            record_heartbeat(connection, self.server, self._clock())

    def sign_off(self) -> None:
        """Record that this server no longer trains, so that its runs can be taken over at once."""
        with self._database.writing() as connection:
            connection.execute(servers.delete().where(servers.c.id == self.server))

    def forget_dead_servers(self) -> None:
        """Record that servers of this computer whose processes have ended no longer train. Only Linux knows."""
        with self._database.writing() as connection:
            found = connection.execute(sa.select(servers.c.id).where(servers.c.id.startswith(f"{_computer()}-")))
            dead = [name for name in found.scalars() if _has_ended(name)]
            if dead:
                connection.execute(servers.delete().where(servers.c.id.in_(dead)))

    def unfinished(
        self, workspace: str, running: Collection[str] = (), grace: float = GRACE_SECONDS
    ) -> tuple[RunSummary, ...]:
        """Runs that have not ended but that no server trains any more, newest first.

        Args:
            workspace: the owner's token.
            running: ids of the runs that this process trains.
            grace: seconds for which another server counts as alive after its last heartbeat; 0 if this server is the
                only one.
        """
        with self._database.reading() as connection:
            return list_runs(connection, self._is_unfinished(workspace_key(workspace), running, grace))

    def take_over(
        self, workspace: str, run_id: str, running: Collection[str] = (), grace: float = GRACE_SECONDS
    ) -> StoredRun:
        """Load one of the `unfinished` runs; from now on only this server may save it.

        If several servers try at once, one of them succeeds. A paused run stays PAUSED; others are WAITING.

        Raises:
            RunNotFoundError: it is not one of the `unfinished` runs, or another server was faster.
            StoreError: also if a part of it is damaged.
        """
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            record_heartbeat(connection, self.server, self._clock())
            condition = (self._is_unfinished(key, running, grace), runs.c.id == run_id)
            holder = connection.execute(sa.select(runs.c.server).where(*condition)).scalar_one_or_none()
            # Compare the server's name too: this transaction may not see the heartbeat of a server that was faster.
            change = runs.update().where(*condition, runs.c.server == holder)
            paused, waiting = Status.PAUSED.value, Status.WAITING.value
            status = sa.case((runs.c.status == paused, paused), else_=waiting)
            changed = connection.execute(change.values(server=self.server, updated=self._clock(), status=status))
            if not changed.rowcount:
                raise RunNotFoundError
            return load_run(self._database, connection, key, run_id)

    def _is_unfinished(self, key: str, running: Collection[str], grace: float) -> sa.ColumnElement[bool]:
        """Active runs that neither this server (`running`) nor another living server trains."""
        alive = alive_servers(self._clock(), grace)
        is_own = runs.c.server == self.server
        is_trained = sa.or_(sa.and_(is_own, runs.c.id.in_(running)), sa.and_(~is_own, runs.c.server.in_(alive)))
        return sa.and_(in_workspace(key), runs.c.status.in_(ACTIVE), ~is_trained)


def server_name() -> str:
    """A new name for this process: its computer, its number, when it started, and something random."""
    return f"{_computer()}-{os.getpid()}-{_start_of(os.getpid())}-{uuid.uuid4().hex}"


def _computer() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _start_of(process: int) -> str:
    """When a process started, in ticks since the computer did; empty if that is not known."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _has_ended(name: str) -> bool:
    """Whether the process with this `server_name` on this computer has ended."""
    _computer, process, start, *_random = name.split("-")
    if sys.platform != "linux" or not start or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # It is another user's.
        pass
    # The number may be that of another process now: the first one in a container always has the same.
    return _start_of(int(process)) not in ("", start)


def alive_servers(now: float, grace: float = GRACE_SECONDS) -> sa.Select[tuple[str]]:
    """The ids of the servers that are alive at the time `now`, as a part of other queries."""
    return sa.select(servers.c.id).where(servers.c.seen > now - grace)


def record_heartbeat(connection: Connection, server: str, now: float) -> None:
    """Record that a server is alive at the time `now`, in seconds since 1970."""
    if connection.execute(servers.update().where(servers.c.id == server).values(seen=now)).rowcount:
        return
    # Another thread of this server may have inserted the row in between.
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(servers.insert().values(id=server, seen=now))
