"""Save runs while they train. One thread does it, so that neither training nor a page waits for the disk.

The thread always saves the newest state of a run. If it falls behind, it skips epochs, but never the end of a run.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import math
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mnist_core.environment import whole_number
from mnist_core.errors import ConfigError, RunClosedError, RunNotFoundError, StoreError
from mnist_core.language import Message
from mnist_core.network import TrainedNetwork
from mnist_core.runs import scheduler
from mnist_core.store import database, quotas, takeover
from mnist_core.store.files import MAX_FILE_BYTES
from mnist_core.store.records import library_versions
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import workspace_key
from mnist_core.training import Status, engine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.scheduler import Scheduler
    from mnist_core.store.records import RunSummary
    from mnist_core.training.moments import Place

T = TypeVar("T")

logger = logging.getLogger(__name__)

# Several times within `store.takeover.GRACE_SECONDS`, so that other servers know that this one is alive.
HEARTBEAT_SECONDS = 5.0
_PURGE_SECONDS = 3_600.0
# How often to try again if the database cannot be written, and for how long after a run has ended.
_RETRY_SECONDS = 5.0
_PATIENCE_SECONDS = 600.0


@dataclass(eq=False)
class _Record:
    """What has been saved of a run. Only the saving thread changes it, with one exception."""

    workspace: str
    run_id: str
    run: weakref.ref[Run]
    is_created: bool = False
    epoch: int = 0
    is_paused: bool = False
    moments: set[Place] = field(default_factory=set)
    is_closed: bool = False
    # Whether its end was saved, too.
    is_finished: bool = False
    # Whether what was saved is gone, see `drop`. Any thread may set it.
    is_dropped: bool = False
    trouble: str = ""
    not_before: float = 0.0
    failing_since: float | None = None


class Saver:
    """Saves runs into a store, each in its owner's workspace. Safe to use from any thread.

    Args:
        store: the store.
        retry_seconds: how long to wait after an error of the database.
    """

    def __init__(self, store: RunStore, retry_seconds: float = _RETRY_SECONDS) -> None:
        self.store = store
        self._retry_seconds = retry_seconds
        self._records: dict[tuple[str, str], _Record] = {}
        # Only the runs that wait to be saved are held in memory here; for the others there are weak references.
        self._due: dict[tuple[str, str], Run] = {}
        self._visits: set[str] = set()
        # What makes each file that waits to be saved.
        self._files: dict[tuple[str, str], Callable[[], bytes]] = {}
        # Why a file is not saved, and since when.
        self._file_troubles: dict[tuple[str, str], tuple[str, float]] = {}
        self._files_not_before = 0.0
        self._checks: list[tuple[str, Mapping[str, int]]] = []
        self._checks_not_before = 0.0
        self._is_saving = False
        self._changed = threading.Condition()
        self._resuming = threading.Lock()
        self._outage: tuple[float, StoreError] | None = None
        self._is_closed = False
        self._has_looked = threading.Event()  # For servers of this computer that have ended.
        self._thread = threading.Thread(target=self._work, name="saving", daemon=True)
        self._thread.start()

    def save(self, workspace: str, run: Run) -> None:
        """Save a run from now on, with its number and title. It may already have ended."""
        self._add(_Record(workspace, run.id, weakref.ref(run)), run)

    def resume(
        self,
        workspace: str,
        run_id: str,
        dataset: Dataset,
        turns: Scheduler,
        is_watched: Callable[[], bool] | None = None,
    ) -> Run:
        """Continue one of the `unfinished` runs after its last finished epoch.

        Args:
            workspace: the owner's token.
            run_id: the run's id.
            dataset: the data that it has learned from so far.
            turns: the scheduler that trains it.
            is_watched: see `Scheduler.submit`.

        Raises:
            RunNotFoundError: it is not one of the `unfinished` runs, or another server was faster.
            StoreError: it cannot be read.
            DataError: the run learned from other images.
            CapacityError: the server has no memory for it.
        """
        with self._resuming:
            stored = self.store.take_over(workspace, run_id, self._running(workspace), takeover.GRACE_SECONDS)
            run = turns.take_over(stored, dataset, is_watched)
            record = _Record(workspace, run.id, weakref.ref(run), is_created=True, epoch=stored.summary.epochs)
            record.is_paused = stored.summary.status is Status.PAUSED
            record.moments.update(stored.moments.places)
            self._add(record, run)
        return run

    def end(self, workspace: str, run_id: str) -> None:
        """End one of the `unfinished` runs after its last finished epoch. Its data set is not needed for this.

        Raises:
            RunNotFoundError: it is not one of the `unfinished` runs, or another server was faster.
            StoreError: it cannot be read or written.
        """
        with self._resuming:
            stored = self.store.take_over(workspace, run_id, self._running(workspace), takeover.GRACE_SECONDS)
            network = None
            if stored.state is not None and stored.summary.epochs:
                config = dataclasses.replace(stored.config, dataset=stored.summary.dataset)
                network = TrainedNetwork(config, stored.state.best_weights or stored.state.weights)
            message = Message("The server stopped during this run.")
            self.store.finish(workspace, run_id, Status.STOPPED, network=network, message=message)

    def visit(self, workspace: str) -> None:
        """Record that somebody has opened a workspace. The saving thread does it soon."""
        with self._changed:
            self._visits.add(workspace)
            self._changed.notify_all()

    def save_file(self, workspace: str, name: str, make: Callable[[], bytes]) -> None:
        """Save a file of a workspace soon, see `Files.save`. A later call with the same name replaces this one.

        Args:
            workspace: the owner's token.
            name: the file's name.
            make: makes its content, in the saving thread.
        """
        with self._changed:
            self._files[workspace, name] = make
            self._files_not_before = 0.0
            self._changed.notify_all()

    def count_check(self, moment: str, answers: Mapping[str, int]) -> None:
        """Count the answers of a visitor to the check soon, see `Checks.count`."""
        with self._changed:
            self._checks.append((moment, answers))
            self._checks_not_before = 0.0
            self._changed.notify_all()

    def load_file(self, workspace: str, name: str) -> bytes | None:
        """As `Files.load`, but a file that waits to be saved counts already; with the errors of `list`."""
        with self._changed:
            waiting = self._files.get((workspace, name))
        if waiting is not None:
            return waiting() or None
        return self._read(lambda: self.store.files.load(workspace, name))

    def file_names(self, workspace: str) -> frozenset[str]:
        """As `Files.names`, with files that wait to be saved, and the errors of `list`."""
        with self._changed:
            waiting = {name for owner, name in self._files if owner == workspace}
        return self._read(lambda: self.store.files.names(workspace)) | waiting

    def file_trouble(self, workspace: str, name: str) -> str:
        """Why a file is not saved at the moment; empty if it is, or will be in a moment."""
        with self._changed:
            return self._file_troubles.get((workspace, name), ("", 0.0))[0]

    def forget(self, workspace: str, run_id: str) -> None:
        """Stop saving a run, and remove it from `runs`. What was saved stays."""
        with self._changed:
            self._records.pop((workspace, run_id), None)
            self._due.pop((workspace, run_id), None)
            self._changed.notify_all()

    def drop(self, gone: Collection[tuple[str, str]]) -> list[Run]:
        """Stop saving runs that were removed from the store.

        Args:
            gone: for each the key of its workspace, `workspace_key`, and its id.

        Returns:
            Those in the memory of this process that have not ended.
        """
        with self._changed:
            found = [one for one in self._records.values() if (workspace_key(one.workspace), one.run_id) in gone]
            for record in found:
                record.is_dropped = True
                self._due.pop((record.workspace, record.run_id), None)
                del self._records[record.workspace, record.run_id]
            self._changed.notify_all()
        unsaved = [record for record in found if not record.is_closed]
        for record in unsaved:  # It may have been created a moment ago.
            self._attempt(functools.partial(self.store.discard, record.workspace, record.run_id))
        return [run for record in unsaved if (run := record.run()) is not None and run.snapshot.status.is_active]

    def runs(self, workspace: str) -> list[Run]:
        """The runs of a workspace that are in the memory of this process, oldest first."""
        return [run for _, run in self._in_memory(workspace)]

    def list(self, workspace: str) -> tuple[RunSummary, ...]:
        """As `RunStore.list`, but raises the last error again for a while, so that pages do not wait for each attempt.

        Raises:
            StoreError: the runs cannot be read.
        """
        return self._read(lambda: self.store.list(workspace))

    def unfinished(self, workspace: str) -> tuple[RunSummary, ...]:
        """As `RunStore.unfinished`, with the errors of `list`."""
        self._has_looked.wait(_RETRY_SECONDS)
        return self._read(lambda: self.store.unfinished(workspace, self._running(workspace), takeover.GRACE_SECONDS))

    def take_removed(self, workspace: str) -> int:
        """As `Quotas.take_removed`, with the errors of `list`."""
        return self._read(lambda: self.store.quotas.take_removed(workspace))

    def _read(self, read: Callable[[], T]) -> T:
        outage = self._outage  # Another thread may end it at any moment.
        if outage is not None and time.monotonic() < outage[0]:
            raise outage[1].with_traceback(None)  # Otherwise its traceback would grow each time.
        try:
            found = read()
        except StoreError as error:
            self._outage = (time.monotonic() + 6 * self._retry_seconds, error)
            raise
        self._outage = None
        return found

    def trouble(self, workspace: str, run_id: str) -> str:
        """Why a run cannot be saved at the moment; empty if it can."""
        with self._changed:
            record = self._records.get((workspace, run_id))
            return record.trouble if record else ""

    def wait_until_saved(self, seconds: float) -> bool:
        """Wait until everything is saved, at most `seconds`. Returns whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._due or self._files or self._checks or self._is_saving), seconds
            )

    def close(self, seconds: float) -> bool:
        """Save what is due, then nothing more. From then on, any server may resume the runs that have not ended.

        Returns:
            Whether everything was saved within this many seconds.
        """
        is_saved = self.wait_until_saved(seconds)
        with self._changed:
            for run in self._due.values():
                logger.error("Run %s could not be saved up to epoch %d", run.id, len(run.snapshot.epochs))
            if self._checks:
                logger.error("The answers of %d visitors to the check could not be counted", len(self._checks))
            self._is_closed = True
            self._changed.notify_all()
        if is_saved:
            self._thread.join(seconds)
            self._attempt(self.store.sign_off)
        return is_saved

    def _running(self, workspace: str) -> set[str]:
        """Ids of the runs that this process trains, or whose end it has not saved yet."""
        alive = self._in_memory(workspace)
        return {run.id for record, run in alive if run.snapshot.status.is_active or not record.is_closed}

    def _in_memory(self, workspace: str) -> Sequence[tuple[_Record, Run]]:
        with self._changed:
            records = [record for record in self._records.values() if record.workspace == workspace]
        return [(record, run) for record in records if (run := record.run()) is not None]

    def _add(self, record: _Record, run: Run) -> None:
        key = (record.workspace, record.run_id)
        with self._changed:
            if key in self._records and self._records[key].run() is run:
                return
            self._records[key] = record
        run.tell(functools.partial(self._note, key))
        self._note(key, run)

    def _note(self, key: tuple[str, str], run: Run) -> None:
        with self._changed:
            record = self._records.get(key)
            if record is None or record.run() is not run:
                return  # This run was replaced by a resumed copy; ignore its late events.
            self._due[key] = run
            self._changed.notify_all()

    # --- The thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        scheduler.give_way()
        heartbeat_at = purge_at = look_at = time.monotonic()
        while not self._is_closed:
            now = time.monotonic()
            if now >= look_at:
                is_done = self._attempt(self.store.forget_dead_servers)
                look_at = math.inf if is_done else now + 6 * HEARTBEAT_SECONDS
                self._has_looked.set()
            if now >= heartbeat_at:
                heartbeat_at = now + HEARTBEAT_SECONDS
                if self._has_active():
                    self._attempt(self.store.heartbeat)
            if now >= purge_at:
                purge_at = now + _PURGE_SECONDS
                self._attempt(self.store.quotas.purge)
                self._attempt(self.store.classes.tidy)
            self._record_visits()
            self._save_files()
            self._count_checks()
            found = self._next(heartbeat_at)
            if found is not None:
                self._save(*found)
                del found  # Do not keep a forgotten run alive while waiting for the next.

    def _record_visits(self) -> None:
        with self._changed:
            visits, self._visits = self._visits, set()
        for workspace in visits:
            self._attempt(functools.partial(self.store.quotas.visit, workspace))

    def _count_checks(self) -> None:
        with self._changed:
            due = list(self._checks) if self._checks_not_before <= time.monotonic() else []
        for one in due:
            try:
                self.store.checks.count(*one)
            except StoreError as error:
                logger.warning("Answers to the check wait to be counted: %s", error)
                self._checks_not_before = time.monotonic() + self._retry_seconds
                return
            except Exception:
                logger.exception("Unexpected error while answers to the check were counted")
            with self._changed:
                self._checks.remove(one)
                self._changed.notify_all()

    def _save_files(self) -> None:
        now = time.monotonic()
        with self._changed:
            due = dict(self._files) if self._files_not_before <= now else {}
        for key, make in due.items():
            trouble, is_over = "", True
            try:
                data = make()
                is_over = len(data) > MAX_FILE_BYTES  # Another attempt cannot help.
                self.store.files.save(*key, data)
                is_over = True
            except StoreError as error:
                trouble = error.message
            except Exception:
                logger.exception("The file %s of a workspace cannot be saved", key[1])
                trouble, is_over = Message("It cannot be saved. See the server's log."), True
            with self._changed:
                since = self._file_troubles.get(key, (trouble, now))[1]
                if not trouble:
                    self._file_troubles.pop(key, None)
                else:
                    self._file_troubles[key] = trouble, since
                    self._files_not_before = now + self._retry_seconds
                if (is_over or now - since > _PATIENCE_SECONDS) and self._files.get(key) is make:
                    del self._files[key]
                self._changed.notify_all()

    def _has_active(self) -> bool:
        with self._changed:
            for key in [key for key, one in self._records.items() if one.run() is None]:
                del self._records[key]
            found = [run for one in self._records.values() if (run := one.run()) is not None]
        return any(run.snapshot.status.is_active for run in found)

    def _next(self, until: float) -> tuple[_Record, Run] | None:
        """Wait for a run that is due, at most until the time `until`; it is no longer due then."""
        with self._changed:
            now = time.monotonic()
            waiting = {key: self._records[key].not_before for key in self._due}
            ready = next((key for key, not_before in waiting.items() if not_before <= now), None)
            others_at = [
                *([self._files_not_before] if self._files else []),
                *([self._checks_not_before] if self._checks else []),
            ]
            if self._visits or self._is_closed or min(others_at, default=math.inf) <= now:
                return None
            if ready is None:
                self._changed.wait(max(0.0, min([until, *waiting.values(), *others_at]) - now))
                return None
            self._is_saving = True
            return self._records[ready], self._due.pop(ready)

    def _save(self, record: _Record, run: Run) -> None:
        again = False
        key = (record.workspace, record.run_id)
        try:
            if not record.is_closed:  # Keep the trouble that closed it.
                self._write(record, run)
                record.trouble, record.failing_since = "", None
            if record.is_dropped:
                self.store.discard(*key)
        except RunNotFoundError:  # Its owner deleted it.
            record.is_closed = True
        except RunClosedError as error:
            record.is_closed, record.trouble = True, error.message if run.snapshot.status.is_active else ""
        except StoreError as error:
            record.trouble = error.message
            again = self._is_worth_another_try(record, run)
        except Exception:
            logger.exception("Run %s cannot be saved", run.id)
            record.is_closed, record.trouble = True, Message("It cannot be saved. See the server's log.")
        with self._changed:
            if again and self._records.get(key) is record:
                record.not_before = time.monotonic() + self._retry_seconds
                self._due.setdefault(key, run)
            holders = [one for one in self._records.values() if one.run() is run]
            # Up to here it is saved in all its workspaces.
            saved = min((run.config.epochs if one.is_closed else one.epoch for one in holders), default=0)
            run.forget_slots(saved)
            if record.is_finished or not record.is_closed:
                run.forget_weights(min(saved, record.epoch), functools.partial(self.store.load_weights, *key))
            self._is_saving = False
            self._changed.notify_all()

    def _is_worth_another_try(self, record: _Record, run: Run) -> bool:
        now = time.monotonic()
        record.failing_since = record.failing_since or now
        if run.snapshot.status.is_active or now - record.failing_since < _PATIENCE_SECONDS:
            return True
        logger.error("Stop trying to save run %s after %.0f s", record.run_id, _PATIENCE_SECONDS)
        record.is_closed = True
        return False

    def _write(self, record: _Record, run: Run) -> None:
        """Save what is new of the run.

        Raises:
            StoreError: it cannot be saved.
        """
        shot, store = run.snapshot, self.store
        whose = (record.workspace, record.run_id)
        if not record.is_created:
            try:
                store.create(
                    *whose, run.config, run.dataset, number=run.number, title=run.title, start=run.start,
                    # A network from a file was trained elsewhere.
                    versions=library_versions() if shot.started is not None or shot.status.is_active else {},
                )  # fmt: skip
            except ConfigError as error:
                if error.field != "run_id":
                    raise
                # It was saved before, or this thread saved it and the connection broke before the answer.
                logger.info("Run %s is already saved", run.id)
            record.is_created = True
        state = shot.state
        if state is not None and state.epoch > record.epoch:
            slots = engine.initial_slots(run.config)
            if len(state.slots) < len(slots) or not state.weights:
                if shot.status.is_active:
                    return  # It is new in this workspace. The next epoch comes with slots again.
                # `finish` removes the slots again.
                state = dataclasses.replace(run.whole_state() or state, slots=slots)
            moments = run.moments.to_save(record.moments, state.epoch)
            store.save_epoch(*whose, state, shot.points, shot.busy_seconds, moments)
            record.epoch, record.moments, record.is_paused = state.epoch, set(moments), False
            run.moments.forget(moments, functools.partial(store.load_moment, *whose))
        if shot.status.is_active and run.is_pause_wanted != record.is_paused:
            store.save_pause(*whose, not record.is_paused)
            record.is_paused = not record.is_paused
        if run.was_left and not shot.status.is_active and not shot.epochs:
            store.discard(*whose)  # Its visitor left before the first epoch.
            record.is_closed = True
        elif not shot.status.is_active:
            moments = run.moments.to_save(record.moments)
            store.finish(
                *whose, shot.status, network=shot.network, evaluation=shot.evaluation, points=shot.points,
                rates=shot.rates, seconds=shot.busy_seconds, message=shot.message, moments=moments,
            )  # fmt: skip
            run.moments.forget(moments, functools.partial(store.load_moment, *whose))
            record.is_closed = record.is_finished = True

    def _attempt(self, what: Callable[[], object]) -> bool:
        """Do something in the database; returns whether it succeeded."""
        try:
            what()
        except StoreError as error:
            logger.warning("The database of saved runs: %s", error)
        except Exception:
            logger.exception("Unexpected error in the database of saved runs")
        else:
            return True
        return False


