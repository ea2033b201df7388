"""The table of activations compared with Keras, and a network trained with each."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from mnist_core import training
from mnist_core.config import ACTIVATIONS, LayerConfig
from mnist_core.errors import TrainingError
from mnist_core.training import Progress, loop
from tests.samples import blobs, small, untrained


def outputs(name: str, inputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(keras.activations.get(name)(tf.constant(inputs)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_monotonic_output_never_decreases(name: str) -> None:
    steps = np.diff(outputs(name, np.linspace(-20, 20, 40_001)))
    assert ACTIVATIONS[name].monotonic == bool((steps >= -1e-9).all())


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bounded_output_does_not_grow_with_its_input(name: str) -> None:
    near, far = (np.abs(outputs(name, np.array([-size, size]))).max() for size in (1e3, 1e6))
    assert ACTIVATIONS[name].bounded == bool(far <= near)


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_trains_one_chunk(name: str, kind: str) -> None:
    config = small(layers=(LayerConfig(kind, 12, name),))
    activations = [layer.activation for layer in untrained(config).to_keras().layers if hasattr(layer, "activation")]
    assert activations == [keras.activations.get(name), keras.activations.softmax]
    chunk = next(event for event in training.train(config, blobs()) if isinstance(event, Progress))
    assert np.isfinite(chunk.loss)
    assert chunk.position is not None
    before = loop.initial_state(config).weights
    assert all((new != old).any() for new, old in zip(chunk.position.weights, before, strict=True))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_divergence_advice_names_a_bounded_activation(name: str) -> None:
    config = small(layers=(LayerConfig(units=16, activation=name),), learning_rate=10.0, loss="mean_squared_error")
    weights = tuple(weight * np.float32(np.nan) for weight in loop.initial_state(config).weights)
    state = training.TrainingState(weights, (), 0)
    with pytest.raises(TrainingError) as caught:
        list(training.train(config, blobs(), state))
    assert ("such as tanh" in caught.value.remedy) != ACTIVATIONS[name].bounded
