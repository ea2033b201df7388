"""The training loop as a generator of events.

Nothing runs between two events. To pause a run, stop pulling the generator; to stop it, close the generator. A state
from `EpochEnded` resumes it, with the same bits as without the interruption.
"""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import ACTIVATIONS
from mnist_core.data import splits
from mnist_core.errors import TrainingError
from mnist_core.evaluation.metrics import mean_loss
from mnist_core.language import Message
from mnist_core.network import TrainedNetwork, parameter_count, step_flops
from mnist_core.network.layers import Weights, initial_weights
from mnist_core.training import engine
from mnist_core.training.events import (
    EpochEnded,
    EpochMetrics,
    Event,
    Finished,
    Progress,
    RateChanged,
    Started,
    TrainingState,
    Validating,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import numpy.typing as npt

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset, Split

# A point of the live curve covers about this much work, a tenth of a second on two cores, and at most a twelfth of an
# epoch. It depends on the config alone, so the same run always draws the same points.
_POINT_FLOPS = 5e9
_POINTS_PER_EPOCH = 12
# A chunk has as many points as fit in this time, since each call costs 1 to 5 ms. "Stop" may have to wait this long.
CHUNK_SECONDS = 0.2
DIVERGED = Message("is no longer a finite number")
"""What the message of a run says if it was stopped because its loss was not a number."""


@dataclass
class Dials:
    """The settings that can change during a run; the run reads them before each chunk.

    Args:
        learning_rate: a new one; None keeps the current one.
        chunk_seconds: how long a chunk should take. It changes when points appear, never their values.
        most_steps: how many steps a chunk may have, 1 or more; None for as many as fit. A chunk that ends within a
            point yields a partial one. The whole points keep their values.
    """

    learning_rate: float | None = None
    chunk_seconds: float = field(default_factory=lambda: CHUNK_SECONDS)
    most_steps: int | None = None


def initial_state(config: RunConfig) -> TrainingState:
    """The state before the first step; it depends on `config` alone."""
    return TrainingState(initial_weights(config), engine.initial_slots(config), 0)


def epoch_order(config: RunConfig, indices: npt.NDArray[np.int32], epoch: int) -> npt.NDArray[np.int32]:
    """The images `indices` in the order of epoch `epoch`, counted from 1: as they are, or shuffled by the seed."""
    if config.order == "file":
        return indices
    return np.random.default_rng([config.seed, 1, epoch]).permutation(indices)


def batches(order: npt.NDArray[np.int32], size: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """An epoch's batches, (steps, size) int32, and how many images of each count, (steps,) int32.

    The last batch is smaller if `size` does not divide the count; its row is padded with image 0.
    """
    steps = math.ceil(len(order) / size)
    rows = np.zeros(steps * size, np.int32)
    rows[: len(order)] = order
    counts = np.full(steps, size, np.int32)
    counts[-1] = len(order) - (steps - 1) * size
    return rows.reshape(steps, size), counts


def point_steps(config: RunConfig, steps_per_epoch: int) -> int:
    """How many steps a point of the live curve covers."""
    by_work = round(_POINT_FLOPS / step_flops(config))
    return max(1, min(by_work, math.ceil(steps_per_epoch / _POINTS_PER_EPOCH), engine.MAX_STEPS))


def thinned(points: Sequence[Progress], most: int) -> Sequence[Progress]:
    """At most `most` points of a curve, oldest first, with the first and the newest; `most` is at least 2."""
    if len(points) <= most:
        return points
    chosen = points[::-1][:: -(-len(points) // (most - 1))][::-1]
    # The start of a curve often shows the most.
    return chosen if chosen[0] is points[0] else (points[0], *chosen)


def train(
    config: RunConfig, dataset: Dataset, state: TrainingState | None = None, dials: Dials | None = None
) -> Iterator[Event]:
    """Train the network that `config` describes.

    Args:
        config: the run.
        dataset: its data set.
        state: the state to resume from; None for the start.
        dials: the settings that the caller can change during the run.

    Yields:
        `Started`, then `Progress` for each point, `Validating` while validation images are read and `EpochEnded` after
        each epoch, then `Finished`; `RateChanged` whenever the learning rate was changed.

    Raises:
        TrainingError: when the loss of a step is not finite; the state of the last `EpochEnded` is still valid.
        DataError: when the data set cannot be split as the config asks.
    """
    # The data set may be a substitute for the one in the config; the network must name the real one.
    config = dataclasses.replace(config, dataset=dataset.name)
    split = splits.split_for(dataset, config)
    state = state or initial_state(config)
    steps_per_epoch = math.ceil(len(split.train_indices) / config.batch_size)
    yield Started(steps_per_epoch, len(split.train_indices), parameter_count(config))
    stopped_early = _is_exhausted(config, state)
    pace = _Pace(dials or Dials())
    program = engine.program(engine.Architecture.of(config))
    positions: list[engine.Position] = []  # At most one. The epoch takes it out, so that nobody holds it any longer.
    while state.epoch < config.epochs and not stopped_early:
        if not positions:
            images = engine.training_images(dataset, only_inked=not program.architecture.needs_all_pixels)
            positions.append(program.enter(images, state.weights, state.slots))
        state = dataclasses.replace(state, weights=(), slots=())  # The position has them; do not hold the arrays too.
        state = yield from _train_epoch(config, dataset, split, program, positions, state, pace)
        stopped_early = _is_exhausted(config, state)
    network = TrainedNetwork(config, state.best_weights or state.weights)
    yield Finished(network, state.history, stopped_early and state.epoch < config.epochs)


def compile_ahead(config: RunConfig, dataset: Dataset) -> None:
    """Compile what a run of `config` needs: run its first steps and one prediction, and discard them."""
    for event in train(config, dataset):
        if isinstance(event, Progress) and event.position is not None:
            TrainedNetwork(config, event.position.weights).predict(dataset.test_images[:1])
            return


@dataclass
class _Pace:
    """How many points a chunk has, so that it takes about the wanted time, however busy the machine is."""

    dials: Dials
    points: int = 1

    def note(self, points: float, seconds: float, most: int) -> None:
        """Adjust to a chunk of `points` that took `seconds`; at most double, since the first one also compiles."""
        wanted = round(points * self.dials.chunk_seconds / seconds)
        self.points = max(1, min(wanted, 2 * self.points, most))


def _train_epoch(
    config: RunConfig,
    dataset: Dataset,
    split: Split,
    program: engine.Program,
    positions: list[engine.Position],
    state: TrainingState,
    pace: _Pace,
) -> Generator[Event, None, TrainingState]:
    position = positions.pop()
    epoch = state.epoch + 1
    rows, counts = batches(epoch_order(config, split.train_indices, epoch), config.batch_size)
    span = point_steps(config, len(rows))
    rates = state.rates
    rate = rates[-1].learning_rate if rates else config.learning_rate
    # Of each step so far, since a point may have steps of several chunks.
    losses, correct = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.int32)
    loss_sum, correct_sum = 0.0, 0
    done = 0
    while done < len(rows):
        if pace.dials.learning_rate not in (None, rate):
            rate = pace.dials.learning_rate
            rates = (*rates, RateChanged(epoch, done, rate))
            yield rates[-1]
        begun = done - done % span
        end = min(begun + pace.points * span, done + (pace.dials.most_steps or engine.MAX_STEPS), len(rows))
        steps = slice(done, end)
        started = time.perf_counter()
        result = program(
            position, rows[steps], counts[steps],
            step=state.step + done, learning_rate=rate, l2=config.l2, seed=config.seed,
            augmentation=config.augmentation,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        pace.note((end - done) / span, seconds, most=engine.MAX_STEPS // span)
        position = result.position
        losses[steps], correct[steps] = result.losses, result.correct
        speed = float(counts[steps].sum()) / seconds
        for start in range(begun, end, span):
            whole = min(start + span, len(rows))
            is_partial = end < whole
            # A partial point has the steps since the last one.
            part = slice(done, end) if is_partial else slice(start, whole)
            is_finite = np.isfinite(losses[part])
            if not is_finite.all():
                raise _diverged(config, rate, epoch, part.start + int(is_finite.argmin()) + 1)
            sizes = counts[part].astype(np.float64)
            loss, right = float(losses[part] @ sizes), int(correct[part].sum())
            if not is_partial:
                loss_sum, correct_sum = loss_sum + loss, correct_sum + right
            done = part.stop
            now = position if done == end else None
            yield Progress(epoch, done, loss / sizes.sum(), right / sizes.sum(), speed, now, is_partial)
    weights = position.weights
    if not all(np.isfinite(array).all() for array in weights):
        raise _diverged(config, rate, epoch, done)
    images_seen = float(counts.sum())
    metrics = EpochMetrics(epoch, loss_sum / images_seen, correct_sum / images_seen, None, None, rate)
    if len(split.validation_indices):
        metrics = yield from _validated(config, dataset, split, weights, metrics)
    state = TrainingState(
        weights,
        position.slots,
        state.step + len(rows),
        (*state.history, metrics),
        _best_weights(config, state, metrics, weights),
        rates,
    )
    yield EpochEnded(epoch, metrics, state)
    positions.append(position)
    return state


def _validated(
    config: RunConfig, dataset: Dataset, split: Split, weights: Weights, metrics: EpochMetrics
) -> Generator[Event, None, EpochMetrics]:
    """Add the validation loss and accuracy, block by block, since half of the images can take seconds."""
    chosen = split.validation_indices
    blocks: list[npt.NDArray[np.float32]] = []
    for block in TrainedNetwork(config, weights).predict_in_blocks(dataset.train_images[chosen]):
        blocks.append(block)
        yield Validating(metrics.epoch, sum(map(len, blocks)), len(chosen))
    probabilities = np.concatenate(blocks)
    labels = dataset.train_labels[chosen]
    return dataclasses.replace(
        metrics,
        validation_loss=mean_loss(probabilities, labels, config.loss),
        validation_accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
    )


def _best_epoch(history: tuple[EpochMetrics, ...]) -> int:
    """The epoch, counted from 1, with the lowest validation loss; the first one if several are equal."""
    losses = [math.inf if metrics.validation_loss is None else metrics.validation_loss for metrics in history]
    return history[losses.index(min(losses))].epoch


def _best_weights(config: RunConfig, before: TrainingState, metrics: EpochMetrics, weights: Weights) -> Weights | None:
    if not config.early_stopping:
        return None
    return weights if _best_epoch((*before.history, metrics)) == metrics.epoch else before.best_weights


def _is_exhausted(config: RunConfig, state: TrainingState) -> bool:
    """Whether early stopping has waited long enough."""
    if not config.early_stopping or not state.history:
        return False
    return state.epoch - _best_epoch(state.history) >= config.early_stopping


def _diverged(config: RunConfig, rate: float, epoch: int, step: int) -> TrainingError:
    if all(ACTIVATIONS[layer.activation].bounded for layer in config.layers):
        advice = Message("Lower the learning rate, now {rate:g}; a tenth of it is a good next try.", rate=rate)
    else:
        advice = Message(
            "Lower the learning rate, now {rate:g}; a tenth of it is a good next try, or choose a bounded activation, "
            "such as tanh.",
            rate=rate,
        )
    return TrainingError(
        Message(
            "The loss in epoch {epoch}, step {step}, {diverged}: the weights became too large.",
            epoch=epoch,
            step=step,
            diverged=DIVERGED,
        ),
        Message("{advice} The last finished epoch is saved.", advice=advice) if epoch > 1 else advice,
    )
