"""The runs that a worker of a cluster trains for playgrounds elsewhere.

A playground asks several times a second what is new of all its runs here, and sends its orders with the question. Its
questions and our answers can be repeated: each says what is known already. If it asks no more, it is gone, and its runs
here end; what it has saved of them is after their last finished epoch.
"""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mnist_core.errors import PlaygroundError, RunNotFoundError
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.runs.scheduler import Scheduler
from mnist_core.runs.snapshot import Snapshot
from mnist_core.training import EpochEnded, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import numpy.typing as npt

    from mnist_core import training
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.network.layers import Weights
    from mnist_core.training.moments import Place

FORGOTTEN_SECONDS: Final = 15.0
"""The runs of a playground that has not asked for so long end."""
_MOST_DATASETS: Final = 4


@dataclass(frozen=True)
class Order:
    """An order to a run, obeyed once: the orders of a run are numbered from 1.

    Args:
        number: its number.
        name: "pause", "resume", "step", "stop" or "rate".
        value: a `StepSize` for "step", the learning rate for "rate", the reason as a text for "stop".
    """

    number: int
    name: str
    value: Any = None


@dataclass(frozen=True)
class Question:
    """What a playground knows of a run, and what it wants.

    Args:
        points: how many points of the curve it knows; partial ones at its end do not count.
        epochs: how many finished epochs it knows, with the state after the last one.
        moment: the last kept moment that it knows; None for none.
        is_watched: whether somebody watches the run.
        wants_weights: whether the newest weights are wanted for pictures.
        orders: those that may not have arrived yet.
    """

    points: int
    epochs: int
    moment: Place | None
    is_watched: bool
    wants_weights: bool
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, eq=False)
class News:
    """What is new of a run, given a `Question`.

    Args:
        status, message, seconds, started, rates: as in `Snapshot`.
        obeyed: the number of the last order that was given to the run.
        points: those after the known ones, without positions.
        state: after the last finished epoch, with all epochs; None if it is known.
        weights: the newest ones, if they are wanted and there are any.
        moments: the kept moments after the known ones, float16.
        network: the final weights, if the run has ended with a network.
        answers: (n, 10) float32, that network's answers to the test images.
        is_handed_over: whether this worker trains it no further, because it is told to leave.
    """

    status: Status
    message: str
    seconds: float
    started: training.Started | None
    rates: tuple[training.RateChanged, ...]
    obeyed: int
    points: tuple[training.Progress, ...]
    state: training.TrainingState | None
    weights: Weights | None
    moments: Mapping[Place, tuple[npt.NDArray[np.float16], ...]]
    network: Weights | None
    answers: npt.NDArray[np.float32] | None
    is_handed_over: bool


