"""Helpers that advance runs of a scheduler, by its workers or by hand, and check their results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sklearn.metrics

from mnist_core import training
from mnist_core.config import RunConfig
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.job import Job
from mnist_core.runs.network_run import Run
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status

ENDED = (Status.FINISHED, Status.STOPPED, Status.FAILED)
STEPS_PER_EPOCH = 10
"""Steps of an epoch of `small()` on `blobs()`; each gives a point."""

real_train = training.train


def wait_until(condition: Callable[[], bool], seconds: float = 600.0) -> None:
    """Wait until a condition that other threads fulfil is true; on a very busy machine that takes minutes."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        pause.wait(0.005)


def wait_for_status(run: Job, *statuses: Status) -> None:
    wait_until(lambda: run.snapshot.status in statuses)


def take_turns(scheduler: Scheduler, run: Job, turns: int = 1) -> None:
    """Give a run turns, as a worker does."""
    for _ in range(turns):
        run.take_turn(scheduling.TURN_SECONDS)
        run.leave_place()
        scheduler._enqueue(run)


def run_to_end(scheduler: Scheduler, run: Job) -> None:
    while run.snapshot.status.is_active:
        take_turns(scheduler, run)


def point_tuples(points: Any) -> list[tuple[int, int, float, float]]:
    return [(point.epoch, point.step, point.loss, point.accuracy) for point in points]


def assert_same_as_alone(run: Run) -> None:
    events = list(real_train(run.config, run.dataset))
    shot = run.snapshot
    assert shot.status is Status.FINISHED
    assert shot.started == events[0]
    assert point_tuples(shot.points) == point_tuples(event for event in events if isinstance(event, training.Progress))
    last = events[-1]
    assert isinstance(last, training.Finished)
    assert shot.epochs == last.history
    assert shot.network is not None
    assert_same_weights(shot.network.weights, last.network.weights)


def assert_same_weights(ours: Any, theirs: Any) -> None:
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(own, other)


def assert_evaluated(run: Run) -> None:
    shot = run.snapshot
    assert shot.network is not None
    assert shot.evaluation is not None
    answers = shot.network.predict(run.dataset.test_images).argmax(axis=1)
    assert shot.evaluation.accuracy == sklearn.metrics.accuracy_score(run.dataset.test_labels, answers)


class Gate:
    """A replacement for `training.train` that yields each point only after `allow`."""

    def __init__(self) -> None:
        self._permits = threading.Semaphore(0)
        self._is_open = False

    def train(self, config: RunConfig, dataset: Any, state: Any = None, dials: Any = None) -> Iterator[training.Event]:
        for event in real_train(config, dataset, state, dials):
            if isinstance(event, training.Progress) and not self._is_open:
                self._permits.acquire()
            yield event

    def allow(self, points: int) -> None:
        self._permits.release(points)

    def open(self) -> None:
        self._is_open = True
        self._permits.release(1_000)
