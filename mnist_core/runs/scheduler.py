"""Many jobs share the processor: a few workers take a job, give it a short turn, and put it back.

The job that has had the fewest turns is next. A longer turn counts more, so all get the same time, however long their
chunks are. Jobs that nobody watches get what the watched ones leave. Orders to a job (pause, stop, ...) go through its
scheduler; they return at once, from any thread, and are obeyed at the next chunk.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

from mnist_core.errors import CapacityError
from mnist_core.language import Message
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.training import Status, capacity, loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.job import Job
    from mnist_core.store.records import StoredRun
    from mnist_core.training import TrainingState

WORKERS = 2
# The length of a turn. With many runs it is shorter, so that each has had one after a round.
TURN_SECONDS = 0.2
ROUND_SECONDS = 0.8
MAX_ACTIVE_RUNS = 100
# How much of an unusually long turn counts at once; the rest follows in later turns. Otherwise one turn on a busy
# machine would cost its run a whole round.
_SMOOTHING = 0.2
# On Linux: how much lower the priority of training is than that of showing pages.
_NICENESS = 10
# How often to ask whether somebody has come back to the jobs that nobody watched.
LOOK_SECONDS = 0.5
# The places in the queue: first the jobs that have the order to stop, then the new ones, whose first point should come
# soon, last those that nobody watches.
_STOPPING, _NEW, _WATCHED, _UNWATCHED = range(4)


def give_way() -> None:
    """Lower the priority of this thread and of the threads that it will start.

    Linux has a priority for each thread. Elsewhere it would be that of the whole process, so nothing is done there.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS))


