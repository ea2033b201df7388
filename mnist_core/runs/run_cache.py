"""Runs that are the same for all visitors, so a server computes them once."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

from mnist_core import environment
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.job import Job
from mnist_core.runs.network_run import Run
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.scheduler import Scheduler
    from mnist_core.training import TrainingState

MAX_HELD_MEGABYTES = 128
"""For ended runs, by default. All runs of the Learn page fit in."""

AnyJob = TypeVar("AnyJob", bound=Job)


class RunCache:
    """Runs by config and data set. Safe to use from any thread.

    A run that was stopped or has failed counts as not there. Data sets are compared by identity; only their runs keep
    them alive.

    Args:
        scheduler: trains the runs.
        most_bytes: how much memory the results of ended runs take together. While they take more, the least recently
            used ones leave.
    """

    def __init__(self, scheduler: Scheduler, most_bytes: float = MAX_HELD_MEGABYTES * 2**20) -> None:
        self._scheduler = scheduler
        self._most_bytes = most_bytes
        # The most recently used is last. A key holds the identity of a data set that its run keeps alive.
        self._runs: OrderedDict[Hashable, Job] = OrderedDict()
        self._held: dict[Hashable, int] = {}  # Bytes of those that have ended.
        self._lock = threading.RLock()

    def network(
        self,
        config: RunConfig,
        dataset: Dataset,
        is_watched: Callable[[], bool] | None = None,
        start: TrainingState | None = None,
    ) -> Run:
        """The run of a network: the cached one, or a new one.

        Args:
            config: the run.
            dataset: the data that it names.
            is_watched: see `Scheduler.submit`; added to the watchers of a cached run.
            start: the state to start from, always the same for a config and data set; None for random weights.

        Raises:
            CapacityError: the server cannot hold a new one.
        """
        return self._get(
            (config, id(dataset), start is None),
            Run,
            is_watched,
            lambda: self._scheduler.submit(config, dataset, is_watched=is_watched, start=start),
        )

    def classical(
        self, kind: str, dataset: Dataset, split: str = "official", is_watched: Callable[[], bool] | None = None
    ) -> ClassicalRun:
        """The run of a classical model; the arguments are those of `Scheduler.submit_classical`.

        Raises:
            CapacityError: the server cannot hold a new one.
            ConfigError: there is no such kind or split.
        """
        return self._get(
            (kind, split, id(dataset)),
            ClassicalRun,
            is_watched,
            lambda: self._scheduler.submit_classical(kind, dataset, split, is_watched),
        )

    def find_network(self, config: RunConfig, dataset: Dataset, is_random: bool = True) -> Run | None:
        """The run that `network` would return; None instead of starting one.

        Args:
            config: see `network`.
            dataset: see `network`.
            is_random: whether it starts from random weights, without a `start`.
        """
        return self._find((config, id(dataset), is_random), Run)

    def find_classical(self, kind: str, dataset: Dataset, split: str = "official") -> ClassicalRun | None:
        """The run that `classical` would return; None instead of starting one."""
        return self._find((kind, split, id(dataset)), ClassicalRun)

    def active(self) -> list[Job]:
        """The runs that have not ended."""
        with self._lock:
            return [run for run in self._runs.values() if run.snapshot.status.is_active]

    def _get(
        self,
        key: Hashable,
        of: type[AnyJob],
        is_watched: Callable[[], bool] | None,
        submit: Callable[[], AnyJob],
    ) -> AnyJob:
        with self._lock:
            run = self._find(key, of)
            if run is not None:
                run.watch(is_watched)
                # Its last watcher may have left just now.
                if not run.is_stopping:
                    return run
            run = submit()
            self._runs[key] = run
            self._runs.move_to_end(key)
            return run

    def _find(self, key: Hashable, of: type[AnyJob]) -> AnyJob | None:
        with self._lock:
            run = self._runs.get(key)
            if run is not None:
                self._runs.move_to_end(key)
            self._forget(key)
            if not isinstance(run, of) or run.is_stopping or run.snapshot.status in (Status.STOPPED, Status.FAILED):
                return None
            return run

    def _forget(self, wanted: Hashable) -> None:
        """Forget runs without a result, and the least recently used ended ones while they take too much memory."""
        for key, run in list(self._runs.items()):
            status = run.snapshot.status
            if status in (Status.STOPPED, Status.FAILED):
                self._drop(key)
            elif not status.is_active and key not in self._held:
                self._held[key] = run.held_bytes
        too_many = sum(self._held.values()) - self._most_bytes
        for key in [key for key in self._runs if key in self._held and key != wanted]:
            if too_many <= 0:
                break
            too_many -= self._drop(key)

    def _drop(self, key: Hashable) -> int:
        del self._runs[key]
        return self._held.pop(key, 0)


@functools.cache
def shared() -> RunCache:
    """The cache of this process; ``MNIST_SHARED_MEGABYTES`` bounds it."""
    most = environment.whole_number("MNIST_SHARED_MEGABYTES", MAX_HELD_MEGABYTES)
    return RunCache(scheduling.shared(), most * 2**20)
