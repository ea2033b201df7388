"""Looking into a network: what its first layer looks for, what each layer answers, and which pixels decide."""

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
# On the way from the blank image; the integrated_gradients then sum to the difference within about 1 %.
_WAY_STEPS = 48
_IMAGES_AT_ONCE = 4096


def first_layer_pictures(weights: Weights, start: Weights | None = None, most: int = 16) -> npt.NDArray[np.float32]:
    """The weights of the first layer's units as pictures.

    Args:
        weights: a network's kernels and biases.
        start: the weights before training, to show only what has changed since; None for the weights as they are.
        most: how many units to show, the first ones.

    Returns:
        (k, 28, 28) float32 for a dense layer, one weight for each pixel, or (k, 3, 3) for a convolution. Each picture
        is scaled to [-1, 1] by its own largest weight: above 0, ink speaks for the unit; below, against it.
    """
    kernel = weights[0] if start is None else weights[0] - start[0]
    pictures = (
        np.moveaxis(kernel[:, :, 0, :most], -1, 0)
        if kernel.ndim == 4
        else kernel[:, :most].T.reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    )
    largest = np.abs(pictures).max(axis=(1, 2), keepdims=True)
    return np.asarray(pictures / np.where(largest > 0, largest, 1), np.float32)


@functools.lru_cache(maxsize=32)
def _compiled_layers(layers: tuple[Any, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    signature = (tf.TensorSpec((None, _PIXELS), tf.float32), weight_specs(layers))
    return tf.function(
        lambda images, weights: outputs(layers, weights, images), input_signature=signature, autograph=False
    )


def layer_outputs(network: TrainedNetwork, image: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """What each layer answers to an image.

    Args:
        network: whose layers.
        image: (28, 28) float32 in [0, 1], 1 = ink.

    Returns:
        For each hidden layer (rows, columns, filters) after pooling, or (units,); last the ten logits.
    """
    pixels = pixels_in(image.reshape(1, _PIXELS), network.config.pixels)
    answers = _compiled_layers(network.config.layers)(pixels, network.weights)
    return [np.asarray(answer[0]) for answer in answers]


@functools.lru_cache(maxsize=32)
def _compiled_gradients(layers: tuple[Any, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    def mean_gradient(image: Any, direction: Any, weights: Any) -> Any:
        shares = (tf.range(_WAY_STEPS, dtype=tf.float32) + 0.5) / _WAY_STEPS
        way = shares[:, tf.newaxis] * image
        with tf.GradientTape() as tape:
            tape.watch(way)
            logits = outputs(layers, weights, way)[-1]
            margin = tf.reduce_sum(logits * direction)
        return image[0] * tf.reduce_mean(tape.gradient(margin, way), axis=0)

    signature = (
        tf.TensorSpec((1, _PIXELS), tf.float32),
        tf.TensorSpec((10,), tf.float32),
        weight_specs(layers),
    )
    return tf.function(mean_gradient, input_signature=signature, autograph=False)


def integrated_gradients(
    network: TrainedNetwork, image: npt.NDArray[np.float32], digit: int, other: int | None = None
) -> npt.NDArray[np.float32]:
    """How much each pixel's ink speaks for a digit, or for one and against another: integrated gradients.

    They sum to what the drawing changes, against a blank image, in the digit's logit, less the other's if there is one.
    For a network without a hidden layer this is exactly weight times pixel.
    Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", 2017.

    Args:
        network: whose answer.
        image: (28, 28) float32 in [0, 1], 1 = ink.
        digit: the one that is answered.
        other: the one that it is held against; None for the digit by itself.

    Returns:
        (28, 28) float32; above 0 speaks for `digit`, below against it, 0 where there is no ink.
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
    """Which images are most like one, by the sum of their pixels' squared differences, the nearest first.

    Args:
        image: (28, 28) float32 in [0, 1].
        images: (n, 28, 28) uint8 in 0..255.
        most: how many to name.
    """
    flat = images.reshape(len(images), _PIXELS)
    one = image.reshape(_PIXELS) * np.float32(255)
    distances = np.empty(len(flat), np.float32)
    for start in range(0, len(flat), _IMAGES_AT_ONCE):
        difference = flat[start : start + _IMAGES_AT_ONCE] - one
        distances[start : start + _IMAGES_AT_ONCE] = np.einsum("ij,ij->i", difference, difference)
    return np.argsort(distances, kind="stable")[:most]
