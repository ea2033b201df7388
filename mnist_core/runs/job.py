"""What all jobs have in common: a place in the queue, people who watch, orders, and an end.

A page gives its orders to the scheduler and reads the job's snapshot; the scheduler gives the job turns. Neither waits
for the other: a snapshot is a frozen object that is replaced whole.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mnist_core.errors import PlaygroundError
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.data import Dataset, Split
    from mnist_core.evaluation import Evaluation

logger = logging.getLogger(__name__)

# A job that nobody watches any more goes on for so long, unless ``MNIST_UNWATCHED_SECONDS`` says otherwise.
UNWATCHED_SECONDS = 600.0
# A turn is charged as so many usual ones at most.
_MOST_SURPRISE = 8


def unwatched_seconds() -> float:
    """How long a job that nobody watches may go on; ``MNIST_UNWATCHED_SECONDS`` says it, 0 and more."""
    setting = os.environ.get("MNIST_UNWATCHED_SECONDS", "")
    return float(setting) if setting.isdecimal() else UNWATCHED_SECONDS


@dataclass(frozen=True, eq=False)
class JobSnapshot:
    """What a page shows of any job, at one moment.

    Args:
        status: where the job stands; WAITING until its first point.
        points: the live curve.
        seconds: time since the first point, without pauses.
        evaluation: how what it has learned reads the test images, once it has ended with something.
        message: what people should know of how it ended; empty if nothing.
    """

    status: Status = Status.WAITING
    points: tuple[Any, ...] = ()
    seconds: float = 0.0
    evaluation: Evaluation | None = None
    message: str = ""


def _always() -> bool:
    return True


class Job(ABC):
    """Something that learns from a data set, turn by turn. It knows no scheduler.

    Args:
        dataset: what it learns from.
        is_watched: whether anybody still cares; None for one that is always watched.
    """

    memory_remedy: ClassVar[str]
    """What to do when the server has run out of memory."""

    _snapshot: JobSnapshot

    def __init__(self, dataset: Dataset, is_watched: Callable[[], bool] | None = None) -> None:
        self.id = uuid.uuid4().hex
        self.number = 0  # Counted from 1 by whoever owns several; stays 0 for what is nobody's own.
        self.title = ""  # What its owner calls what it learns; empty for that one's own name.
        self.dataset = dataset
        self.used_seconds = 0.0  # Time of the workers, for the scheduler to compare.
        self._usual_seconds: float | None = None
        self._watchers = [is_watched or _always]
        self._watched_at = time.monotonic()
        self._lock = threading.RLock()
        self._has_place = False
        self._stop_wanted = False
        self._stop_reason = ""
        self._has_begun = threading.Event()

    @property
    def snapshot(self) -> JobSnapshot:
        """The job as it stands."""
        return self._snapshot

    @property
    def is_warm(self) -> bool:
        """Whether it has the memory and the compiled code already that its first turn needs time for."""
        return bool(self._snapshot.points)

    @property
    @abstractmethod
    def split(self) -> Split:
        """Which images it learns from and which it is tested with."""

    @property
    @abstractmethod
    def fraction(self) -> float:
        """How much of the planned work is done, 0 to 1."""

    @property
    @abstractmethod
    def promised_bytes(self) -> int:
        """Memory that it takes while it is under way, as an estimate."""

    @abstractmethod
    def _advance(self, seconds: float, chunk_seconds: float | None) -> None:
        """Go on for about `seconds`."""

    @abstractmethod
    def _end_stopped(self, message: str) -> None:
        """End as STOPPED, with what there is."""

    @abstractmethod
    def _fail(self, message: str) -> None:
        """End as FAILED, with what can be saved; must not raise."""

    @property
    def is_stopping(self) -> bool:
        """Whether the job has been told to stop, and has not yet ended."""
        return self._stop_wanted and self._snapshot.status.is_active

    @property
    def was_left(self) -> bool:
        """Whether the job was stopped because nobody watched it any more."""
        return bool(self._stop_reason)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at the pace so far, sharing included; None when it cannot be told yet."""
        fraction = self.fraction
        return self._snapshot.seconds * (1 / fraction - 1) if fraction and self._snapshot.seconds else None

    def wait_until_begun(self, seconds: float) -> bool:
        """Return as soon as the first point is there or the job has ended, at most after `seconds`: whether so."""
        return self._has_begun.wait(seconds)

    def want_stop(self) -> None:
        """Note the order to stop; `Scheduler.stop` gives it."""
        with self._lock:
            self._stop_wanted = True

    def watch(self, is_watched: Callable[[], bool] | None = None) -> None:
        """Let somebody else watch too, as in the constructor: the job is watched if any of them says so."""
        with self._lock:
            watcher = is_watched or _always
            if self._snapshot.status.is_active and watcher not in self._watchers:
                self._watchers.append(watcher)

    def unwatch(self, is_watched: Callable[[], bool] | None = None) -> bool:
        """Undo a `watch`, or the constructor's; True if nobody else watches, so that the job is to stop."""
        with self._lock:
            watcher = is_watched or _always
            if watcher not in self._watchers:
                return False
            self._watchers.remove(watcher)
            is_left = not self._is_watched()
            self._stop_wanted = self._stop_wanted or is_left
        return is_left

    def _is_watched(self) -> bool:
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
        """Take a place in the queue; False when the job has one, or wants no turn."""
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
            self._stop_if_forgotten()
            if self._stop_wanted:
                self._end_stopped(self._stop_reason)
            else:
                self._advance(seconds, chunk_seconds)
        except PlaygroundError as error:
            self._fail(str(error))
        except MemoryError:
            logger.exception("Run %s: out of memory", self.id)
            self._fail(f"The server ran out of memory. {self.memory_remedy}")
        except Exception:
            # The last line of defence of a thread: whatever it is must be seen in the log and on the page.
            logger.exception("Run %s failed unexpectedly: %r", self.id, self)
            self._fail("Something went wrong inside the playground; the server's log tells what.")

    def charge(self, seconds: float, smoothing: float) -> None:
        """Note a turn's time: a share of `smoothing` of it now, the rest in the turns to come.

        Of a turn many times as long as usual, the machine's doing, most is forgiven: among a hundred jobs a second is a
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
