"""One run as a page holds it: the page gives it orders and reads its `Snapshot`; a scheduler gives it turns.

Neither ever waits for the other: orders are taken at the next chunk, and a snapshot is a frozen object that is
replaced whole.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
import time
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from mnist_core import training
from mnist_core.config import LEARNING_RATE
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import Evaluation, evaluate_on_test
from mnist_core.network import TrainedNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mnist_core import engine, forward
    from mnist_core.config import RunConfig
    from mnist_core.datasets import Dataset

logger = logging.getLogger(__name__)

# A run that nobody watches any more goes on for so long, unless ``MNIST_UNWATCHED_SECONDS`` says otherwise.
UNWATCHED_SECONDS = 600.0
# A turn is charged as so many usual ones at most.
_MOST_SURPRISE = 8


class Turns(Protocol):
    """What a run needs of its scheduler."""

    def enqueue(self, run: Run) -> None:
        """Let the run wait for a turn."""

    def hurry(self, run: Run) -> None:
        """Let the run have the next turn."""


def unwatched_seconds() -> float:
    """How long a run that nobody watches may go on; ``MNIST_UNWATCHED_SECONDS`` says it, 0 and more."""
    setting = os.environ.get("MNIST_UNWATCHED_SECONDS", "")
    return float(setting) if setting.isdecimal() else UNWATCHED_SECONDS


class Status(Enum):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether the run may still go on."""
        return self in (Status.WAITING, Status.RUNNING, Status.PAUSED)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a page shows of a run, at one moment.

    Args:
        status: where the run stands; WAITING until its first point.
        started: sizes of the run, once known.
        points: the live curve.
        epochs: the finished epochs.
        rates: every change of the learning rate.
        position: where the run was after its newest chunk; None before that, and once it has left a network.
        state: the last finished epoch's state.
        seconds: time since the first point, without pauses.
        network: what the run left, once it has ended with something.
        evaluation: that network on the test images.
        message: what people should know of how it ended; empty if nothing.
    """

    status: Status = Status.WAITING
    started: training.Started | None = None
    points: tuple[training.Progress, ...] = ()
    epochs: tuple[training.EpochMetrics, ...] = ()
    rates: tuple[training.RateChanged, ...] = ()
    position: engine.Position | None = None
    state: training.TrainingState | None = None
    seconds: float = 0.0
    network: TrainedNetwork | None = None
    evaluation: Evaluation | None = None
    message: str = ""

    @property
    def weights(self) -> forward.Weights | None:
        """The network's weights if it left one, else the newest that are known."""
        if self.network is not None:
            # Early stopping or a failure makes these an earlier epoch's.
            return self.network.weights
        return self.position.weights if self.position else None