def shared() -> Saver:
    """The saver of this process. See docs/settings.md for where it saves runs, and how many.

    Raises:
        StoreError: nothing can be saved at the address of the database.
    """
    with _making:
        return _made()


def close_shared(seconds: float) -> bool:
    """`Saver.close` of the one of this process, if there is one."""
    with _making:
        is_made = _made.cache_info().currsize > 0
    return not is_made or _made().close(seconds)


_making = threading.Lock()


@functools.cache
def _made() -> Saver:
    return Saver(
        RunStore(
            database.configured_url(),
            max_runs=int(whole_number("MNIST_MAX_RUNS", quotas.MAX_RUNS, 1)),
            max_bytes=int(whole_number("MNIST_MAX_MEGABYTES", quotas.MAX_BYTES / 2**20, 1) * 2**20),
            max_total_bytes=int(whole_number("MNIST_MAX_TOTAL_MEGABYTES", quotas.MAX_TOTAL_BYTES / 2**20, 1) * 2**20),
            max_disk_share=min(whole_number("MNIST_MAX_DISK_PERCENT", quotas.MAX_DISK_SHARE * 100, 1), 100) / 100,
            max_age_days=whole_number("MNIST_MAX_AGE_DAYS", quotas.MAX_AGE_DAYS, 1),
        )
    )
