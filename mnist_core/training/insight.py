"""What a run in training has learned so far, read from its tensors.

`Position.weights` makes arrays of all weights, which takes copies of megabytes; pages want the answer to a few images
and a few units, of thirty runs each second.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import config as choices
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import initial_weights, outputs, pixels_in

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig
    from mnist_core.training.engine import Position


def probabilities(config: RunConfig, position: Position, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The ten probabilities of each image, as `TrainedNetwork.predict` gives them.

    Args:
        config: the run's config.
        position: the run between two chunks.
        images: (n, 28, 28) uint8.

    Returns:
        (n, 10) float32, rows summing to 1.
    """
    pixels = _pixels(config, images)
    answer = _compiled_dense(config.layers) if position.is_dense else _compiled(config.layers)
    if position.is_dense:
        pixels = pixels.take(np.asarray(position.images.pixels), axis=1)
    load_tensorflow()
    import tensorflow as tf

    found: npt.NDArray[np.float32] = answer(tf.constant(pixels), position.sets[0]).numpy()
    return found


def untrained_probabilities(config: RunConfig, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The ten probabilities of each image at the start of a run.

    Nothing is compiled, since a network in the editor changes with each click.

    Args:
        config: the run's config.
        images: (n, 28, 28) uint8.

    Returns:
        (n, 10) float32, rows summing to 1.
    """
    load_tensorflow()
    import tensorflow as tf

    weights = tuple(map(tf.constant, initial_weights(config)))
    scores = outputs(config.layers, weights, tf.constant(_pixels(config, images)))[-1]
    found: npt.NDArray[np.float32] = tf.nn.softmax(scores).numpy()
    return found


def first_kernel(position: Position, most: int) -> npt.NDArray[np.float32]:
    """The first kernel of `Position.weights`, of the first units only.

    Returns:
        (784, k) float32 for a dense layer, (3, 3, 1, k) for a convolution; k is at most `most`.
    """
    first = np.asarray(position.sets[0][0])
    if not position.is_dense:
        return first[..., :most]
    left_out = np.asarray(position.sets[0][-1])
    return np.concatenate([first[:most].T, left_out[:, :most]]).take(np.asarray(position.images.places), axis=0)


def _pixels(config: RunConfig, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The images as the network's input, (n, 784)."""
    scaled = images.reshape(len(images), choices.IMAGE_SIZE**2).astype(np.float32) * np.float32(1 / 255)
    found: npt.NDArray[np.float32] = pixels_in(scaled, config.pixels)
    return found


@functools.lru_cache(maxsize=32)
def _compiled(layers: tuple[LayerConfig, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    return tf.function(
        lambda images, weights: tf.nn.softmax(outputs(layers, weights, images)[-1]),
        autograph=False,
        reduce_retracing=True,
    )


@functools.lru_cache(maxsize=32)
def _compiled_dense(layers: tuple[LayerConfig, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    def answer(images: Any, weights: Any) -> Any:
        # Back together: the pixels that are blank in all training images may have ink in these.
        first, *others, left_out = weights
        whole = tf.concat([first, tf.transpose(left_out)], axis=1)
        return tf.nn.softmax(outputs(layers, (whole, *others), images, is_transposed=True)[-1])

    return tf.function(answer, autograph=False, reduce_retracing=True)