class Run:
    """One run on its way through the scheduler. Its orders return at once, from any thread."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        scheduler: Turns,
        is_watched: Callable[[], bool] | None = None,
        start: training.TrainingState | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.number = 0  # Counted from 1 by whoever owns several runs.
        self.title = ""  # What its owner calls its network; empty for the network's own name.
        self.config = config
        self.dataset = dataset
        self.start = start  # None for a network that begins with random weights.
        self.used_seconds = 0.0  # Time of the workers, for the scheduler to compare.
        self._usual_seconds: float | None = None
        self._scheduler = scheduler
        self._is_watched = is_watched or (lambda: True)
        self._watched_at = time.monotonic()
        self._dials = training.Dials()
        self._events: Iterator[training.Event] | None = None
        self._snapshot = Snapshot()
        self._lock = threading.RLock()
        self._has_place = False
        self._clock = 0.0
        self._pause_wanted = False
        self._stop_wanted = False
        self._stop_reason = ""
        self._chunks_wanted = 0
        self._is_mid_chunk = False
        self._has_begun = threading.Event()

    @property
    def snapshot(self) -> Snapshot:
        """The run as it stands."""
        return self._snapshot

    @property
    def is_stopping(self) -> bool:
        """Whether the run has been told to stop, and has not yet ended."""
        return self._stop_wanted and self._snapshot.status.is_active

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
    def seconds_left(self) -> float | None:
        """How long it will still take at the pace so far, sharing included; None when it cannot be told yet."""
        fraction = self.fraction
        return self._snapshot.seconds * (1 / fraction - 1) if fraction and self._snapshot.seconds else None

    @property
    def learning_rate(self) -> float:
        """The learning rate in force, or about to be."""
        return self._dials.learning_rate or self.config.learning_rate

    def set_learning_rate(self, rate: float) -> None:
        """Go on with another learning rate from the next chunk; `Snapshot.rates` tells when that was.

        Raises:
            ConfigError: when `rate` is out of the range that a config may have.
        """
        LEARNING_RATE.check("learning_rate", rate)
        self._dials.learning_rate = rate

    @property
    def samples_per_second(self) -> float | None:
        """Training images a second so far, sharing included; None when it cannot be told yet."""
        shot = self._snapshot
        if not shot.seconds or shot.started is None:
            return None
        return self.fraction * self.config.epochs * shot.started.training_images / shot.seconds

    def wait_until_begun(self, seconds: float) -> bool:
        """Return as soon as the first point is there or the run has ended, at most after `seconds`: whether so."""
        return self._has_begun.wait(seconds)

    def pause(self) -> None:
        """Hold the run after the chunk under way."""
        with self._lock:
            self._pause_wanted = True
        self._scheduler.enqueue(self)

    def resume(self) -> None:
        """Let a paused run go on."""
        with self._lock:
            self._pause_wanted = False
            self._chunks_wanted = 0
            if self._snapshot.status is Status.PAUSED:
                self._clock = time.monotonic()
                self._publish(status=Status.WAITING)
        self._scheduler.enqueue(self)

    def step(self) -> None:
        """Let a paused run, or one not yet begun, do one chunk, about a fifth of a second, then hold it again."""
        with self._lock:
            self._pause_wanted = True
            self._chunks_wanted += 1
            if self._snapshot.status is Status.PAUSED:
                self._clock = time.monotonic()
        self._scheduler.enqueue(self)

    def stop(self) -> None:
        """End the run after the chunk under way; what it has learned is kept and evaluated.

        With early stopping that is the best finished epoch, if there is one.
        """
        with self._lock:
            self._stop_wanted = True
        self._scheduler.hurry(self)

    def _publish(self, **changes: object) -> None:
        with self._lock:
            self._snapshot = dataclasses.replace(self._snapshot, **changes)  # type: ignore[arg-type]
        if self._snapshot.points or not self._snapshot.status.is_active:
            self._has_begun.set()

    def _wants_turn(self) -> bool:
        if not self._snapshot.status.is_active:
            return False
        return self._stop_wanted or not self._pause_wanted or self._chunks_wanted > 0

    def claim_place(self) -> bool:
        """Take a place in the queue; False when the run has one, or wants no turn."""
        with self._lock:
            if self._has_place:
                return False
            if not self._wants_turn():
                if self._snapshot.status.is_active:
                    self._publish(status=Status.PAUSED)
                return False
            self._has_place = True
            return True

    def leave_place(self) -> None:
        """Give the place in the queue back after a turn."""
        with self._lock:
            self._has_place = False

    def take_turn(self, seconds: float, chunk_seconds: float | None = None) -> None:
        """Go on for about `seconds`, in chunks of `chunk_seconds` and one at least; called by one worker at a time."""
        try:
            self._dials.chunk_seconds = training.CHUNK_SECONDS if chunk_seconds is None else chunk_seconds
            self._stop_if_forgotten()
            if self._stop_wanted:
                shot = self._snapshot
                best = shot.state.best_weights if shot.state else None
                weights = best or shot.weights
                self._end(Status.STOPPED, TrainedNetwork(self.config, weights) if weights else None, self._stop_reason)
            else:
                self._advance(seconds)
        except PlaygroundError as error:
            self._fail(str(error))
        except MemoryError:
            logger.exception("Run %s: out of memory", self.id)
            self._fail("The server ran out of memory. Use fewer units or layers.")
        except Exception:
            # The last line of defence of a thread: whatever it is must be seen in the log and on the page.
            logger.exception("Run %s failed unexpectedly: %s", self.id, self.config)
            self._fail("Something went wrong inside the playground; the server's log tells what.")

    def charge(self, seconds: float, smoothing: float) -> None:
        """Note a turn's time: a share of `smoothing` of it now, the rest in the turns to come.

        Of a turn many times as long as usual, the machine's doing, most is forgiven: among a hundred runs a second is a
        wait of fifty.
        """
        usual = seconds if self._usual_seconds is None else self._usual_seconds
        self._usual_seconds = usual + smoothing * (min(seconds, _MOST_SURPRISE * usual) - usual)
        self.used_seconds += self._usual_seconds

    def _stop_if_forgotten(self) -> None:
        now = time.monotonic()
        if self._is_watched():
            self._watched_at = now
        elif now - self._watched_at >= unwatched_seconds():
            seconds = unwatched_seconds()
            how_long = f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"
            self._stop_reason = f"Stopped because nobody had watched it for {how_long}."
            self._stop_wanted = True

    def _advance(self, seconds: float) -> None:
        if self._events is None:
            self._events = training.train(self.config, self.dataset, self.start, dials=self._dials)
        began = chunk_began = time.monotonic()
        is_over = not self._wants_turn()
        while not is_over:
            self._take(next(self._events))
            if self._is_mid_chunk:
                continue
            now = time.monotonic()
            # Another chunk only if most of it fits: who takes too much now waits the longer for the next turn.
            is_over = self._stop_wanted or not self._wants_turn() or now - began + (now - chunk_began) / 2 > seconds
            chunk_began = now

    def _take(self, event: training.Event) -> None:
        match event:
            case training.Started():
                self._publish(started=event)
            case training.RateChanged():
                self._publish(rates=(*self._snapshot.rates, event))
            case training.Validating():
                self._is_mid_chunk = event.done == event.images  # The epoch's summary comes at once.
            case training.Progress():
                # The points of a chunk are all there at once, and the weights come with the last of them; after the
                # epoch's last chunk comes its summary.
                started = self._snapshot.started
                is_last = started is not None and event.step == started.steps_per_epoch
                self._is_mid_chunk = event.position is None or (is_last and not self.config.validation_fraction)
                self._take_point(event)
            case training.EpochEnded():
                self._is_mid_chunk = event.epoch == self.config.epochs  # Then the run's end comes at once.
                self._publish(epochs=event.state.history, state=event.state)
            case training.Finished():
                self._is_mid_chunk = False
                self._end(Status.FINISHED, event.network, _ending(self.config, event))

    def _take_point(self, point: training.Progress) -> None:
        now = time.monotonic()
        shot = self._snapshot
        with self._lock:
            if point.position is not None:
                self._chunks_wanted = max(0, self._chunks_wanted - 1)
            # The first point is left out: compiling comes before it, and says nothing of the pace.
            seconds = shot.seconds + (now - self._clock if self._clock and shot.points else 0.0)
            self._clock = now
        position = point.position or shot.position
        points = (*shot.points, dataclasses.replace(point, position=None))
        self._publish(status=Status.RUNNING, points=points, position=position, seconds=seconds)

    def _end(self, status: Status, network: TrainedNetwork | None, message: str = "") -> None:
        self._events = None
        evaluation = evaluate_on_test(network, self.dataset) if network else None
        position = None if network else self._snapshot.position
        self._publish(status=status, network=network, position=position, evaluation=evaluation, message=message)

    def _fail(self, message: str) -> None:
        """End the run with the last finished epoch's network, if that much can be done."""
        state = self._snapshot.state
        try:
            self._end(Status.FAILED, TrainedNetwork(self.config, state.weights) if state else None, message)
        except Exception:
            # The thread must live on for the other runs.
            logger.exception("Run %s: its last good epoch cannot be evaluated", self.id)
            self._end(Status.FAILED, None, message)


def _ending(config: RunConfig, event: training.Finished) -> str:
    if not event.stopped_early:
        return ""
    return (
        f"Stopped early after epoch {len(event.history)}: the validation loss had not fallen for "
        f"{config.early_stopping} epochs. The best epoch's weights are kept."
    )
