"""What a page shows of a network's run, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.runs.job import JobSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnist_core import training
    from mnist_core.network import TrainedNetwork
    from mnist_core.network.layers import Weights
    from mnist_core.training import engine

# A chunk this many times slower than usual included compiling, or the machine was busy.
_SEVERAL = 4


@dataclass(frozen=True, eq=False)
class Snapshot(JobSnapshot):
    """Everything that a page shows of a network's run, at one moment. The other fields are those of `JobSnapshot`.

    Args:
        started: sizes of the run, once known.
        epochs: the finished epochs.
        rates: every change of the learning rate.
        position: where the run was after its newest chunk; None before that, and when there is a `network`.
        sent: the newest weights that a worker of a cluster has sent; None for a run that trains here.
        state: the last finished epoch's state. Once saved, it may lack weights and slots; see `Run.whole_state`.
        network: the final network, if the run has ended and has one.
    """

    points: tuple[training.Progress, ...] = ()
    started: training.Started | None = None
    epochs: tuple[training.EpochMetrics, ...] = ()
    rates: tuple[training.RateChanged, ...] = ()
    position: engine.Position | None = None
    sent: Weights | None = None
    state: training.TrainingState | None = None
    network: TrainedNetwork | None = None

    @property
    def weights(self) -> Weights | None:
        """The weights of the final network, or the newest weights."""
        if self.network is not None:
            # After early stopping or a failure, they are of an earlier epoch.
            return self.network.weights
        newest = self.position or self.state
        return self.sent or (newest.weights if newest else None)

    @property
    def busy_seconds(self) -> float:
        """The seconds that it has computed, without waiting for other runs; see the function `busy_seconds`."""
        if self.started is None or not self.points:
            return 0.0
        last = self.points[-1]
        place = last.epoch - 1 + last.step / self.started.steps_per_epoch
        return float(busy_seconds(self.points, self.started, [place])[0])

    @property
    def seconds_an_epoch(self) -> float | None:
        """The seconds of an epoch without other runs and without compiling; None before the first whole point."""
        # Single batches take longer than those of a chunk. Most chunks share the processor with other runs; the fastest
        # ones did not.
        speeds = sorted(point.samples_per_second for point in self.points if not point.is_partial)
        if self.started is None or not speeds:
            return None
        return self.started.training_images / speeds[len(speeds) * 9 // 10]


def busy_seconds(
    points: Sequence[training.Progress], started: training.Started, epochs: Sequence[float]
) -> NDArray[np.float64]:
    """The seconds that a run had computed at some places of its curve, without waiting for other runs.

    Args:
        points: its curve, one point or more.
        started: its sizes.
        epochs: (n,) places on the curve, in epochs from 0; between two points time passes evenly.

    Returns:
        (n,) float64, seconds. A chunk that took several times as long as usual counts as a usual one: the first one
        includes compiling.
    """
    places = np.array([0.0] + [point.epoch - 1 + point.step / started.steps_per_epoch for point in points])
    speeds = np.array([point.samples_per_second for point in points])
    usual = np.median(speeds)
    speeds[speeds < usual / _SEVERAL] = usual
    seconds = np.cumsum(np.diff(places) * started.training_images / speeds)
    times: NDArray[np.float64] = np.interp(epochs, places, np.concatenate([[0.0], seconds]))
    return times
