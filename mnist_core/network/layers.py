"""The layers of a network: their plan, their initial weights and the forward pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mnist_core import config as choices

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig

Tensor = Any  # TensorFlow ships no types.
Weights = tuple["npt.NDArray[np.float32]", ...]
Kind = Literal["Input", "Reshape", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dropout"]


@dataclass(frozen=True)
class LayerPlan:
    """One layer of a network as Keras builds it.

    Args:
        kind: its class in `keras.layers`.
        input_shape: of one image, without the batch.
        output_shape: of one image, without the batch.
        weight_shapes: of its kernel and its bias; empty if it has none.
        activation: its name in Keras; empty for a layer without one.
        dropout: the share of its inputs that it sets to zero in each training step; 0 for other kinds.
        hidden: the hidden layer of the config that it belongs to, counted from 1; None for the input, the output and
            what only changes the shape between two layers.
    """

    kind: Kind
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    weight_shapes: tuple[tuple[int, ...], ...] = ()
    activation: str = ""
    dropout: float = 0.0
    hidden: int | None = None

    @property
    def parameters(self) -> int:
        """How many weights and biases it learns."""
        return sum(map(math.prod, self.weight_shapes))

    @property
    def flops(self) -> int:
        """Floating-point operations for one image on the way forward, those of the kernel alone."""
        # A convolution uses its kernel once at each place of its output.
        return 2 * math.prod(self.weight_shapes[0]) * math.prod(self.output_shape[:-1]) if self.weight_shapes else 0


def plan(layers: tuple[LayerConfig, ...]) -> list[LayerPlan]:
    """A network's layers from the input to the output, as Keras builds them.

    The layer shapes, their weights and the place of flattening are worked out here and nowhere else.

    >>> [layer.kind for layer in plan((LayerConfig("conv", 8), LayerConfig(units=16)))]
    ['Input', 'Reshape', 'Conv2D', 'MaxPooling2D', 'Flatten', 'Dense', 'Dense']
    """
    image = (choices.IMAGE_SIZE, choices.IMAGE_SIZE)
    steps = [LayerPlan("Input", image, image)]

    def add(kind: Kind, shape: tuple[int, ...], **details: Any) -> None:
        steps.append(LayerPlan(kind, steps[-1].output_shape, shape, **details))

    def add_dense(units: int, activation: str, hidden: int | None) -> None:
        if len(steps[-1].output_shape) > 1:
            add("Flatten", (math.prod(steps[-1].output_shape),))
        weights = ((*steps[-1].output_shape, units), (units,))
        add("Dense", (units,), weight_shapes=weights, activation=activation, hidden=hidden)

    for hidden, layer in enumerate(layers, 1):
        if layer.is_convolution:
            if len(steps[-1].output_shape) == 2:
                add("Reshape", (*image, 1))
            side, _, channels = steps[-1].output_shape
            weights = ((3, 3, channels, layer.units), (layer.units,))
            shape = (side - 2, side - 2, layer.units)
            add("Conv2D", shape, weight_shapes=weights, activation=layer.activation, hidden=hidden)
            if layer.is_pooled:
                add("MaxPooling2D", (shape[0] // 2, shape[1] // 2, layer.units), hidden=hidden)
        else:
            add_dense(layer.units, layer.activation, hidden)
        if layer.dropout:
            add("Dropout", steps[-1].output_shape, dropout=layer.dropout, hidden=hidden)
    add_dense(choices.CLASSES, "softmax", None)
    return steps


def weight_shapes(layers: tuple[LayerConfig, ...]) -> list[tuple[int, ...]]:
    """The shapes of kernels and biases, in Keras's order, from the first layer to the output."""
    return [shape for layer in plan(layers) for shape in layer.weight_shapes]


def weight_specs(layers: tuple[LayerConfig, ...]) -> tuple[Tensor, ...]:
    """`weight_shapes` as the input signature of a compiled function."""
    import tensorflow as tf

    return tuple(tf.TensorSpec(shape, tf.float32) for shape in weight_shapes(layers))


def receptive_size(layers: tuple[LayerConfig, ...]) -> int:
    """The side of the upper left square of an image that the network's outputs depend on, in pixels.

    Pooling of a picture with an odd side ignores the last row and column, and so the pixels that only lead there.
    """
    pictures = [layer for layer in plan(layers) if layer.kind in ("Conv2D", "MaxPooling2D")]
    size = pictures[-1].output_shape[0] if pictures else choices.IMAGE_SIZE
    for layer in reversed(pictures):
        size = 2 * size if layer.kind == "MaxPooling2D" else size + 2
    return size


