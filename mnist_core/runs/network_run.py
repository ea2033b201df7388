"""A network's run. Pages read its `Snapshot`; the scheduler gives it turns and orders.

It obeys an order at the next chunk.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import logging
import math
import time
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import training
from mnist_core.config import LEARNING_RATE, SPLITS
from mnist_core.data import splits
from mnist_core.evaluation.metrics import evaluate_on_test
from mnist_core.language import Message
from mnist_core.network import TrainedNetwork, parameter_count, training_bytes
from mnist_core.network.layers import initial_weights
from mnist_core.runs.job import Job
from mnist_core.runs.snapshot import Snapshot
from mnist_core.training import Status, engine, loop
from mnist_core.training.moments import Moments, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset, Split
    from mnist_core.network.layers import Weights
    from mnist_core.store.records import StoredRun

logger = logging.getLogger(__name__)


class StepSize(Enum):
    """How far a paused run goes on at an order to step."""

    BATCH = "batch"
    EPOCH = "epoch"


class Run(Job):
    """One run of a network in the scheduler."""

    memory_remedy = Message("Use fewer units or layers, or SGD, or wait until other runs have ended.")
    _snapshot: Snapshot

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        is_watched: Callable[[], bool] | None = None,
        start: training.TrainingState | None = None,
    ) -> None:
        super().__init__(dataset, is_watched)
        self.config = config
        self.start = start  # None if it starts from random weights, or was loaded.
        self.begins_random = start is None
        self.moments = Moments(parameter_count(config))
        self._loaded_points = 0  # Points that it had before its first turn.
        self._listeners: list[Callable[[Run], None]] = []
        self._dials = training.Dials()
        self._events: Iterator[training.Event] | None = None
        self._snapshot = Snapshot()
        self._clock = 0.0
        self._pause_wanted = False
        self._steps_wanted: deque[StepSize] = deque()
        self._is_mid_chunk = False
        self._load_weights: Callable[[], Weights] | None = None

    @classmethod
    def restored(cls, stored: StoredRun, dataset: Dataset, is_watched: Callable[[], bool] | None = None) -> Run:
        """A saved run: ended, or ready to continue after its last finished epoch.

        Args:
            stored: the run.
            dataset: the data it learned from. For an ended run, the same test images are enough.
            is_watched: see `Job`.

        Raises:
            DataError: it learned from other images, and was tested with others.
        """
        summary, state = stored.summary, stored.state
        run = cls(stored.config, _with_test_images_of(stored, dataset), is_watched)
        run.begins_random = dataset.fingerprint == summary.fingerprint
        run.id, run.number, run.title = summary.id, summary.number, summary.title
        run.moments = stored.moments
        if state is not None and not summary.epochs:
            run.start, state, run.begins_random = state, None, False
        whole = [point for point in stored.points if point.epoch <= summary.epochs]
        images = len(run.split.train_indices)
        steps = max((point.step for point in whole), default=math.ceil(images / stored.config.batch_size))
        is_active = summary.status.is_active
        points = tuple(whole) if is_active else stored.points
        run._loaded_points = len(points)
        run._load_weights = stored.load_weights
        run._snapshot = Snapshot(
            status=Status.WAITING if is_active else summary.status,
            points=points,
            seconds=summary.seconds,
            evaluation=stored.evaluation,
            message=summary.message,
            started=training.Started(steps, images, parameter_count(stored.config)),
            epochs=state.history if state else (),
            rates=state.rates if is_active and state else stored.rates,
            state=state,
            network=stored.network,
        )
        return run

    @property
    def can_go_on(self) -> bool:
        """Whether `continued` can train it further: it has ended after an epoch, and not early."""
        shot = self._snapshot
        is_there = shot.state is not None and bool(shot.epochs) and bool(shot.state.weights or self._load_weights)
        return is_there and shot.status.can_go_on(len(shot.epochs), self.config.epochs)

    @classmethod
    def continued(cls, ended: Run, epochs: int, is_watched: Callable[[], bool] | None = None) -> Run:
        """A new run that begins after the last finished epoch of an ended one, with its curve.

        For SGD without momentum it is the run that had trained for so long at once, to the bit. Other optimizers begin
        with new averages, since those of an ended run are not kept.

        Args:
            ended: a run that `can_go_on`.
            epochs: how many more.
            is_watched: see `Job`.

        Raises:
            ConfigError: these are too many epochs.
            StoreError: the weights of that epoch cannot be read.
        """
        shot, last = ended.snapshot, ended.whole_state()
        assert last is not None
        assert shot.started is not None
        if ended.config.early_stopping and last.best_weights is None:  # Saved once: the last epoch was the best one.
            last = dataclasses.replace(last, best_weights=last.weights)
        config = dataclasses.replace(ended.config, epochs=last.epoch + epochs)
        run = cls(config, ended.dataset, is_watched)
        slots = engine.initial_slots(config)
        # The step corrects the averages for their start, so it starts anew with them.
        state = dataclasses.replace(last, slots=slots, step=0 if slots else last.step)
        points = tuple(point for point in shot.points if point.epoch <= state.epoch)
        run.begins_random = ended.begins_random and not slots
        run._loaded_points = len(points)
        run.moments = ended.moments.copy(Place(state.epoch, shot.started.steps_per_epoch))
        run._snapshot = Snapshot(
            points=points,
            seconds=shot.seconds,
            started=shot.started,
            epochs=state.history,
            rates=state.rates,
            state=state,
        )
        return run

    @classmethod
    def of_network(cls, network: TrainedNetwork, dataset: Dataset, message: str) -> Run:
        """An ended run that is only a network, such as one from a file. It is tested at once.

        Args:
            network: the final network.
            dataset: the data set with its test images, those of the split in its config.
            message: where the network comes from.

        Raises:
            DataError: the data set cannot be split as its config asks.
        """
        run = cls(dataclasses.replace(network.config, dataset=dataset.name), dataset)
        run.begins_random = False
        evaluation = evaluate_on_test(network, dataset)
        run._publish(status=Status.FINISHED, network=network, evaluation=evaluation, message=message)
        return run

    def copy_of_ended(self) -> Run:
        """The same ended run for another owner, who may give it another name."""
        one = copy.copy(self)
        one._listeners = []
        one.moments = self.moments.copy()
        return one

    def __repr__(self) -> str:
        return f"Run({self.config})"

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def tell(self, listener: Callable[[Run], None]) -> None:
        """Call `listener` with this run after each epoch and at the end, and with orders to pause or resume.

        It is called from a worker thread, or from that of the order.

        A listener that needs the slots of `Snapshot.state` calls `forget_slots` when it has them.
        """
        self._listeners.append(listener)

    def forget_slots(self, epoch: int) -> None:
        """Free the optimizer's slots in `Snapshot.state`, if it is that of this epoch or of an earlier one.

        They are two thirds of an Adam run's state, and only needed to resume it elsewhere. Training goes on without
        them, since it has its own.
        """
        with self._lock:
            state = self._snapshot.state
            is_needed = self._snapshot.status.is_active and self._events is None  # It has not begun here.
            if state is not None and state.slots and state.epoch <= epoch and not is_needed:
                self._publish(state=dataclasses.replace(state, slots=()))

    def forget_weights(self, epoch: int, load: Callable[[int], Weights]) -> None:
        """Free the weights in `Snapshot.state`, if it is that of this epoch or of an earlier one.

        They are needed only if the run fails, or if a new run goes on from there. With Morgan's network they are 2.7 MB
        of the 10 that a run in training takes.

        Args:
            epoch: up to here it is saved.
            load: returns the saved weights of an epoch, or raises a `StoreError`.
        """
        with self._lock:
            shot, state = self._snapshot, self._snapshot.state
            if state is None or not state.weights or state.epoch > epoch:
                return
            if shot.network is not None:
                is_shown = state.weights is shot.network.weights
            else:
                # Before its first chunk, a resumed run has no other weights to show.
                is_shown = self._events is None or shot.position is None
            if not is_shown:
                self._load_weights = functools.partial(load, state.epoch)
                self._publish(state=dataclasses.replace(state, weights=()))

    def whole_state(self) -> training.TrainingState | None:
        """`Snapshot.state` with its weights, if they were freed too.

        Raises:
            StoreError: they cannot be read.
        """
        state = self._snapshot.state
        if state is None or state.weights or self._load_weights is None:
            return state
        return dataclasses.replace(state, weights=self._load_weights())

    @property
    def is_warm(self) -> bool:
        """See `Job`; a loaded run has points before its first turn here."""
        return len(self._snapshot.points) > self._loaded_points

    @property
    def end(self) -> Place | None:
        """Where on the curve the final network is from; None without one, or if that is not the end of the curve."""
        shot = self._snapshot
        # After early stopping it is the best epoch's.
        if shot.network is None or not shot.points or (shot.state and shot.state.best_weights):
            return None
        last = Place(shot.points[-1].epoch, shot.points[-1].step)
        # A failed run has that of its last finished epoch.
        return None if shot.status is Status.FAILED and last not in self.moments.places else last

    @property
    def past_moments(self) -> tuple[Place, ...]:
        """The kept moments, in the order of time, without the one that the final network is from."""
        end = self.end
        return tuple(place for place in self.moments.places if place != end)

    @property
    def split(self) -> Split:
        """Which images it learns from, which are for validation and which it is tested with."""
        return splits.split_for(self.dataset, self.config)

    @property
    def promised_bytes(self) -> int:
        """An estimate of the bytes that training needs."""
        return training_bytes(self.config)

    @property
    def _results(self) -> Sequence[npt.NDArray[Any]]:
        """The weights of the final network and of the last finished epoch, and the answers to the test images."""
        shot = self._snapshot
        networks = [one.weights for one in (shot.network, shot.state) if one]
        return [*itertools.chain(*networks), *super()._results]

    @property
    def fraction(self) -> float:
        """How much of the planned training is done, 0 to 1."""
        shot = self._snapshot
        if shot.status is Status.FINISHED:
            return 1.0
        if not shot.points or shot.started is None:
            return 0.0
        last = shot.points[-1]
        return (last.epoch - 1 + last.step / shot.started.steps_per_epoch) / self.config.epochs

    @property
    def learning_rate(self) -> float:
        """The learning rate that is used now, or from the next chunk."""
        rates = self._snapshot.rates
        return self._dials.learning_rate or (rates[-1].learning_rate if rates else self.config.learning_rate)

    def want_learning_rate(self, rate: float) -> None:
        """Record the order to change the learning rate. Called by `Scheduler.set_learning_rate`.

        Raises:
            ConfigError: `rate` is outside the range of the setting.
        """
        LEARNING_RATE.check("learning_rate", rate)
        self._dials.learning_rate = rate

    @property
    def samples_per_second(self) -> float | None:
        """Training images a second so far, with other runs running; None when it is not known yet."""
        shot = self._snapshot
        if not shot.seconds or shot.started is None:
            return None
        return self.fraction * self.config.epochs * shot.started.training_images / shot.seconds

    @property
    def is_pause_wanted(self) -> bool:
        """Whether the run is paused, or has been ordered to pause."""
        return self._pause_wanted

    def want_pause(self) -> None:
        """Record the order to pause. Called by `Scheduler.pause`."""
        with self._lock:
            self._pause_wanted = True
        self._tell()

    def want_resume(self) -> None:
        """Record the order to resume. Called by `Scheduler.resume`."""
        with self._lock:
            self._pause_wanted = False
            self._steps_wanted.clear()
            if self._snapshot.status is Status.PAUSED:
                self._clock = time.monotonic()
                self._publish(status=Status.WAITING)
        self._tell()

    def want_step(self, size: StepSize) -> None:
        """Record the order to do one batch, or all that is left of the epoch. Called by `Scheduler.step`."""
        with self._lock:
            self._pause_wanted = True
            self._steps_wanted.append(size)
            if self._snapshot.status is Status.PAUSED:
                self._clock = time.monotonic()
        self._tell()

    def _wants_turn(self) -> bool:
        return super()._wants_turn() and (self._stop_wanted or not self._pause_wanted or bool(self._steps_wanted))

    def _advance(self, seconds: float, chunk_seconds: float | None) -> None:
        self._dials.chunk_seconds = loop.CHUNK_SECONDS if chunk_seconds is None else chunk_seconds
        if self._events is None:
            self._events = training.train(
                self.config, self.dataset, self._snapshot.state or self.start, dials=self._dials
            )
        began = chunk_began = time.monotonic()
        is_over = not self._wants_turn()
        while not is_over:
            if not self._is_mid_chunk and not self._is_validation_due:
                self._dials.most_steps = 1 if self._next_step is StepSize.BATCH else None
            self._take(next(self._events))
            if self._is_mid_chunk:
                continue
            now = time.monotonic()
            # Do another chunk only if most of it fits: a run that takes longer now waits longer for its next turn.
            is_over = self._stop_wanted or not self._wants_turn() or now - began + (now - chunk_began) / 2 > seconds
            chunk_began = now

    @property
    def _next_step(self) -> StepSize | None:
        """The oldest order to step that is not done yet."""
        with self._lock:
            return self._steps_wanted[0] if self._steps_wanted else None

    def _step_is_done(self) -> None:
        with self._lock:
            if self._steps_wanted:
                self._steps_wanted.popleft()

    @property
    def _is_validation_due(self) -> bool:
        """Whether all steps of an epoch are done, and it has not ended yet."""
        shot = self._snapshot
        if not shot.points or shot.started is None:
            return False
        last = shot.points[-1]
        return last.epoch > len(shot.epochs) and last.step == shot.started.steps_per_epoch

    def _end_stopped(self, message: str) -> None:
        shot = self._snapshot
        weights = (shot.state.best_weights if shot.state else None) or shot.weights
        self._end(Status.STOPPED, TrainedNetwork(self.config, weights) if weights else None, message)

    def _take(self, event: training.Event) -> None:
        match event:
            case training.Started():
                self._publish(started=event)
            case training.RateChanged():
                self._publish(rates=(*self._snapshot.rates, event))
            case training.Validating():
                self._is_mid_chunk = event.done == event.images  # The epoch's summary follows at once.
            case training.Progress():
                # The points of a chunk come together; the last one brings the weights. The epoch's summary follows its
                # last chunk.
                started = self._snapshot.started
                is_last = started is not None and event.step == started.steps_per_epoch
                self._is_mid_chunk = event.position is None or (is_last and not self.config.validation_fraction)
                self._take_point(event)
            case training.EpochEnded():
                self._is_mid_chunk = event.epoch == self.config.epochs  # Then the end of the run follows at once.
                last = self._snapshot.points[-1]
                self._keep(Place(last.epoch, last.step), event.state.weights)
                self._publish(epochs=event.state.history, state=event.state)
                # The last batch of an epoch comes with its summary. A batch that was ordered since then is still to do.
                if self._next_step is StepSize.EPOCH or self._dials.most_steps:
                    self._step_is_done()
                self._tell()
            case training.Finished():
                self._is_mid_chunk = False
                self._end(Status.FINISHED, event.network, _ending(self.config, event))

    def _take_point(self, point: training.Progress) -> None:
        now = time.monotonic()
        shot = self._snapshot
        with self._lock:
            # Not before the first point: that time includes compiling.
            seconds = shot.seconds + (now - self._clock if self._clock and shot.points else 0.0)
            self._clock = now
        position = point.position or shot.position
        place = Place(point.epoch, point.step)
        points = shot.points
        if not point.is_partial:
            while points and points[-1].is_partial:  # The whole point stands for them.
                points = points[:-1]
            is_wanted = shot.started is not None and self.moments.wants(place, shot.started.steps_per_epoch)
            if is_wanted and point.position is not None:
                self._keep(place, point.position.weights)
        points = (*points, dataclasses.replace(point, position=None))
        self._publish(status=Status.RUNNING, points=points, position=position, seconds=seconds)
        if self._dials.most_steps and not self._is_validation_due:
            self._step_is_done()

    def _keep(self, place: Place, weights: Weights) -> None:
        """Keep a moment, unless nobody saves the run: then nobody looks back, and memory is scarce."""
        if not self._listeners:
            return
        if not self.moments.places and not self._loaded_points:
            start, config = self.start, self.config
            self.moments.keep_start(lambda: start.weights if start else initial_weights(config))
        self.moments.keep(place, weights)

    def _end(self, status: Status, network: TrainedNetwork | None, message: str = "") -> None:
        with self._lock:
            self._events = None
        # A copy is tested, since a network that has predicted holds its weights as a tensor too.
        evaluation = evaluate_on_test(dataclasses.replace(network), self.dataset) if network else None
        position = None if network else self._snapshot.position
        self._publish(status=status, network=network, position=position, evaluation=evaluation, message=message)
        if self._listeners:
            self._tell()
        else:
            self.forget_slots(self.config.epochs)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self)

    def _fail(self, message: str) -> None:
        """End the run with the network of the last finished epoch, if that works."""
        try:
            state = self.whole_state()
            network = TrainedNetwork(self.config, state.weights) if state and state.weights else None
            self._end(Status.FAILED, network, message)
        except Exception:
            # The thread must survive for the other runs.
            logger.exception("Run %s: its last good epoch cannot be loaded or evaluated", self.id)
            self._end(Status.FAILED, None, message)


def _with_test_images_of(stored: StoredRun, dataset: Dataset) -> Dataset:
    """The data set if the run learned from it; otherwise with the images that it was tested with.

    Extra images, such as drawings, are not saved, but the test images are those of a known split.

    Raises:
        DataError: the data set does not contain them.
    """
    if dataset.fingerprint != stored.summary.fingerprint and stored.evaluation is not None:
        for name in SPLITS:
            split = splits.split(dataset, name, 0.0)
            if np.array_equal(split.test_labels, stored.evaluation.labels):
                return dataclasses.replace(dataset, test_images=split.test_images, test_labels=split.test_labels)
    stored.check_dataset(dataset)
    return dataset


def _ending(config: RunConfig, event: training.Finished) -> str:
    if not event.stopped_early:
        return ""
    return Message(
        "Stopped early after epoch {count}: the validation loss did not fall for "
        "{early_stopping} epochs. The weights are those of the best epoch.",
        count=len(event.history),
        early_stopping=config.early_stopping,
    )
