"""What is inside a network: its answers to a few images, its activations, and its strongest connections.

Those of a run in training are read from its tensors: `Position.weights` makes arrays of all weights, which takes copies
of megabytes, and pages want the answers to a few images, of thirty runs each second.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import config as choices
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import outputs, pixels_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig
    from mnist_core.network.layers import Weights
    from mnist_core.training.engine import Position

# The least and the largest output of the bounded activation functions.
_ENDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}

_SAMPLED = 4_000


@dataclass(frozen=True, eq=False)
class Inside:
    """What a network computes for n images.

    Args:
        probabilities: (n, 10) float32, rows summing to 1, as `TrainedNetwork.predict` gives them.
        activations: of each hidden layer, float32: (n, units) of a dense one, (n, h, w, filters) of a convolution,
            after its pooling.
        kernels: of each hidden layer but the first, and of the output layer, as in `TrainedNetwork.weights`.
    """

    probabilities: npt.NDArray[np.float32]
    activations: tuple[npt.NDArray[np.float32], ...]
    kernels: tuple[npt.NDArray[np.float32], ...]

    def strongest_links(
        self, layer: int, most_units: int, most: int
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
        """What moves the next layer most: activations times weights, for each image.

        Args:
            layer: the hidden layer where the links start, from 0.
            most_units: only links between the first units of each layer are looked at.
            most: how many links.

        Returns:
            (n, k, 2) int16, the numbers of both units, and (n, k) float32, their product, in no order. The units of a
            convolution are its filters; a link sums over the whole picture: of the filter before a dense layer, and
            between two convolutions of what the one filter adds to the other's sums.
        """
        before, kernel = self.activations[layer], self.kernels[layer]
        n = len(before)
        if kernel.ndim == 4:
            size, _, *_ = kernel.shape
            rows, columns = (side - size + 1 for side in before.shape[1:3])
            signals = before[..., :most_units]
            # For each weight of the kernel, the sum of the pixels that it is multiplied by as it slides over them.
            sums = np.stack(
                [signals[:, y : y + rows, x : x + columns].sum(axis=(1, 2)) for y in range(size) for x in range(size)]
            )
            weights = kernel.reshape(size * size, *kernel.shape[2:])[:, :most_units, :most_units]
            products = np.einsum("pni,pij->nij", sums, weights)
        elif before.ndim == 4:
            _, height, width, filters = before.shape
            shown = min(filters, most_units)
            signals = before[..., :shown].reshape(n, height * width, shown).transpose(2, 0, 1)
            weights = kernel.reshape(height * width, filters, -1)[:, :shown, :most_units].transpose(1, 0, 2)
            products = (signals @ weights).transpose(1, 0, 2)
        else:
            products = before[:, :most_units, None] * kernel[None, :most_units, :most_units]
        flat = products.reshape(n, -1)
        k = min(most, flat.shape[1])
        top = np.argpartition(-np.abs(flat), k - 1, axis=1)[:, :k]
        units = np.stack(np.divmod(top, products.shape[2]), axis=2).astype(np.int16)
        return units, np.take_along_axis(flat, top, axis=1)

    def is_stuck(self, layer: int, activation: str) -> Any:
        """Which units of a hidden layer give the same answer to all images: 0, or an end of a bounded function.

        Returns:
            (units,) bool array. At an end means within a hundredth of the function's range.
        """
        values = self.activations[layer].reshape(-1, self.activations[layer].shape[-1])
        if activation in _ENDS:
            low, high = _ENDS[activation]
            near = (high - low) / 100
            return np.all(values < low + near, axis=0) | np.all(values > high - near, axis=0)
        return np.all(values == 0, axis=0)


def inside(config: RunConfig, network: Position | Weights, images: npt.NDArray[np.uint8]) -> Inside:
    """What a network computes for some images.

    Args:
        config: the run's config.
        network: the run between two chunks, or weights. For weights nothing is compiled, since a network in the editor
            changes with each click.
        images: (n, 28, 28) uint8.
    """
    pixels = _pixels(config, images)
    load_tensorflow()
    import tensorflow as tf

    if isinstance(network, tuple):
        found = _with_probabilities(outputs(config.layers, tuple(map(tf.constant, network)), tf.constant(pixels)))
        kernels = network[2::2]
    elif network.is_dense:
        pixels = pixels.take(np.asarray(network.images.pixels), axis=1)
        found = _compiled_dense(config.layers)(tf.constant(pixels), network.sets[0])
        kernels = tuple(np.asarray(kernel).T for kernel in network.sets[0][2:-1:2])
    else:
        found = _compiled(config.layers)(tf.constant(pixels), network.sets[0])
        kernels = tuple(map(np.asarray, network.sets[0][2::2]))
    *activations, probabilities = (layer.numpy() for layer in found)
    return Inside(probabilities, tuple(activations), kernels)


def kernel_of_unit(network: Position | Weights, layer: int, unit: int) -> npt.NDArray[np.float32]:
    """The weights with which a unit sees the layer before it.

    Args:
        network: the run between two chunks, or weights.
        layer: its layer, from 0; the one after the last hidden layer is the output layer.
        unit: its number, from 0.

    Returns:
        (inputs,) float32 of a dense layer, (3, 3, channels) of a convolution.
    """
    if isinstance(network, tuple) or not network.is_dense:
        kernel = (network if isinstance(network, tuple) else network.sets[0])[2 * layer]
        return np.asarray(kernel[..., unit])
    if layer:
        return np.asarray(network.sets[0][2 * layer][unit])
    return _first_kernel(network, slice(unit, unit + 1))[:, 0]


def sampled_weights(kernels: Sequence[npt.NDArray[np.float32]]) -> tuple[npt.NDArray[np.float32], ...]:
    """Some thousand weights of each kernel, always the same ones, as copies; for `relative_changes`."""
    flat = [np.asarray(kernel).reshape(-1) for kernel in kernels]
    return tuple(one[:: max(1, len(one) // _SAMPLED)].copy() for one in flat)


def relative_changes(
    before: Sequence[npt.NDArray[np.float32]], now: Sequence[npt.NDArray[np.float32]]
) -> list[float | None]:
    """How much weights have changed: the norm of the change over the norm of the weights before, for each array.

    None if that is not a number.
    """
    with np.errstate(all="ignore"):
        found = [
            float(np.linalg.norm(b.astype(np.float64) - a) / np.linalg.norm(a))
            for a, b in zip(before, now, strict=True)
        ]
    return [one if math.isfinite(one) else None for one in found]


def first_kernel(position: Position, most: int) -> npt.NDArray[np.float32]:
    """The first kernel of `Position.weights`, of the first units only.

    Returns:
        (784, k) float32 for a dense layer, (3, 3, 1, k) for a convolution; k is at most `most`.
    """
    return _first_kernel(position, slice(most))


def _first_kernel(position: Position, units: slice) -> npt.NDArray[np.float32]:
    first = np.asarray(position.sets[0][0])
    if not position.is_dense:
        return first[..., units]
    left_out = np.asarray(position.sets[0][-1])
    return np.concatenate([first[units].T, left_out[:, units]]).take(np.asarray(position.images.places), axis=0)


def _pixels(config: RunConfig, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The images as the network's input, (n, 784)."""
    scaled = images.reshape(len(images), choices.IMAGE_SIZE**2).astype(np.float32) * np.float32(1 / 255)
    found: npt.NDArray[np.float32] = pixels_in(scaled, config.pixels)
    return found


def _with_probabilities(layers: list[Any]) -> list[Any]:
    import tensorflow as tf

    *hidden, scores = layers
    return [*hidden, tf.nn.softmax(scores)]


@functools.lru_cache(maxsize=32)
def _compiled(layers: tuple[LayerConfig, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    def answer(images: Any, weights: Any) -> Any:
        return _with_probabilities(outputs(layers, weights, images))

    return tf.function(answer, autograph=False, reduce_retracing=True)


@functools.lru_cache(maxsize=32)
def _compiled_dense(layers: tuple[LayerConfig, ...]) -> Any:
    load_tensorflow()
    import tensorflow as tf

    def answer(images: Any, weights: Any) -> Any:
        # Back together: the pixels that are blank in all training images may have ink in these.
        first, *others, left_out = weights
        whole = tf.concat([first, tf.transpose(left_out)], axis=1)
        return _with_probabilities(outputs(layers, (whole, *others), images, is_transposed=True))

    return tf.function(answer, autograph=False, reduce_retracing=True)