class HostedRun(Run):
    """A run on a worker.

    Args:
        config: the run.
        dataset: the data that it names.
        start: the state after the last finished epoch, or the one to start from; None for random weights.
        is_watched: see `Job`.
        is_leaving: returns whether the worker is told to leave; then the run stops after the epoch under way.
    """

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        start: training.TrainingState | None,
        is_watched: Callable[[], bool],
        is_leaving: Callable[[], bool],
    ) -> None:
        is_begun = start is not None and start.epoch > 0
        super().__init__(config, dataset, is_watched, None if is_begun else start)
        if start is not None and is_begun:
            self._snapshot = Snapshot(epochs=start.history, rates=start.rates, state=start)
        self._is_begun = is_begun
        self._is_leaving = is_leaving
        self.is_handed_over = False
        self.is_dropped = False
        self.is_told = False  # The playground was told of the end, or that it is handed over.
        self.obeyed = 0
        # Moments are kept for those who listen: the playground.
        self.tell(lambda _run: None)

    def obey(self, turns: Scheduler, orders: tuple[Order, ...]) -> None:
        """Give the orders that are new to the scheduler."""
        for order in orders:
            if order.number <= self.obeyed:
                continue
            self.obeyed = order.number
            if order.name == "pause":
                turns.pause(self)
            elif order.name == "resume":
                turns.resume(self)
            elif order.name == "step":
                turns.step(self, StepSize(order.value))
            elif order.name == "rate":
                turns.set_learning_rate(self, order.value)
            elif order.name == "stop":
                self._stop_reason = order.value
                turns.stop(self)

    def news(self, question: Question) -> News:
        """What is new."""
        shot = self.snapshot
        is_over = not shot.status.is_active
        has_new_epoch = len(shot.epochs) > question.epochs
        places = [one for one in self.moments.places if question.moment is None or one > question.moment]
        moments = {place: weights for place in places if (weights := self.moments.rounded(place)) is not None}
        if question.moment is not None:
            known = [one for one in self.moments.places if one <= question.moment]
            self.moments.forget(known, _load_no_moment)
        if not has_new_epoch:
            self.forget_slots(question.epochs)
        self.is_told = is_over or self.is_handed_over
        position = shot.position if question.wants_weights and not is_over else None
        return News(
            status=shot.status,
            message=shot.message,
            seconds=shot.seconds,
            started=shot.started,
            rates=shot.rates,
            obeyed=self.obeyed,
            points=shot.points[question.points :],
            state=shot.state if has_new_epoch else None,
            weights=None if position is None else position.weights,
            moments=moments,
            network=shot.network.weights if is_over and shot.network else None,
            answers=shot.evaluation.probabilities if is_over and shot.evaluation else None,
            is_handed_over=self.is_handed_over and not is_over,
        )

    def hand_over(self) -> None:
        """Train no further, because the worker is told to leave."""
        self.want_pause()
        self.is_handed_over = True

    def _end_stopped(self, message: str) -> None:
        if self.is_dropped:  # Nobody will see a result.
            self._end(Status.STOPPED, None)
        else:
            super()._end_stopped(message)

    def _take(self, event: training.Event) -> None:
        super()._take(event)
        if isinstance(event, EpochEnded) and self._is_leaving() and event.epoch < self.config.epochs:
            self.hand_over()

    def _keep(self, place: Place, weights: Weights) -> None:
        if self._is_begun:  # The moment at its start is not the run's start.
            self.moments.keep(place, weights)
        else:
            super()._keep(place, weights)


def _load_no_moment(_place: Place) -> Weights:
    raise RunNotFoundError


@dataclass(eq=False)
class _Guest:
    """A run of a playground, and what that said of it last.

    Attributes:
        begun: when it came, by the host's clock.
        is_asked_for: whether the playground has asked for it. Its first question may be on the way when it comes.
    """

    run: HostedRun
    begun: float
    is_watched: bool = True
    is_asked_for: bool = False


