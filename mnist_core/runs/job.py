"""The base of all jobs in the scheduler: turns, orders, watchers, and the end.

A page gives orders to the scheduler and reads the job's snapshot. It never waits for the job: a snapshot is a frozen
object, and the job replaces it with a new one.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mnist_core import environment
from mnist_core.errors import PlaygroundError
from mnist_core.language import Message
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from mnist_core.data import Dataset, Split
    from mnist_core.evaluation import Evaluation

logger = logging.getLogger(__name__)

# How long a job continues without a watcher, if ``MNIST_UNWATCHED_SECONDS`` is not set.
UNWATCHED_SECONDS = 600.0
# A turn counts as this many usual turns at most.
_MOST_SURPRISE = 8


def unwatched_seconds() -> float:
    """How many seconds a job continues without a watcher: ``MNIST_UNWATCHED_SECONDS``, 0 or more."""
    return environment.whole_number("MNIST_UNWATCHED_SECONDS", UNWATCHED_SECONDS)


@dataclass(frozen=True, eq=False)
class JobSnapshot:
    """What a page shows of any job, at one moment.

    Args:
        status: WAITING until the first point.
        points: the live curve.
        seconds: time since the first point, without pauses.
        evaluation: on the test images, if the job has ended with a result.
        message: what people should know about how it ended; may be empty.
    """

    status: Status = Status.WAITING
    points: tuple[Any, ...] = ()
    seconds: float = 0.0
    evaluation: Evaluation | None = None
    message: str = ""


def _always() -> bool:
    return True


class Job(ABC):
    """Something that learns from a data set, in turns. It does not know its scheduler.

    Args:
        dataset: the data it learns from.
        is_watched: returns whether somebody still watches the job. None for a job that is always watched.
    """

    memory_remedy: ClassVar[str]
    """What people can do when the server has no memory left."""

    _snapshot: JobSnapshot

    def __init__(self, dataset: Dataset, is_watched: Callable[[], bool] | None = None) -> None:
        self.id = uuid.uuid4().hex
        self.number = 0  # The owner counts runs from 1; 0 for a run without an owner.
        self.title = ""  # The name that the owner gave it; empty for the default name.
        self.dataset = dataset
        self.is_new = True  # It has had no turn yet.
        # The scheduler compares them. Not seconds: with more jobs turns are shorter, and a job that has just had a long
        # one would wait for several rounds.
        self.used_turns = 0.0
        self._usual_length = 1.0
        self._uncounted = 0.0
        self.is_watched = True  # When the scheduler asked last.
        self._watchers = [is_watched or _always]
        self._watched_at = time.monotonic()
        self._lock = threading.RLock()
        self._has_place = False
        self._stop_wanted = False
        self._stop_reason = ""
        self._has_begun = threading.Event()

    @property
    def snapshot(self) -> JobSnapshot:
        """The newest snapshot."""
        return self._snapshot

    @property
    def is_warm(self) -> bool:
        """Whether its memory is allocated and its code compiled, which takes time in the first turn."""
        return bool(self._snapshot.points)

    @property
    @abstractmethod
    def split(self) -> Split:
        """The images for training, validation and test."""

    @property
    @abstractmethod
    def fraction(self) -> float:
        """The part of the planned work that is done, 0 to 1."""

    @property
    @abstractmethod
    def promised_bytes(self) -> int:
        """An estimate of the bytes that it needs while it runs."""

    @property
    def held_bytes(self) -> int:
        """How much memory its results take. Arrays that share memory count once."""
        return sum({id(one): one.nbytes for one in self._results}.values())

    @property
    def _results(self) -> Sequence[npt.NDArray[Any]]:
        """The large arrays of its results; here the answers to the test images."""
        answers = self._snapshot.evaluation
        return (answers.probabilities, answers.labels, answers.predicted) if answers else ()

    @abstractmethod
    def _advance(self, seconds: float, chunk_seconds: float | None) -> None:
        """Work for about `seconds`."""

    @abstractmethod
    def _end_stopped(self, message: str) -> None:
        """End as STOPPED, with what has been learned."""

    @abstractmethod
    def _fail(self, message: str) -> None:
        """End as FAILED, with what can be saved. Must not raise."""

    @property
    def is_stopping(self) -> bool:
        """Whether the job has been ordered to stop and has not ended yet."""
        return self._stop_wanted and self._snapshot.status.is_active

    @property
    def was_left(self) -> bool:
        """Whether the job was stopped because nobody watched it."""
        return bool(self._stop_reason)

    @property
    def seconds_left(self) -> float | None:
        """The seconds left at the speed so far, with other jobs running; None when it is not known yet."""
        fraction = self.fraction
        return self._snapshot.seconds * (1 / fraction - 1) if fraction and self._snapshot.seconds else None

    def wait_until_begun(self, seconds: float) -> bool:
        """Wait for the first point or the end, at most `seconds`. Returns whether it came."""
        return self._has_begun.wait(seconds)

    def want_stop(self) -> None:
        """Record the order to stop. Called by `Scheduler.stop`."""
        with self._lock:
            self._stop_wanted = True

    def watch(self, is_watched: Callable[[], bool] | None = None) -> None:
        """Add a watcher, as in the constructor. The job is watched if any watcher says so."""
        with self._lock:
            watcher = is_watched or _always
            if self._snapshot.status.is_active and watcher not in self._watchers:
                self._watchers.append(watcher)

    def unwatch(self, is_watched: Callable[[], bool] | None = None) -> bool:
        """Remove a watcher. Returns True if nobody else watches; the job then has the order to stop."""
        with self._lock:
            watcher = is_watched or _always
            if watcher not in self._watchers:
                return False
            self._watchers.remove(watcher)
            is_left = not self._has_watcher()
            self._stop_wanted = self._stop_wanted or is_left
        return is_left

    def _has_watcher(self) -> bool:
        with self._lock:
            watchers = list(self._watchers)
        return any(is_watched() for is_watched in watchers)

    def _publish(self, **changes: object) -> None:
        with self._lock:
            self._snapshot = dataclasses.replace(self._snapshot, **changes)  # type: ignore[arg-type]
        if self._snapshot.points or not self._snapshot.status.is_active:
            self._has_begun.set()

    def _wants_turn(self) -> bool:
        return self._snapshot.status.is_active

    def claim_place(self) -> bool:
        """Take a place in the queue. Returns False if the job has one already, or needs no turn."""
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
        """Give back the place in the queue, after a turn."""
        with self._lock:
            self._has_place = False

    def take_turn(self, seconds: float, chunk_seconds: float | None = None) -> None:
        """Work for about `seconds`, in chunks of `chunk_seconds`, at least one. One worker calls this at a time."""
        try:
            self.stop_if_forgotten()
            if self._stop_wanted:
                self._end_stopped(self._stop_reason)
            else:
                self._advance(seconds, chunk_seconds)
        except PlaygroundError as error:
            self._fail(error.message)
        except MemoryError:
            logger.exception("Run %s: out of memory", self.id)
            self._fail(Message("The server ran out of memory. {memory_remedy}", memory_remedy=self.memory_remedy))
        except Exception:
            # The thread must survive, and the error must be seen in the log and on the page.
            logger.exception("Run %s failed unexpectedly: %r", self.id, self)
            self._fail(Message("Something went wrong in the playground. The server's log has the details."))

    def charge(self, length: float, smoothing: float) -> None:
        """Add a turn to `used_turns`.

        A longer turn counts more, but not at once: of what it took beyond the given time, or left over, a share of
        `smoothing` counts now, the rest in later turns. A turn that took many times longer than usual is the machine's
        fault, so most of it is not counted. With a hundred jobs, one extra second would mean a wait of fifty.

        Args:
            length: the time it took, divided by the time it was given.
            smoothing: 0 to 1.
        """
        counted = min(length, _MOST_SURPRISE * self._usual_length)
        self._usual_length += smoothing * (counted - self._usual_length)
        self._uncounted += counted - 1
        extra = smoothing * self._uncounted
        self._uncounted -= extra
        self.used_turns += 1 + extra

    def stop_if_forgotten(self) -> None:
        """Ask the watchers for `is_watched`. If there was none for too long, the job has the order to stop."""
        now = time.monotonic()
        self.is_watched = self._has_watcher()
        if self.is_watched:
            self._watched_at = now
        elif now - self._watched_at >= unwatched_seconds():
            seconds = unwatched_seconds()
            how_long = (
                Message("{seconds:g} minutes", seconds=seconds / 60)
                if seconds >= 120
                else Message("{seconds:g} seconds", seconds=seconds)
            )
            self._stop_reason = Message("Stopped: nobody watched it for {how_long}.", how_long=how_long)
            self._stop_wanted = True
