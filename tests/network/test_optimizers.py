"""Each update rule compared with Keras's optimizer, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import OPTIMIZERS
from mnist_core.network.optimizers import UPDATE_RULES

STEPS = 25
SHAPES = [(7, 5), (5,)]
KERAS: dict[str, Callable[[float], Any]] = {
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
}
"""The Keras optimizer of each name, with Keras's defaults except for the learning rate."""

Gradient = Callable[[int, list[Any]], list[Any]]


def start() -> list[Any]:
    random = np.random.default_rng(1)
    return [tf.constant(random.normal(size=shape).astype(np.float32)) for shape in SHAPES]


def ours(name: str, rate: float, gradient_at: Gradient) -> list[Any]:
    """Return the weights after each step."""
    rule = UPDATE_RULES[name]
    weights = start()
    slots = [tuple(tf.zeros(shape) for _ in range(rule.slots)) for shape in SHAPES]
    path = []
    for step in range(STEPS):
        gradients = gradient_at(step, weights)
        for i, gradient in enumerate(gradients):
            weights[i], slots[i] = rule.update(
                weights[i], gradient, slots[i], tf.constant(rate), tf.constant(float(step + 1))
            )
            assert len(slots[i]) == rule.slots
        path.append([weight.numpy() for weight in weights])
    return path


def stock(name: str, rate: float, gradient_at: Gradient) -> list[Any]:
    """Return the weights after each step in Keras."""
    optimizer = KERAS[name](rate)
    variables = [keras.Variable(weight) for weight in start()]
    path = []
    for step in range(STEPS):
        gradients = gradient_at(step, [tf.convert_to_tensor(variable) for variable in variables])
        optimizer.apply(gradients, variables)
        path.append([variable.numpy() for variable in variables])
    return path


def random_gradients(step: int, weights: list[Any]) -> list[Any]:
    """Gradients from tiny to large, some zero, that do not depend on the weights."""
    random = np.random.default_rng([2, step])
    gradients = [random.normal(size=weight.shape) * 10.0 ** random.integers(-6, 2) for weight in weights]
    return [tf.constant(np.where(random.random(g.shape) < 0.2, 0, g).astype(np.float32)) for g in gradients]


def bowl(step: int, weights: list[Any]) -> list[Any]:
    """The gradient of a quadratic, steep in some directions and flat in others."""
    return [weight * tf.cast(tf.range(1, weight.shape[-1] + 1), tf.float32) - 1.0 for weight in weights]


def assert_same_path(name: str, rate: float, gradient_at: Gradient) -> None:
    for ours_now, stock_now in zip(ours(name, rate, gradient_at), stock(name, rate, gradient_at), strict=True):
        for a, b in zip(ours_now, stock_now, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_every_optimizer_has_a_rule_and_a_keras_class() -> None:
    assert set(UPDATE_RULES) == set(OPTIMIZERS) == set(KERAS)


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_random_gradients_match_keras(name: str) -> None:
    assert_same_path(name, OPTIMIZERS[name].default_learning_rate, random_gradients)


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_descent_into_a_bowl_matches_keras(name: str) -> None:
    assert_same_path(name, 0.1, bowl)


def test_default_learning_rates_are_those_of_keras() -> None:
    stock_optimizers = {
        "sgd": keras.optimizers.SGD(),
        "momentum": keras.optimizers.SGD(momentum=0.9),
        "rmsprop": keras.optimizers.RMSprop(),
        "adam": keras.optimizers.Adam(),
        "adamw": keras.optimizers.AdamW(),
    }
    assert {name: choice.default_learning_rate for name, choice in OPTIMIZERS.items()} == pytest.approx(
        {name: float(optimizer.learning_rate.numpy()) for name, optimizer in stock_optimizers.items()}
    )


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_zero_gradient_applies_only_decay(name: str) -> None:
    path = ours(name, 0.01, lambda _step, weights: [tf.zeros_like(weight) for weight in weights])
    kept = (1 - 0.01 * 0.004) ** STEPS if name == "adamw" else 1.0
    for end, begin in zip(path[-1], start(), strict=True):
        np.testing.assert_allclose(end, begin.numpy() * kept, rtol=1e-5)
