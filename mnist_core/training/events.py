"""The events that the training loop yields, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_core.network import TrainedNetwork
    from mnist_core.network.layers import Weights
    from mnist_core.training import engine


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics of one epoch.

    Args:
        epoch: counted from 1.
        loss: mean over the epoch's images as they were trained on, with the L2 penalty, as Keras reports it.
        accuracy: share of the same images classified correctly, 0 to 1.
        validation_loss: mean loss on the validation images after the epoch, without the L2 penalty; None without any.
        validation_accuracy: share of them read right; None without any.
        learning_rate: in force when the epoch ended.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float


@dataclass(frozen=True)
class RateChanged:
    """The learning rate was changed during the run.

    Args:
        epoch: the current one, counted from 1.
        step: steps done in it before the new rate was used.
        learning_rate: the new one.
    """

    epoch: int
    step: int
    learning_rate: float


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A run at the end of an epoch: plain arrays and numbers, all that is needed to resume.

    Args:
        weights: kernels and biases, float32.
        slots: the optimizer's running averages, float32.
        step: steps done so far.
        history: one entry for each finished epoch.
        best_weights: with early stopping, the weights of the epoch with the lowest validation loss.
        rates: every change of the learning rate so far; the last one is in force.
    """

    weights: Weights
    slots: Weights
    step: int
    history: tuple[EpochMetrics, ...] = ()
    best_weights: Weights | None = None
    rates: tuple[RateChanged, ...] = ()

    @property
    def epoch(self) -> int:
        """How many epochs are finished."""
        return len(self.history)


@dataclass(frozen=True)
class Started:
    """The run is about to do its first step.

    Args:
        steps_per_epoch: steps in each epoch, the last and perhaps smaller batch included.
        training_images: how many images it learns from.
        parameters: how many numbers it learns.
    """

    steps_per_epoch: int
    training_images: int
    parameters: int


@dataclass(frozen=True, eq=False)
class Progress:
    """A point of the live curve.

    Args:
        epoch: the current one, counted from 1.
        step: steps done in it, this point's included.
        loss: mean over this point's images, before each step's update, with the L2 penalty.
        accuracy: share of the same images classified correctly, 0 to 1.
        samples_per_second: images a second while the chunk ran.
        position: where the run is at the end of the chunk; None for the points before its last.
        is_partial: whether the chunk ended within the point. It has the images since the last one, partial or not; the
            whole point comes later, and stands for all its parts.
    """

    epoch: int
    step: int
    loss: float
    accuracy: float
    samples_per_second: float
    position: engine.Position | None
    is_partial: bool = False


@dataclass(frozen=True)
class Validating:
    """An epoch's steps are done, and some of its validation images have been read."""

    epoch: int
    done: int
    images: int


@dataclass(frozen=True, eq=False)
class EpochEnded:
    """An epoch is finished; `state` resumes the run from here."""

    epoch: int
    metrics: EpochMetrics
    state: TrainingState


@dataclass(frozen=True, eq=False)
class Finished:
    """The run is done.

    Args:
        network: what it learned; after early stopping, the best epoch's weights.
        history: one entry for each finished epoch.
        stopped_early: whether early stopping ended it before its last epoch.
    """

    network: TrainedNetwork
    history: tuple[EpochMetrics, ...]
    stopped_early: bool


Event = Started | Progress | RateChanged | Validating | EpochEnded | Finished
