"""What is wrong with a run that does not learn as it should, and the change that mends it.

Each rule looks at the curve and the config of an ended run. On healthy runs no rule applies.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import CLASSES, LEARNING_RATE, OPTIMIZERS
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.config import RunConfig
    from mnist_core.training.events import EpochMetrics, Progress

_LOWER, _HIGHER = 1 / 10, 10.0
# Reads no better than a guess, or far worse than any healthy network after some epochs: shares of the images.
_GUESS, _POOR = 0.2, 0.85
_EXPLODED = 1.5  # The last loss beside the first one.
_MOST_BOTTLENECK = 4  # Units.
_USUAL_UNITS = 32
# Validation loss beside its lowest value, and the epochs since then.
_RISEN, _EPOCHS_SINCE, _PATIENCE = 1.1, 2, 2


@dataclass(frozen=True)
class Finding:
    """What is wrong with a run.

    Args:
        text: what can be seen and what it means, in two sentences at most.
        cure: what `config` changes, as the label of a button.
        config: the run's config, mended.
    """

    text: str
    cure: str
    config: RunConfig


def diagnose(
    config: RunConfig, points: Sequence[Progress], epochs: Sequence[EpochMetrics], *, diverged: bool = False
) -> Finding | None:
    """What is wrong with a run; None if nothing is.

    Args:
        config: the run's config.
        points: its curve.
        epochs: its finished epochs.
        diverged: whether it was stopped because its loss was no longer a number.
    """
    if not points and not diverged:
        return None
    if diverged or _has_grown(points, epochs):
        return _exploded(config)
    for rule in (_bottleneck, _too_fast, _stuck, _slow, _linear, _overfitted):
        found = rule(config, epochs)
        if found is not None:
            return found
    return None


def _has_grown(points: Sequence[Progress], epochs: Sequence[EpochMetrics]) -> bool:
    last = epochs[-1].loss if epochs else points[-1].loss
    return last > _EXPLODED * max(points[0].loss, math.log(CLASSES))


def _exploded(config: RunConfig) -> Finding | None:
    seen = Message("The loss exploded: each step went too far, and the next one had to correct even more.")
    if config.pixels == "raw":
        return _with_scaled_pixels(config, Message("{seen} Pixels from 0 to 255 make large steps.", seen=seen))
    return _with_rate(config, _LOWER, Message("{seen} The learning rate is too high.", seen=seen))


def _too_fast(config: RunConfig, epochs: Sequence[EpochMetrics]) -> Finding | None:
    if not epochs or epochs[-1].accuracy >= _POOR:
        return None
    seen = Message("It reads only {accuracy:.0%} of the training images right.", accuracy=epochs[-1].accuracy)
    if config.pixels == "raw":
        return _with_scaled_pixels(config, Message("{seen} Pixels from 0 to 255 make steps too large.", seen=seen))
    if config.learning_rate > _HIGHER * _usual_rate(config):
        text = Message(
            "{seen} The learning rate is probably too high: large steps can switch units off for ever.", seen=seen
        )
        return _with_rate(config, _LOWER, text)
    return None


def _stuck(config: RunConfig, epochs: Sequence[EpochMetrics]) -> Finding | None:
    if not epochs or epochs[-1].accuracy >= _GUESS:
        return None
    seen = Message("After {count} epochs it still guesses.", count=len(epochs))
    if [layer.activation for layer in config.layers].count("sigmoid") > 1:
        text = Message("{seen} Through several sigmoid layers, hardly any gradient reaches the first one.", seen=seen)
        return _with_relu(config, "sigmoid", text)
    if config.learning_rate > _usual_rate(config) / 3:
        return None  # It may need more epochs.
    return _with_rate(config, _HIGHER, Message("{seen} Its steps are too small.", seen=seen))


def _bottleneck(config: RunConfig, epochs: Sequence[EpochMetrics]) -> Finding | None:
    if not epochs or epochs[-1].accuracy >= _POOR:
        return None
    for number, layer in enumerate(config.layers):
        if layer.units <= _MOST_BOTTLENECK:
            what = _in_units(layer.units, layer.is_convolution)
            usual = _in_units(_USUAL_UNITS, layer.is_convolution)
            layers = list(config.layers)
            layers[number] = dataclasses.replace(layer, units=_USUAL_UNITS)
            return Finding(
                Message(
                    "Layer {number} has only {what}: a bottleneck. All information about an image must pass through "
                    "it.",
                    number=number + 1,
                    what=what,
                ),
                Message("Give layer {number} {usual}", number=number + 1, usual=usual),
                dataclasses.replace(config, layers=tuple(layers)),
            )
    return None


def _in_units(count: int, are_filters: bool) -> Message:
    if are_filters:
        return Message("{units} filter", units=count) if count == 1 else Message("{units} filters", units=count)
    return Message("{units} unit", units=count) if count == 1 else Message("{units} units", units=count)


def _slow(config: RunConfig, epochs: Sequence[EpochMetrics]) -> Finding | None:
    if len(epochs) < 2 or epochs[-1].accuracy >= _POOR or config.learning_rate > _usual_rate(config) / 3:
        return None
    if epochs[-1].loss >= epochs[-2].loss:
        return None
    return _with_rate(
        config, _HIGHER, Message("It learns, but slowly: the loss still falls at the end. Its steps are small.")
    )


def _linear(config: RunConfig, epochs: Sequence[EpochMetrics]) -> Finding | None:
    del epochs  # It is so from the start.
    if not config.layers or any(layer.is_convolution or layer.activation != "linear" for layer in config.layers):
        return None
    text = Message("All hidden layers are linear. Together they can do no more than a network without hidden layers.")
    return _with_relu(config, "linear", text)


def _overfitted(config: RunConfig, epochs: Sequence[EpochMetrics]) -> Finding | None:
    losses = [one.validation_loss for one in epochs if one.validation_loss is not None]
    if not losses or config.early_stopping:
        return None
    best = min(range(len(losses)), key=losses.__getitem__)
    if (
        len(losses) - 1 - best < _EPOCHS_SINCE
        or losses[-1] < _RISEN * losses[best]
        or epochs[-1].loss > epochs[best].loss
    ):
        return None
    return Finding(
        Message(
            "Validation loss has risen since epoch {best}, and the training loss still falls: it overfits.",
            best=best + 1,
        ),
        Message("Stop early, after {patience} epochs without progress", patience=_PATIENCE),
        dataclasses.replace(config, early_stopping=_PATIENCE),
    )


def _usual_rate(config: RunConfig) -> float:
    return OPTIMIZERS[config.optimizer].default_learning_rate


def _with_scaled_pixels(config: RunConfig, text: str) -> Finding:
    return Finding(text, Message("Use pixels from 0 to 1"), dataclasses.replace(config, pixels="scaled"))


def _with_relu(config: RunConfig, activation: str, text: str) -> Finding:
    """ReLU in place of an activation."""
    layers = tuple(
        dataclasses.replace(layer, activation="relu") if layer.activation == activation else layer
        for layer in config.layers
    )
    return Finding(text, Message("Use ReLU in these layers"), dataclasses.replace(config, layers=layers))


def _with_rate(config: RunConfig, factor: float, text: str) -> Finding | None:
    rate = float(f"{config.learning_rate * factor:.2g}")
    if not LEARNING_RATE.low <= rate <= LEARNING_RATE.high:
        return None
    cure = Message("Divide the learning rate by 10") if factor < 1 else Message("Multiply the learning rate by 10")
    return Finding(text, cure, dataclasses.replace(config, learning_rate=rate))
