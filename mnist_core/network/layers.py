"""What the layers compute: the shapes of their weights, the weights that a run starts from, and the way forward."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import config as choices

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig

Tensor = Any  # TensorFlow ships no types.
Weights = tuple["npt.NDArray[np.float32]", ...]


def weight_shapes(layers: tuple[LayerConfig, ...]) -> list[tuple[int, ...]]:
    """The shapes of kernels and biases, in Keras's order, from the first layer to the output."""
    shapes: list[tuple[int, ...]] = []
    channels = 1
    width = choices.IMAGE_SIZE**2
    for i, layer in enumerate(layers):
        if layer.is_convolution:
            shapes += [(3, 3, channels, layer.units), (layer.units,)]
            channels = layer.units
            width = choices.picture_sides(layers[: i + 1])[-1] ** 2 * channels
        else:
            shapes += [(width, layer.units), (layer.units,)]
            width = layer.units
    return [*shapes, (width, choices.CLASSES), (choices.CLASSES,)]


def weight_specs(layers: tuple[LayerConfig, ...]) -> tuple[Tensor, ...]:
    """`weight_shapes` as TensorFlow wants them of a function that is compiled once."""
    import tensorflow as tf

    return tuple(tf.TensorSpec(shape, tf.float32) for shape in weight_shapes(layers))


def seen_size(layers: tuple[LayerConfig, ...]) -> int:
    """How many rows and columns of an image have a say in the network's answer, the first ones.

    Where pooling meets an odd number of them, it leaves out the last, so whatever leads there alone is never used.
    """
    size = choices.picture_sides(layers)[-1]
    for layer in reversed(layers):
        if layer.is_convolution:
            size = (2 * size if layer.is_pooled else size) + 2
    return size


def initial_weights(config: RunConfig) -> Weights:
    """The weights that a run starts from: Glorot-uniform kernels, zero biases, as Keras has it.

    Drawn from the run's seed alone, so nothing that runs beside it has a say.
    Source: Glorot and Bengio, 2010.
    """
    random = np.random.default_rng([config.seed, 0])
    weights = []
    for shape in weight_shapes(config.layers):
        if len(shape) == 1:
            weights.append(np.zeros(shape, np.float32))
            continue
        receptive_field = math.prod(shape[:-2])
        limit = math.sqrt(6.0 / (receptive_field * (shape[-2] + shape[-1])))
        weights.append(random.uniform(-limit, limit, shape).astype(np.float32))
    return tuple(weights)


def pixels_in(images: Any, pixels: str) -> Any:
    """Images as a network that takes `pixels`, a key of `config.PIXELS`, gets them.

    Args:
        images: (n, 784) float32 in [0, 1], an array or a tensor.
        pixels: ``"scaled"`` leaves them; ``"raw"`` gives 0 to 255, to a rounding of what stands in the file.
    """
    return images * 255.0 if pixels == "raw" else images


def scrambled(number: Tensor) -> Tensor:
    """A uint32 tensor scrambled so that neighbours have nothing in common.

    Source: the "lowbias32" integer hash, C. Wellons, "Prospecting for Hash Functions", 2018.
    """
    import tensorflow as tf

    shift, mix = tf.bitwise.right_shift, tf.bitwise.bitwise_xor
    number = mix(number, shift(number, tf.constant(16, tf.uint32)))
    number = number * tf.constant(0x7FEB352D, tf.uint32)
    number = mix(number, shift(number, tf.constant(15, tf.uint32)))
    number = number * tf.constant(0x846CA68B, tf.uint32)
    return mix(number, shift(number, tf.constant(16, tf.uint32)))


def dropped(x: Tensor, rate: float, key: Tensor) -> Tensor:
    """`x` with a share of `rate` zeroed and the rest scaled up to make up for it.

    Which ones follows from `key` and the place in `x` alone: a hash of a counter, which XLA fuses with the
    layer itself, where its own generators take ten times the whole step.
    """
    import tensorflow as tf

    count = math.prod(x.shape)
    places = tf.reshape(tf.range(count, dtype=tf.int32), x.shape)
    noise = scrambled(tf.bitwise.bitwise_xor(scrambled(tf.cast(places, tf.uint32) + key), key))
    keep = noise >= tf.constant(int(rate * 2**32), tf.uint32)
    return tf.where(keep, x * (1.0 / (1.0 - rate)), tf.zeros_like(x))


def outputs(
    layers: tuple[LayerConfig, ...],
    weights: tuple[Tensor, ...],
    images: Tensor,
    dropout_key: Tensor = None,
    is_transposed: bool = False,
) -> list[Tensor]:
    """What every layer answers: its outputs one after the other, the last being the logits (n, 10).

    What pooling leaves out is not computed, and pooling comes before an activation where that makes no difference:
    together these spare a third of a convolutional step.

    Args:
        layers: the hidden layers.
        weights: kernels and biases, in the order of `weight_shapes`.
        images: (n, 784) float32, from `pixels_in`.
        dropout_key: a uint32 scalar while training; None for no dropout.
        is_transposed: whether dense kernels come as (units, inputs), and the images with as many columns as the first.
    """
    import keras
    import tensorflow as tf

    def product(x: Tensor, kernel: Tensor) -> Tensor:
        return tf.matmul(_flat(x), kernel, transpose_b=is_transposed)

    answers = []
    x = images
    for i, layer in enumerate(layers):
        kernel, bias = weights[2 * i], weights[2 * i + 1]
        activation = keras.activations.get(layer.activation)
        if layer.is_convolution:
            if len(x.shape) == 2:
                seen = seen_size(layers)
                x = tf.reshape(x, (-1, choices.IMAGE_SIZE, choices.IMAGE_SIZE, 1))[:, :seen, :seen]
            x = tf.nn.conv2d(x, kernel, 1, "VALID")
            if not layer.is_pooled:
                x = activation(tf.nn.bias_add(x, bias))
            elif choices.ACTIVATIONS[layer.activation].monotonic:
                x = activation(tf.nn.bias_add(tf.nn.max_pool2d(x, 2, 2, "VALID"), bias))
            else:
                x = tf.nn.max_pool2d(activation(tf.nn.bias_add(x, bias)), 2, 2, "VALID")
        else:
            x = activation(product(x, kernel) + bias)
        answers.append(x)
        if dropout_key is not None and layer.dropout:
            salt = tf.constant((i + 1) * 0x9E3779B9 % 2**32, tf.uint32)
            x = dropped(x, layer.dropout, scrambled(dropout_key + salt))
    return [*answers, product(x, weights[-2]) + weights[-1]]


def _flat(x: Tensor) -> Tensor:
    import tensorflow as tf

    return x if len(x.shape) == 2 else tf.reshape(x, (-1, math.prod(x.shape[1:])))