class Host:
    """All that a worker trains, for any number of playgrounds. Safe to use from any thread.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turns = Scheduler()
        self._lock = threading.RLock()
        self._datasets: dict[str, Dataset] = {}
        # By playground and id.
        self._guests: dict[tuple[str, str], _Guest] = {}
        self._asked: dict[str, float] = {}
        self.is_leaving = False

    @property
    def untold_runs(self) -> int:
        """How many runs their playgrounds still expect something of."""
        with self._lock:
            return sum(not guest.run.is_told for guest in self._guests.values())

    def give(self, dataset: Dataset) -> None:
        """Keep a data set for the runs to come. The ones that were used longest ago leave if there are too many."""
        with self._lock:
            self._datasets.pop(dataset.fingerprint, None)
            self._datasets[dataset.fingerprint] = dataset
            for old in list(self._datasets)[:-_MOST_DATASETS]:
                del self._datasets[old]

    def has(self, fingerprint: str) -> bool:
        """Whether it has the data set with this fingerprint."""
        with self._lock:
            return fingerprint in self._datasets

    def begin(
        self,
        owner: str,
        run_id: str,
        config: RunConfig,
        fingerprint: str,
        start: training.TrainingState | None,
        is_paused: bool,
    ) -> None:
        """Take on a run.

        Args:
            owner: the playground.
            run_id: unique for it.
            config: the run.
            fingerprint: of its data set, which is here.
            start: as in `HostedRun`.
            is_paused: whether it waits for an order.

        Raises:
            CapacityError: this worker has no memory for it.
        """
        key = owner, run_id
        with self._lock:
            self._asked[owner] = now = self._clock()
            if key in self._guests:  # The playground asks again: it begins after the last epoch that it knows.
                self._drop(key)
            dataset = self._datasets[fingerprint]
            self.give(dataset)  # It was used last.
            run = HostedRun(config, dataset, start, functools.partial(self._is_watched, key), lambda: self.is_leaving)
            self._turns.take_on(run, is_paused)
            self._guests[key] = _Guest(run, now)

    def news(self, owner: str, questions: Mapping[str, Question]) -> dict[str, News]:
        """What is new of the runs of a playground. Those that it does not ask for end.

        Returns:
            By id; without those that are not here.
        """
        with self._lock:
            self._asked[owner] = now = self._clock()
            asked: dict[str, HostedRun] = {}
            for (whose, run_id), guest in list(self._guests.items()):
                if whose != owner:
                    continue
                if run_id in questions:
                    asked[run_id] = guest.run
                    guest.is_asked_for, guest.is_watched = True, questions[run_id].is_watched
                elif guest.is_asked_for or now - guest.begun > FORGOTTEN_SECONDS:
                    self._drop((owner, run_id))
        for run_id, run in asked.items():
            run.obey(self._turns, questions[run_id].orders)
        return {run_id: run.news(questions[run_id]) for run_id, run in asked.items()}

    def leave(self) -> None:
        """Train each run until the end of its epoch, then no more."""
        self.is_leaving = True
        with self._lock:
            runs = [guest.run for guest in self._guests.values()]
        for run in runs:
            if run.is_pause_wanted or not run.snapshot.points:
                run.hand_over()

    def close(self, seconds: float) -> bool:
        """Drop all runs and give no more turns; see `Scheduler.close`."""
        with self._lock:
            for key in list(self._guests):
                self._drop(key)
        return self._turns.close(seconds)

    def _is_watched(self, key: tuple[str, str]) -> bool:
        guest = self._guests.get(key)
        return guest is not None and guest.is_watched

    def forget_who_is_gone(self) -> None:
        """End the runs of playgrounds that ask no more."""
        now = self._clock()
        with self._lock:
            gone = [owner for owner, asked in self._asked.items() if now - asked > FORGOTTEN_SECONDS]
            for owner in gone:
                del self._asked[owner]
            for key in [key for key in self._guests if key[0] in gone]:
                self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        run = self._guests.pop(key).run
        if run.snapshot.status.is_active:
            run.is_dropped = True
            self._turns.stop(run)


@functools.cache
def _shared() -> Host:
    return Host()


_making = threading.Lock()


def shared() -> Host:
    """The host of this process."""
    with _making:
        return _shared()


class Hosting:
    """The place of one run on a worker: a Dask actor, so that Dask counts what each worker holds.

    Its methods return a refusal as a text instead of raising it, since an error of ours cannot cross over.
    """

    def begin(
        self,
        owner: str,
        run_id: str,
        config: RunConfig,
        fingerprint: str,
        start: training.TrainingState | None,
        is_paused: bool,
    ) -> tuple[bool, str]:
        """As `Host.begin`; returns whether the worker has the data set, and why it refuses the run."""
        if not shared().has(fingerprint):
            return False, ""
        try:
            shared().begin(owner, run_id, config, fingerprint, start, is_paused)
        except PlaygroundError as error:
            return True, error.message
        return True, ""

    def where(self) -> str:
        """The address of the worker."""
        from distributed import get_worker

        return str(get_worker().address)

    def give(self, dataset: Dataset) -> None:
        """As `Host.give`."""
        shared().give(dataset)

    def news(self, owner: str, questions: Mapping[str, Question]) -> dict[str, News]:
        """As `Host.news`."""
        return shared().news(owner, questions)
