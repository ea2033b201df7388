"""Explain a network: first-layer weights, outputs of each layer, integrated gradients, nearest training images."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import outputs, pixels_in, weight_specs

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.network import TrainedNetwork
    from mnist_core.network.layers import Weights

_PIXELS = IMAGE_SIZE * IMAGE_SIZE
# Steps from the blank image to the drawing. With 48, the attributions add up to the difference within about 1 %.
_PATH_STEPS = 48
_BATCH_SIZE = 4096


MOST_UNITS = 16
"""How many units are shown as pictures."""


def first_layer_weights(weights: Weights, most: int = MOST_UNITS) -> npt.NDArray[np.float32]:
    """Return the weights of the first layer's units as pictures.

    Args:
        weights: kernels and biases of a network.
        most: the largest number of units to show.

    Returns:
        (k, 28, 28) float32 for a dense layer, a weight for each pixel, or (k, 3, 3) for a convolution. Ink activates
        the unit where the value is above 0.
    """
    kernel = weights[0]
    if kernel.ndim == 4:
        return np.moveaxis(kernel[:, :, 0, :most], -1, 0)
    return kernel[:, :most].T.reshape(-1, IMAGE_SIZE, IMAGE_SIZE)


@functools.lru_cache(maxsize=32)
def _compiled_layers(layers: tuple[Any, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    signature = (tf.TensorSpec((None, _PIXELS), tf.float32), weight_specs(layers))
    return tf.function(
        lambda images, weights: outputs(layers, weights, images), input_signature=signature, autograph=False
    )


def layer_outputs(network: TrainedNetwork, image: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Return the output of each layer for an image.

    Args:
        network: the network.
        image: (28, 28) float32 in [0, 1], 1 = ink.

    Returns:
        For each hidden layer (rows, columns, filters) after pooling, or (units,); then the ten logits.
    """
    pixels = pixels_in(image.reshape(1, _PIXELS), network.config.pixels)
    answers = _compiled_layers(network.config.layers)(pixels, network.weights)
    return [np.asarray(answer[0]) for answer in answers]


@functools.lru_cache(maxsize=32)
def _compiled_gradients(layers: tuple[Any, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    def mean_gradient(image: Any, direction: Any, weights: Any) -> Any:
        alphas = (tf.range(_PATH_STEPS, dtype=tf.float32) + 0.5) / _PATH_STEPS
        path = alphas[:, tf.newaxis] * image
        with tf.GradientTape() as tape:
            tape.watch(path)
            logits = outputs(layers, weights, path)[-1]
            margin = tf.reduce_sum(logits * direction)
        return image[0] * tf.reduce_mean(tape.gradient(margin, path), axis=0)

    signature = (
        tf.TensorSpec((1, _PIXELS), tf.float32),
        tf.TensorSpec((10,), tf.float32),
        weight_specs(layers),
    )
    return tf.function(mean_gradient, input_signature=signature, autograph=False)


def integrated_gradients(
    network: TrainedNetwork, image: npt.NDArray[np.float32], digit: int, other: int | None = None
) -> npt.NDArray[np.float32]:
    """Return the integrated gradients of a digit's logit, or of the difference of two logits, with a blank baseline.

    They add up to the change of that logit, or difference, from the blank image to this one. For a network without
    hidden layers they equal weight times pixel.
    Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", 2017.

    Args:
        network: the network.
        image: (28, 28) float32 in [0, 1], 1 = ink.
        digit: the digit to explain.
        other: the digit whose logit is subtracted; None to explain `digit` alone.

    Returns:
        (28, 28) float32; above 0 where ink supports `digit`, below 0 where it opposes it, 0 without ink.
    """
    direction = np.zeros(10, np.float32)
    direction[digit] += 1
    if other is not None:
        direction[other] -= 1
    pixels = pixels_in(image.reshape(1, _PIXELS), network.config.pixels)
    answer = _compiled_gradients(network.config.layers)(pixels, direction, network.weights)
    return np.asarray(answer).reshape(IMAGE_SIZE, IMAGE_SIZE)


def nearest_images(
    image: npt.NDArray[np.float32], images: npt.NDArray[np.uint8], most: int = 8
) -> npt.NDArray[np.int64]:
    """Return the indices of the images with the smallest Euclidean distance to one image, the nearest first.

    Args:
        image: (28, 28) float32 in [0, 1].
        images: (n, 28, 28) uint8, 255 = ink.
        most: the largest number of indices.
    """
    flat = images.reshape(len(images), _PIXELS)
    query = image.reshape(_PIXELS) * np.float32(255)
    distances = np.empty(len(flat), np.float32)
    for start in range(0, len(flat), _BATCH_SIZE):
        difference = flat[start : start + _BATCH_SIZE] - query
        distances[start : start + _BATCH_SIZE] = np.einsum("ij,ij->i", difference, difference)
    return np.argsort(distances, kind="stable")[:most]
