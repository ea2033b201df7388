"""The optimizers' update rules, as functions of arrays.

Each rule computes what Keras 3 does (`keras.optimizers`), but without variables: a run's arrays are arguments and
results. One compiled program can therefore serve every run of an architecture.

A rule takes one weight, its gradient, its slots (running averages of the weight's shape, zero at the start),
the learning rate and the number of this step, counted from 1, as a float; it returns the new weight and slots.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

Tensor = Any  # TensorFlow ships no types.
Rule = Callable[[Tensor, Tensor, tuple[Tensor, ...], Tensor, Tensor], tuple[Tensor, tuple[Tensor, ...]]]

MOMENTUM = 0.9
RHO = 0.9
BETA_1, BETA_2 = 0.9, 0.999
WEIGHT_DECAY = 0.004
EPSILON = 1e-7


@dataclass(frozen=True)
class UpdateRule:
    """A rule, and how many slots it keeps for each weight."""

    slots: int
    update: Rule


def _sgd(
    weight: Tensor, gradient: Tensor, slots: tuple[Tensor, ...], rate: Tensor, _step: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    return weight - rate * gradient, slots


def _momentum(
    weight: Tensor, gradient: Tensor, slots: tuple[Tensor, ...], rate: Tensor, _step: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    velocity = slots[0] * MOMENTUM - rate * gradient
    return weight + velocity, (velocity,)


def _rmsprop(
    weight: Tensor, gradient: Tensor, slots: tuple[Tensor, ...], rate: Tensor, _step: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    import tensorflow as tf

    square = RHO * slots[0] + (1.0 - RHO) * gradient * gradient
    # Not "** -0.5": XLA computes that as a power, ten times slower, which doubled the time of a whole step.
    return weight - rate * gradient * tf.math.rsqrt(square + EPSILON), (square,)


def _adam(
    weight: Tensor, gradient: Tensor, slots: tuple[Tensor, ...], rate: Tensor, step: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    import tensorflow as tf

    mean, square = slots
    mean = mean + (gradient - mean) * (1.0 - BETA_1)
    square = square + (gradient * gradient - square) * (1.0 - BETA_2)
    # Early averages are too close to zero; these two factors correct them.
    corrected = rate * tf.sqrt(1.0 - BETA_2**step) / (1.0 - BETA_1**step)
    return weight - corrected * mean / (tf.sqrt(square) + EPSILON), (mean, square)


def _adamw(
    weight: Tensor, gradient: Tensor, slots: tuple[Tensor, ...], rate: Tensor, step: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    return _adam(weight - WEIGHT_DECAY * rate * weight, gradient, slots, rate, step)


UPDATE_RULES: Mapping[str, UpdateRule] = types.MappingProxyType(
    {
        "sgd": UpdateRule(0, _sgd),
        "momentum": UpdateRule(1, _momentum),
        "rmsprop": UpdateRule(1, _rmsprop),
        "adam": UpdateRule(2, _adam),
        "adamw": UpdateRule(2, _adamw),
    }
)

KERAS_CLASSES: Mapping[str, tuple[str, Mapping[str, float]]] = types.MappingProxyType(
    {
        "sgd": ("SGD", {}),
        "momentum": ("SGD", {"momentum": MOMENTUM}),
        "rmsprop": ("RMSprop", {}),
        "adam": ("Adam", {}),
        "adamw": ("AdamW", {}),
    }
)
"""A key of `config.OPTIMIZERS` -> its class in `keras.optimizers` and the arguments besides the learning rate."""


def compile_arguments(config: RunConfig) -> dict[str, Any]:
    """The arguments of `keras.Model.compile` for a run: optimizer, loss and metrics."""
    import keras

    name, more = KERAS_CLASSES[config.optimizer]
    optimizer = getattr(keras.optimizers, name)(learning_rate=config.learning_rate, **more)
    # Keras includes an L2 penalty in the loss, but not in the same loss as a metric.
    metrics = ["accuracy", *([config.loss] if config.l2 else [])]
    return {"optimizer": optimizer, "loss": config.loss, "metrics": metrics}
