"""Runs that are kept: every finished epoch in one transaction, each run in its owner's workspace.

Whatever happens to a server, what is kept of a run is a whole `TrainingState`, from which `training.train` goes on to
the same bits as if nothing had happened: a run loses at most the epoch under way.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import platform
import time
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import ConfigError, RunNotFoundError, StoreError
from mnist_core.network.layers import weight_shapes
from mnist_core.store import run_rows, space
from mnist_core.store.database import Database
from mnist_core.store.run_rows import RUN_ID, checked_text, kept, key_of
from mnist_core.store.shares import Shares
from mnist_core.store.tables import runs, servers
from mnist_core.store.workspaces import workspace_key
from mnist_core.training import Status, codec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.network import TrainedNetwork
    from mnist_core.store.records import RunSummary, StoredRun
    from mnist_core.training import Progress, RateChanged, TrainingState
    from mnist_core.training.codec import Parts

MAX_RUNS = 1_000
MAX_BYTES = 512 * 2**20
MAX_AGE_DAYS = 90.0
UNDO_SECONDS = 3_600.0
# A server that says so every few seconds counts as alive for so long.
GRACE_SECONDS = 20.0
TITLE_LENGTH = 200
NOTES_LENGTH = 20_000


@functools.cache
def library_versions() -> dict[str, str]:
    """What decides over a run's bits on this machine: Python, the processor's kind and the libraries, by name."""
    names = {found.name.lower().replace("_", "-"): found.version for found in importlib.metadata.distributions()}
    libraries = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy")
    found = {name: names[name] for name in libraries if name in names}
    return {"python": platform.python_version(), "machine": platform.machine(), **found}


class RunStore:
    """Kept runs. Safe to use from any thread; several servers may share one database.

    Every method but `beat` and `purge` takes a workspace's token and knows the runs of that workspace alone: another
    one's look as if they were not there. Any of them may raise `WorkspaceError` for a token that is none, and
    `StoreError` when the database is full, locked, out of reach, damaged or of a newer version; then nothing has
    changed.

    Args:
        url: SQLAlchemy's, such as ``sqlite:///runs.db``, or ``postgresql://user:password@host/name``.
        server: the name of this process among those that share the database; anew at every start. None makes one up.
        max_runs: so many runs a workspace may keep. Ended ones that are not pinned make room, the oldest first.
        max_bytes: likewise, of their arrays.
        max_total_bytes: likewise, of all workspaces together.
        max_disk_share: as `disk_share` of `Room`.
        max_age_days: runs that have not changed for so long are removed, unless they are pinned.
        undo_seconds: so long a deleted run can be brought back, unless others need its room.
        patience: seconds to wait for others who hold a lock.
        clock: the time in seconds since 1970.

    Attributes:
        shares: single runs that others may see by a link.
        room: what all workspaces share.

    Raises:
        StoreError: nothing can be kept at such an address. It is opened when it is first needed.
    """

    def __init__(
        self,
        url: str,
        server: str | None = None,
        *,
        max_runs: int = MAX_RUNS,
        max_bytes: int = MAX_BYTES,
        max_total_bytes: int = space.MAX_TOTAL_BYTES,
        max_disk_share: float = space.MAX_DISK_SHARE,
        max_age_days: float = MAX_AGE_DAYS,
        undo_seconds: float = UNDO_SECONDS,
        patience: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.server = server or uuid.uuid4().hex
        self._database = Database(url, patience)
        self.shares = Shares(self._database)
        self.room = space.Room(self._database, clock, max_total_bytes, max_disk_share)
        self._max_runs, self._max_bytes = max_runs, max_bytes
        self._max_age_seconds = max_age_days * 86_400
        self._undo_seconds = undo_seconds
        self._clock = clock

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def create(
        self,
        workspace: str,
        run_id: str,
        config: RunConfig,
        dataset: Dataset,
        *,
        number: int = 0,
        title: str = "",
        start: TrainingState | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Begin to keep a run, as WAITING; this server is the one that may save it.

        Args:
            workspace: whose it is.
            run_id: 1 to 64 letters, digits, ``-`` and ``_``; new in this workspace.
            config: the run.
            dataset: what it learns from; its name, provenance and fingerprint are kept.
            number: as of `RunSummary`.
            title: likewise, at most 200 characters.
            start: where it starts from; None for random weights.
            versions: `library_versions`, to be kept with it.

        Raises:
            StoreError: also when the workspace is full of runs that are pinned or under way.
            ConfigError: the id is none or taken, or the title is too long.
        """
        if not RUN_ID.fullmatch(run_id):
            raise ConfigError("run_id", "is no id.", "Use 1 to 64 letters, digits, - and _.", run_id)
        now = self._clock()
        key = workspace_key(workspace)
        row = {
            "workspace": key, "id": run_id, "number": number, "title": checked_text("title", title, TITLE_LENGTH),
            "notes": "", "is_pinned": False, "status": Status.WAITING.value, "message": "",
            "created": now, "updated": now, "seconds": 0.0, "size": 0, **_figures(start),
            "dataset": dataset.name, "provenance": dataset.provenance.replace("\0", ""),
            "fingerprint": dataset.fingerprint, "config": config.to_json(), "network": "", "server": self.server,
            "versions": json.dumps(dict(versions or {})),
        }  # fmt: skip
        packed = codec.pack_state(config, start) if start else {}
        with self._database.writing() as connection:
            run_rows.beat(connection, self.server, now)
            try:
                connection.execute(runs.insert().values(row))
            except exc.IntegrityError as error:
                raise ConfigError("run_id", "is taken already.", "Keep each run under an id of its own.") from error
            self._write(connection, key, run_id, packed, {})
            self.room.note(connection, key)
            self._make_room(connection, key, run_id)
            self.room.make(connection, key, run_id)

    def save_epoch(
        self,
        workspace: str,
        run_id: str,
        state: TrainingState,
        points: Sequence[Progress] | None = None,
        seconds: float | None = None,
    ) -> None:
        """Keep what an epoch has led to, in one transaction, in place of the epoch before.

        Args:
            workspace: whose it is.
            run_id: which.
            state: of `EpochEnded`.
            points: the whole live curve so far; what belongs to the next epoch already is left out. None leaves it.
            seconds: how long it has trained; None leaves that.

        Raises:
            RunNotFoundError: there is no such run, or it has been deleted.
            RunClosedError: it has ended, or another server has taken it over.
            StoreError: also when a later epoch is kept already, or the workspace has no room for it.
        """
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            config, epochs = run_rows.held(connection, key, run_id, self.server)
            if epochs > state.epoch:
                raise StoreError("A later epoch of this run is kept already.", "Load the run to go on from there.")
            packed = codec.pack_state(config, state)
            if points is not None:
                points = [point for point in points if point.epoch <= state.epoch]
            changes = {"status": Status.RUNNING.value, **_figures(state)}
            self._write(connection, key, run_id, packed, changes, points, seconds)
            self._make_room(connection, key, run_id)
            if not epochs:  # The later ones take the place of the first.
                self.room.make(connection, key, run_id)

    def finish(
        self,
        workspace: str,
        run_id: str,
        status: Status,
        *,
        network: TrainedNetwork | None = None,
        evaluation: Evaluation | None = None,
        points: Sequence[Progress] | None = None,
        rates: Sequence[RateChanged] | None = None,
        seconds: float | None = None,
        message: str = "",
    ) -> None:
        """Save how a run ended. Of its arrays only the network's stay, since an ended run is never resumed.

        Args:
            workspace: whose it is.
            run_id: which.
            status: FINISHED, STOPPED or FAILED.
            network: what it left; kept anew only if it is not the last or the best epoch's.
            evaluation: of that network.
            points: the whole live curve; None leaves it.
            rates: every change of the learning rate; None for those of the last epoch's state.
            seconds: how long it has trained; None leaves that.
            message: what people should know of how it ended.

        Raises:
            RunNotFoundError: there is no such run, or it has been deleted.
            RunClosedError: it has ended already, or another server has taken it over.
            ConfigError: `status` is none of an end.
        """
        if status.is_active:
            raise ConfigError("status", "is not how a run ends.", "Give FINISHED, STOPPED or FAILED.", status)
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            config, _ = run_rows.held(connection, key, run_id, self.server)
            packed = {} if rates is None else {"rates": codec.pack_rates(rates)}
            changes: dict[str, Any] = {"status": status.value, "message": message.replace("\0", "")}
            if network is not None:
                weights = codec.pack_arrays(network.weights, weight_shapes(config.layers))
                there = run_rows.read_parts(connection, key, run_id, ("weights", "best"))
                changes["network"] = next((name for name, data in there.items() if data == weights), "network")
                if changes["network"] == "network":
                    packed["network"] = weights
            if evaluation is not None:
                packed |= codec.pack_evaluation(evaluation)
                changes |= {"test_loss": evaluation.loss, "test_accuracy": evaluation.accuracy}
            self._write(connection, key, run_id, packed, changes, points, seconds)
            run_rows.trim(connection, key, run_id, changes.get("network", ""))
            # How it ended is saved even where nothing else can make room.
            self._make_room(connection, key, run_id, is_strict=False)
            self.room.make(connection, key, run_id, is_strict=False)

    def load(self, workspace: str, run_id: str) -> StoredRun:
        """A run with all that is kept of it.

        Raises:
            RunNotFoundError: there is no such run, or it has been deleted.
            StoreError: also when something of it is damaged.
        """
        key = key_of(workspace, run_id)
        with self._database.reading() as connection:
            return run_rows.load(connection, key, run_id)

    def list(self, workspace: str) -> tuple[RunSummary, ...]:
        """The workspace's runs, the newest first, without arrays."""
        with self._database.reading() as connection:
            return run_rows.summaries(connection, kept(workspace_key(workspace)))

    def unfinished(
        self, workspace: str, running: Collection[str] = (), grace: float = GRACE_SECONDS
    ) -> tuple[RunSummary, ...]:
        """Runs that are under way as far as is known here, though nobody trains them any more; the newest first.

        Args:
            workspace: whose.
            running: ids of the runs that this process holds: they are none of these.
            grace: other servers train theirs as long as their last `beat` is not older, in seconds; 0 for a server
                that is alone with its database.
        """
        with self._database.reading() as connection:
            return run_rows.summaries(connection, self._abandoned(workspace_key(workspace), running, grace))

    def take_over(
        self, workspace: str, run_id: str, running: Collection[str] = (), grace: float = GRACE_SECONDS
    ) -> StoredRun:
        """One of the `unfinished`, whole; from now on this server alone may save it. Of several who try, one succeeds.

        Raises:
            RunNotFoundError: it is none of these, perhaps not any more.
            StoreError: also when something of it is damaged.
        """
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            run_rows.beat(connection, self.server, self._clock())
            one = (self._abandoned(key, running, grace), runs.c.id == run_id)
            holder = connection.execute(sa.select(runs.c.server).where(*one)).scalar_one_or_none()
            # Whoever has taken it since then is told by the name alone: their sign of life may not be seen from here.
            change = runs.update().where(*one, runs.c.server == holder)
            changed = connection.execute(
                change.values(server=self.server, updated=self._clock(), status=Status.WAITING.value)
            )
            if not changed.rowcount:
                raise RunNotFoundError
            return run_rows.load(connection, key, run_id)

    def beat(self) -> None:
        """Say that this server is alive; to be called several times within the others' grace."""
        with self._database.writing() as connection:
            run_rows.beat(connection, self.server, self._clock())

    def rename(self, workspace: str, run_id: str, title: str) -> None:
        """Give a run another title, at most 200 characters; `ConfigError` for more."""
        self._change(workspace, run_id, title=checked_text("title", title, TITLE_LENGTH))

    def note(self, workspace: str, run_id: str, notes: str) -> None:
        """Keep other notes on a run, at most 20,000 characters; `ConfigError` for more."""
        self._change(workspace, run_id, notes=checked_text("notes", notes, NOTES_LENGTH))

    def pin(self, workspace: str, run_id: str, is_pinned: bool = True) -> None:
        """Have quotas and age leave a run alone, or no longer."""
        self._change(workspace, run_id, is_pinned=is_pinned)

    def delete(self, workspace: str, run_id: str) -> None:
        """Put a run away; `restore` brings it back for a while."""
        self._change(workspace, run_id, deleted=self._clock())

    def discard(self, workspace: str, run_id: str) -> None:
        """Remove a run for good, as one of which nothing is worth to be stored."""
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            run_rows.remove(connection, sa.and_(runs.c.workspace == key, runs.c.id == run_id))

    def restore(self, workspace: str, run_id: str) -> None:
        """Bring a deleted run back, as it was.

        Raises:
            RunNotFoundError: it was not deleted, or has been removed for good since.
        """
        key = key_of(workspace, run_id)
        is_restorable = runs.c.deleted > self._clock() - self._undo_seconds
        with self._database.writing() as connection:
            which = runs.update().where(runs.c.workspace == key, runs.c.id == run_id, is_restorable)
            if not connection.execute(which.values(deleted=None)).rowcount:
                raise RunNotFoundError

    def purge(self) -> int:
        """Remove for good what was deleted long enough ago or is too old, of all workspaces: how many runs it was."""
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute(servers.delete().where(servers.c.seen < now - self._max_age_seconds))
            is_old = sa.and_(~runs.c.is_pinned, runs.c.updated < now - self._max_age_seconds)
            count = run_rows.remove(connection, sa.or_(runs.c.deleted <= now - self._undo_seconds, is_old))
            self.room.purge(connection, now - self._max_age_seconds)
            return count

    def _change(self, workspace: str, run_id: str, **values: object) -> None:
        with self._database.writing() as connection:
            which = runs.update().where(kept(key_of(workspace, run_id)), runs.c.id == run_id)
            if not connection.execute(which.values(updated=self._clock(), **values)).rowcount:
                raise RunNotFoundError

    def _write(
        self,
        connection: Connection,
        key: str,
        run_id: str,
        packed: Parts,
        changes: Mapping[str, object],
        points: Sequence[Progress] | None = None,
        seconds: float | None = None,
    ) -> None:
        changes = {"updated": self._clock(), **changes}
        if points is not None:
            packed = packed | {"points": codec.pack_points(points)}
        if seconds is not None:
            changes["seconds"] = seconds
        run_rows.write(connection, key, run_id, packed, changes)

    def _abandoned(self, key: str, running: Collection[str], grace: float) -> sa.ColumnElement[bool]:
        return run_rows.abandoned(key, self.server, running, self._clock() - grace)

    def _make_room(self, connection: Connection, key: str, run_id: str, is_strict: bool = True) -> None:
        run_rows.make_room(connection, key, run_id, self._max_runs, self._max_bytes, is_strict=is_strict)


def _figures(state: TrainingState | None) -> dict[str, float | None]:
    """What a list shows of the last finished epoch."""
    last = state.history[-1] if state and state.history else None
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {"epochs": last.epoch if last else 0, **{name: getattr(last, name, None) for name in names}}
