"""A run that trains on a worker of a cluster. Pages, saver and cache see no difference to one that trains here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.evaluation.metrics import evaluate_answers
from mnist_core.network import TrainedNetwork, parameter_count
from mnist_core.runs.hosted import Order, Question
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.training import Status
from mnist_core.training.moments import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mnist_core import training
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.network.layers import Weights
    from mnist_core.runs.hosted import News
    from mnist_core.runs.snapshot import Snapshot

_BY_IDENTITY = ("points", "started", "sent", "state")
# For so long a page says what happened to a run's worker.
_READABLE_SECONDS = 30.0


class RemoteRun(Run):
    """A run whose worker is asked for what is new of it. Orders wait until the next question.

    The other arguments are those of `Run`.

    Args:
        clock: returns seconds.
    """

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        is_watched: Callable[[], bool] | None = None,
        start: training.TrainingState | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(config, dataset, is_watched, start)
        self._now = clock
        self._said = -_READABLE_SECONDS  # When the message was set.
        self.weights_bytes = 4 * parameter_count(config)
        self._first_point = 0  # Points of the curve that the worker does not know.
        self._seconds_before = 0.0  # Training time before the worker began.
        self._last_moment: Place | None = None
        self._orders: tuple[Order, ...] = ()
        self._ordered = 0
        self._is_stop_ordered = False
        self._pictured: training.Progress | None = None  # The last point when weights came.

    def want_pause(self) -> None:
        """See `Run`."""
        super().want_pause()
        self._order("pause")

    def want_resume(self) -> None:
        """See `Run`."""
        super().want_resume()
        self._order("resume")

    def want_step(self, size: StepSize) -> None:
        """See `Run`."""
        super().want_step(size)
        self._order("step", size.value)

    def want_learning_rate(self, rate: float) -> None:
        """See `Run`."""
        super().want_learning_rate(rate)
        self._order("rate", rate)

    def forget_slots(self, epoch: int) -> None:
        """See `Run`; while it trains they are kept, for another worker if this one is gone."""
        if not self._snapshot.status.is_active:
            super().forget_slots(epoch)

    def forget_weights(self, epoch: int, load: Callable[[int], Weights]) -> None:
        """See `Run`; as for `forget_slots`."""
        if not self._snapshot.status.is_active:
            super().forget_weights(epoch, load)

    def say(self, message: str) -> None:
        """Show a message on the run's page: for half a minute, or longer while no worker answers for the run."""
        if self._snapshot.status.is_active and self._snapshot.message != message:
            self._said = self._now()
            self._publish(message=message)

    def go_back(self) -> training.TrainingState | None:
        """Go back to the last finished epoch, for a new worker.

        Returns:
            Where the worker begins; None for random weights.
        """
        with self._lock:
            shot = self._snapshot
            epochs = len(shot.epochs)
            points = tuple(point for point in shot.points if point.epoch <= epochs)
            if len(points) < len(shot.points):
                end = Place(epochs, points[-1].step) if points else Place(1, 0)
                self.moments = self.moments.copy(end)
            self._first_point = self._loaded_points = len(points)
            self._seconds_before = shot.seconds
            self._last_moment = self.moments.places[-1] if self.moments.places else None
            # A new worker knows whether the run is paused; of the other orders it gets those that still hold.
            steps = [order.value for order in self._orders if order.name == "step"] if self._pause_wanted else []
            self._orders, self._ordered, self._is_stop_ordered = (), 0, False
            for size in steps:
                self._order("step", size)
            start = shot.state or self.start
            rates = start.rates if start is not None else ()
            self._publish(points=points, rates=rates, sent=None, status=Status.WAITING)
            rate = self._dials.learning_rate
            if rate is not None and (not rates or rates[-1].learning_rate != rate):
                self._order("rate", rate)
            return start

    def question(self, wants_weights: bool) -> Question:
        """What to ask the worker; for weights unless it has sent those of the last known point."""
        with self._lock:
            if self._stop_wanted and not self._is_stop_ordered:
                self._is_stop_ordered = True
                self._order("stop", self._stop_reason)
            shot = self._snapshot
            is_pictured = bool(shot.points) and shot.points[-1] is self._pictured
            return Question(
                self._whole_points(shot) - self._first_point,
                len(shot.epochs),
                self._last_moment,
                self.is_watched,
                wants_weights and not is_pictured,
                self._orders,
            )

    def take(self, question: Question, news: News) -> None:
        """Publish what is new, as the answer to a question."""
        with self._lock:
            shot = self._snapshot
            if not shot.status.is_active:
                return
            self._orders = tuple(order for order in self._orders if order.number > news.obeyed)
            for place, weights in sorted(news.moments.items()):
                self._keep(place, tuple(array.astype(np.float32) for array in weights))
                self._last_moment = place
            known = self._first_point + question.points
            points = (*shot.points[:known], *news.points) if news.points else shot.points
            if news.weights is not None:
                self._pictured = points[-1] if points else None
            changes: dict[str, Any] = {
                "points": points,
                "seconds": self._seconds_before + news.seconds,
                "started": shot.started or news.started,
                "rates": news.rates,
                "sent": news.weights or shot.sent,
            }
            if news.state is not None:
                changes |= {"epochs": news.state.history, "state": news.state}
            if news.status.is_active:
                is_same = all(getattr(shot, name) is value for name, value in changes.items() if name in _BY_IDENTITY)
                message = shot.message if self._now() - self._said < _READABLE_SECONDS else ""
                before = shot.status, shot.rates, shot.message
                if not is_same or before != (news.status, news.rates, message):  # Pages draw what is new.
                    self._publish(**changes, status=news.status, message=message)
            else:
                network = TrainedNetwork(self.config, news.network) if news.network is not None else None
                evaluation = None
                if news.answers is not None:
                    evaluation = evaluate_answers(news.answers, self.split.test_labels, self.config.loss)
                self._publish(
                    **changes | {"sent": None},
                    status=news.status, network=network, evaluation=evaluation, message=news.message,
                )  # fmt: skip
        if news.state is not None or not news.status.is_active:
            self._tell()
        if not self._snapshot.status.is_active and not self._listeners:
            self.forget_slots(self.config.epochs)

    def fail(self, message: str) -> None:
        """End the run as FAILED, with the network of its last finished epoch: no worker can train it."""
        self._fail(message)

    def stop_here(self) -> None:
        """End the run as STOPPED, with the network of its last finished epoch: no worker has it."""
        self._end_stopped(self._stop_reason)

    def _whole_points(self, shot: Snapshot) -> int:
        """How many points stay as they are: the whole points of a chunk replace its parts."""
        count = len(shot.points)
        while count > self._first_point and shot.points[count - 1].is_partial:
            count -= 1
        return count

    def _order(self, name: str, value: object = None) -> None:
        with self._lock:
            self._ordered += 1
            self._orders = (*self._orders, Order(self._ordered, name, value))