class Scheduler:
    """Worker threads that give each waiting job its turn; of the watched jobs, the one with the fewest is first."""

    _run_class: type[Run] = Run

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers = workers
        # For each waiting job: its place, the turns that it has used, its order of arrival, and the job.
        self._queue: list[tuple[int, float, int, Job]] = []
        self._arrivals = itertools.count()
        self._least_used = 0.0
        self._look_at = 0.0
        # Weak: a paused run of a visitor who has left is forgotten.
        self._runs: weakref.WeakSet[Job] = weakref.WeakSet()
        self._lock = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._begin_to_work, name=f"training-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float) -> bool:
        """Give no more turns, and accept no more runs. The runs stay as they are after their current turn.

        Returns:
            Whether all workers have ended within this many seconds.
        """
        end = time.monotonic() + seconds
        with self._lock:
            self._is_closed = True
            self._lock.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def active_runs(self) -> int:
        """How many runs are waiting or running."""
        with self._lock:
            runs = list(self._runs)
        return sum(run.snapshot.status in (Status.WAITING, Status.RUNNING) for run in runs)

    @property
    def watched_runs(self) -> int:
        """How many of them somebody watches. They come first."""
        with self._lock:
            runs = list(self._runs)
        return sum(run.is_watched and run.snapshot.status in (Status.WAITING, Status.RUNNING) for run in runs)

    def prepare(self, config: RunConfig, dataset: Dataset) -> None:
        """Compile what runs of this network need, before the first one is started."""
        loop.compile_ahead(config, dataset)

    def submit(
        self,
        config: RunConfig,
        dataset: Dataset,
        paused: bool = False,
        is_watched: Callable[[], bool] | None = None,
        start: TrainingState | None = None,
    ) -> Run:
        """Start the run of a network.

        Args:
            config: the run.
            dataset: the data that it names.
            paused: whether it waits for `step` or `resume` before its first step.
            is_watched: returns whether somebody watches the run; called at each turn, from a worker. After
                `job.unwatched_seconds` without a watcher the run is stopped. None for a run that is always watched.
            start: the state to start from; None for random weights.

        Raises:
            CapacityError: the server has no memory for it, or too many runs already.
        """
        run = self._run_class(config, dataset, is_watched, start)
        self.take_on(run, paused)
        return run

    def take_on(self, run: Run, paused: bool = False) -> None:
        """Start a run that was made elsewhere; see `submit`.

        Raises:
            CapacityError: the server has no memory for it, or too many runs already.
        """
        self._admit(run)
        if paused:
            self.pause(run)
        else:
            self._enqueue(run)

    def take_over(self, stored: StoredRun, dataset: Dataset, is_watched: Callable[[], bool] | None = None) -> Run:
        """Continue a saved run that was interrupted, after its last finished epoch. A paused one waits for an order.

        Args:
            stored: a run that has not ended.
            dataset: the data it has learned from so far.
            is_watched: see `submit`.

        Raises:
            CapacityError: the server has no memory for it, or too many runs already.
            DataError: it learned from other images.
        """
        stored.check_dataset(dataset)
        run = self._run_class.restored(stored, dataset, is_watched)
        self.take_on(run, paused=stored.summary.status is Status.PAUSED)
        return run

    def go_on(self, ended: Run, epochs: int, is_watched: Callable[[], bool] | None = None) -> Run:
        """Train the network of an ended run further, as a new run; see `Run.continued`.

        Raises:
            CapacityError: the server has no memory for it, or too many runs already.
            ConfigError: these are too many epochs.
            StoreError: the weights of its last finished epoch cannot be read.
        """
        run = self._run_class.continued(ended, epochs, is_watched)
        self.take_on(run)
        return run

    def submit_classical(
        self, kind: str, dataset: Dataset, split: str = "official", is_watched: Callable[[], bool] | None = None
    ) -> ClassicalRun:
        """Start the run of a classical model.

        Args:
            kind: a key of `classical.KINDS`.
            dataset: the data it learns from.
            split: a key of `config.SPLITS`.
            is_watched: see `submit`.

        Raises:
            CapacityError: the server has no memory for it, or too many runs already.
            ConfigError: there is no such kind or split.
        """
        run = ClassicalRun(kind, dataset, split, is_watched)
        self._admit(run)
        self._enqueue(run)
        return run

    def _admit(self, run: Job) -> None:
        """Add a run if the server can hold it."""
        with self._lock:
            if self._is_closed:
                raise CapacityError("This server is about to restart.", "Try again in a minute.")
            active = [other for other in self._runs if other.snapshot.status.is_active]
            if len(active) >= MAX_ACTIVE_RUNS:
                raise CapacityError(
                    Message(
                        "This server already has {most} runs in training, its maximum.",
                        most=MAX_ACTIVE_RUNS,
                    ),
                    "Wait until one has ended, or stop one of yours.",
                )
            # The memory of a run that has started is no longer free, so it is not counted twice.
            promised = sum(other.promised_bytes for other in active if not other.is_warm)
            capacity.check(run.promised_bytes, run.memory_remedy, promised)
            self._runs.add(run)

    def pause(self, run: Run) -> None:
        """Pause a run after the current chunk."""
        run.want_pause()
        self._enqueue(run)

    def resume(self, run: Run) -> None:
        """Resume a paused run."""
        run.want_resume()
        self._enqueue(run)

    def step(self, run: Run, size: StepSize = StepSize.BATCH) -> None:
        """Do exactly one batch of a run, or all that is left of its epoch, then pause it.

        Orders add up: after three of one batch, it pauses after three batches. Its results are those of a run that was
        never paused, to the bit.
        """
        run.want_step(size)
        self._enqueue(run)

    def set_learning_rate(self, run: Run, rate: float) -> None:
        """Change the learning rate from the next chunk on; `Snapshot.rates` records it.

        Raises:
            ConfigError: `rate` is outside the range of the setting.
        """
        run.want_learning_rate(rate)

    def stop(self, job: Job) -> None:
        """Stop a job after the current chunk. What it has learned is evaluated."""
        job.want_stop()
        self._hurry(job)

    def leave(self, job: Job, is_watched: Callable[[], bool] | None = None) -> None:
        """Undo a `Job.watch`, or the one that the job was submitted with; it is stopped if nobody else watches."""
        if job.unwatch(is_watched):
            self._hurry(job)

    def _enqueue(self, run: Job) -> None:
        """Put a run into the queue, unless it is there already or needs no turn."""
        # New and resumed runs start at the current minimum, so they cannot hog the workers.
        self._put(run, at_least=self._least_used)

    def _hurry(self, run: Job) -> None:
        """Give a run the next turn, so that a stop does not wait for all other runs."""
        self._enqueue(run)
        with self._lock:
            self._queue = [
                (_STOPPING if other is run else place, used, arrival, other)
                for place, used, arrival, other in self._queue
            ]
            heapq.heapify(self._queue)

    def _put(self, run: Job, at_least: float = 0.0) -> None:
        if run.claim_place():
            with self._lock:
                self._push(run, at_least)
                self._lock.notify()

    def _push(self, run: Job, at_least: float) -> None:
        # A run that was stopped during its turn was not in the queue for `_hurry`.
        if run.is_stopping:
            place = _STOPPING
        elif run.is_watched:
            place = _NEW if run.is_new else _WATCHED
        else:
            place = _UNWATCHED
        run.used_turns = max(run.used_turns, at_least)
        # The others take turns in the order of their arrival. What unwatched ones use is left over and does not count.
        used = run.used_turns if place == _WATCHED else 0.0
        heapq.heappush(self._queue, (place, used, next(self._arrivals), run))

    def _look_after_the_unwatched(self) -> None:
        """Give the waiting jobs that are watched again, or are to stop, their new places. They may get no turn now."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        unwatched = [job for place, _, _, job in self._queue if place == _UNWATCHED]
        for job in unwatched:
            job.stop_if_forgotten()
        moved = {job for job in unwatched if job.is_watched or job.is_stopping}
        if moved:
            self._queue = [entry for entry in self._queue if entry[-1] not in moved]
            heapq.heapify(self._queue)
            for job in moved:
                self._push(job, self._least_used)

    def _turn_seconds(self, run: Job) -> float:
        """Runs that nobody watches do not make the turns of the others shorter."""
        with self._lock:
            runs = list(self._runs)
        sharing = sum(
            other.snapshot.status in (Status.WAITING, Status.RUNNING) and (other.is_watched or not run.is_watched)
            for other in runs
        )
        return min(TURN_SECONDS, ROUND_SECONDS * self._workers / max(1, sharing))

    def _begin_to_work(self) -> None:
        give_way()
        self._work()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._queue or self._is_closed)
                if self._is_closed:
                    return
                self._look_after_the_unwatched()
                place, used, _, run = heapq.heappop(self._queue)
                if place == _WATCHED:
                    self._least_used = max(self._least_used, used)
            began = time.monotonic()
            seconds = self._turn_seconds(run)
            run.take_turn(seconds, min(seconds, loop.CHUNK_SECONDS))
            run.is_new = False
            if place == _WATCHED:
                run.charge((time.monotonic() - began) / seconds, _SMOOTHING)
            elif place == _NEW:
                run.charge(1.0, _SMOOTHING)  # Allocating and compiling do not count.
            run.leave_place()
            self._put(run, at_least=self._least_used if place == _UNWATCHED else 0.0)
            del run  # Do not keep a forgotten run alive while waiting.


def use(make: Callable[[], Scheduler]) -> None:
    """Let `shared` be another kind of scheduler. To be called before its first use."""
    with _making:
        _makers.append(make)


def shared() -> Scheduler:
    """The one scheduler of this process."""
    with _making:
        return _made()


def close_shared(seconds: float) -> bool:
    """`Scheduler.close` of the one of this process, if there is one."""
    with _making:
        is_made = _made.cache_info().currsize > 0
    return not is_made or _made().close(seconds)


_making = threading.Lock()
_makers: list[Callable[[], Scheduler]] = [Scheduler]  # The last one is used.


@functools.cache
def _made() -> Scheduler:
    return _makers[-1]()