def initial_weights(config: RunConfig) -> Weights:
    """The weights at the start of a run: Glorot-uniform kernels and zero biases, as in Keras.

    They depend on the run's seed alone, never on other runs.
    Source: Glorot and Bengio, 2010.
    """
    return tuple(_initial_arrays(config))


def initial_kernel(config: RunConfig) -> npt.NDArray[np.float32]:
    """The first array of `initial_weights`, without the work for the others."""
    return next(_initial_arrays(config))


def _initial_arrays(config: RunConfig) -> Iterator[npt.NDArray[np.float32]]:
    random = np.random.default_rng([config.seed, 0])
    for shape in weight_shapes(config.layers):
        if len(shape) == 1:
            yield np.zeros(shape, np.float32)
            continue
        receptive_field = math.prod(shape[:-2])
        limit = math.sqrt(6.0 / (receptive_field * (shape[-2] + shape[-1])))
        yield random.uniform(-limit, limit, shape).astype(np.float32)


def pixels_in(images: Any, pixels: str) -> Any:
    """Images as the input of a network with the setting `pixels`.

    Args:
        images: (n, 784) float32 in [0, 1], an array or a tensor.
        pixels: ``"scaled"`` leaves them in [0, 1]; ``"raw"`` gives 0 to 255 as in the file, up to rounding.
    """
    return images * 255.0 if pixels == "raw" else images


def hash_uint32(number: Tensor) -> Tensor:
    """A hash of each number of a uint32 tensor: the hashes of neighbours look unrelated.

    Source: the "lowbias32" integer hash, C. Wellons, "Prospecting for Hash Functions", 2018.
    """
    import tensorflow as tf

    shift, mix = tf.bitwise.right_shift, tf.bitwise.bitwise_xor
    number = mix(number, shift(number, tf.constant(16, tf.uint32)))
    number = number * tf.constant(0x7FEB352D, tf.uint32)
    number = mix(number, shift(number, tf.constant(15, tf.uint32)))
    number = number * tf.constant(0x846CA68B, tf.uint32)
    return mix(number, shift(number, tf.constant(16, tf.uint32)))


def dropout(x: Tensor, rate: float, key: Tensor) -> Tensor:
    """Set a share of `rate` of `x` to zero and scale up the rest, so that the mean stays the same.

    The choice depends only on `key` and the position in `x`. It is a hash of a counter: XLA fuses it with the layer,
    while its own random generators would take ten times as long as the whole step.
    """
    import tensorflow as tf

    count = math.prod(x.shape)
    places = tf.reshape(tf.range(count, dtype=tf.int32), x.shape)
    noise = hash_uint32(tf.bitwise.bitwise_xor(hash_uint32(tf.cast(places, tf.uint32) + key), key))
    keep = noise >= tf.constant(int(rate * 2**32), tf.uint32)
    return tf.where(keep, x * (1.0 / (1.0 - rate)), tf.zeros_like(x))


def outputs(
    layers: tuple[LayerConfig, ...],
    weights: tuple[Tensor, ...],
    images: Tensor,
    dropout_key: Tensor = None,
    is_transposed: bool = False,
) -> list[Tensor]:
    """The forward pass: the outputs of every layer in order; the last are the logits (n, 10).

    Pixels that pooling ignores are not computed, and pooling comes before a monotonic activation, which gives the same
    result. Together this saves a third of the time of a convolutional step.

    Args:
        layers: the hidden layers.
        weights: kernels and biases, in the order of `weight_shapes`.
        images: (n, 784) float32, from `pixels_in`.
        dropout_key: a uint32 scalar while training; None for no dropout.
        is_transposed: whether dense kernels are (units, inputs). The images then have as many columns as the
            first kernel.
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
                seen = receptive_size(layers)
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
            x = dropout(x, layer.dropout, hash_uint32(dropout_key + salt))
    return [*answers, product(x, weights[-2]) + weights[-1]]


def _flat(x: Tensor) -> Tensor:
    import tensorflow as tf

    return x if len(x.shape) == 2 else tf.reshape(x, (-1, math.prod(x.shape[1:])))
