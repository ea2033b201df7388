"""The compiled training chunk: many steps of gradient descent in one call.

A `Program` is compiled once for an architecture, optimizer, loss and batch size, and is a pure function: a run's
weights, slots and place come in as arrays and go out as arrays. So any number of runs and threads share it, and
to checkpoint, pause, resume or move a run is to keep arrays.
"""

from __future__ import annotations

import functools
import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import config as choices
from mnist_core.optimizers import UPDATE_RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig

Tensor = Any  # TensorFlow ships no types.
Weights = tuple["npt.NDArray[np.float32]", ...]

# The most steps that one call can run; how many it does run comes with the call.
MAX_STEPS = 512


@dataclass(frozen=True)
class Architecture:
    """What a program is compiled for. Runs that agree in this share it, whatever else differs.

    `layers` hold the dropout rates; `l2` says only whether there is a penalty.
    """

    layers: tuple[LayerConfig, ...]
    optimizer: str
    loss: str
    batch_size: int
    l2: bool

    @classmethod
    def of(cls, config: RunConfig) -> Architecture:
        """The part of `config` that needs a program of its own."""
        return cls(config.layers, config.optimizer, config.loss, config.batch_size, config.l2 > 0)

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles the chunk: not with convolutions, whose gradients it runs 30 times slower."""
        return not any(layer.kind == "conv" for layer in self.layers)


@dataclass(frozen=True, eq=False)
class ChunkResult:
    """What one call of a program leaves.

    Args:
        weights: the new weights, as tensors.
        slots: the new optimizer slots, as tensors.
        losses: (steps,) float32, each step's mean loss, with the L2 penalty.
        correct: (steps,) int32, how many of the step's images were read right before its update.
    """

    weights: tuple[Tensor, ...]
    slots: tuple[Tensor, ...]
    losses: npt.NDArray[np.float32]
    correct: npt.NDArray[np.int32]


def weight_shapes(layers: tuple[LayerConfig, ...]) -> list[tuple[int, ...]]:
    """The shapes of kernels and biases, in Keras's order, from the first layer to the output."""
    shapes: list[tuple[int, ...]] = []
    size, channels = choices.IMAGE_SIZE, 1
    width = size * size
    for layer in layers:
        if layer.kind == "conv":
            shapes += [(3, 3, channels, layer.units), (layer.units,)]
            size, channels = (size - 2) // 2, layer.units
            width = size * size * channels
        else:
            shapes += [(width, layer.units), (layer.units,)]
            width = layer.units
    return [*shapes, (width, choices.CLASSES), (choices.CLASSES,)]


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


def initial_slots(config: RunConfig) -> Weights:
    """The optimizer's running averages at the start: zeros, one set of the weights' shapes for each slot."""
    shapes = weight_shapes(config.layers)
    return tuple(np.zeros(shape, np.float32) for shape in shapes for _ in range(UPDATE_RULES[config.optimizer].slots))


def _scrambled(number: Tensor) -> Tensor:
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


def _dropped(x: Tensor, rate: float, key: Tensor) -> Tensor:
    """`x` with a share of `rate` zeroed and the rest scaled up to make up for it.

    Which ones follows from `key` and the place in `x` alone: a hash of a counter, which XLA fuses with the
    layer itself, where its own generators take ten times the whole step.
    """
    import tensorflow as tf

    count = math.prod(x.shape)
    places = tf.reshape(tf.range(count, dtype=tf.int32), x.shape)
    noise = _scrambled(tf.bitwise.bitwise_xor(_scrambled(tf.cast(places, tf.uint32) + key), key))
    keep = noise >= tf.constant(int(rate * 2**32), tf.uint32)
    return tf.where(keep, x * (1.0 / (1.0 - rate)), tf.zeros_like(x))


def forward(
    layers: tuple[LayerConfig, ...], weights: tuple[Tensor, ...], images: Tensor, dropout_key: Tensor = None
) -> list[Tensor]:
    """What every layer answers: its outputs one after the other, the last being the logits (n, 10).

    Args:
        layers: the hidden layers.
        weights: kernels and biases, in the order of `weight_shapes`.
        images: (n, 784) float32 in [0, 1].
        dropout_key: a uint32 scalar while training; None for no dropout.
    """
    import keras
    import tensorflow as tf

    outputs = []
    x = images
    for i, layer in enumerate(layers):
        kernel, bias = weights[2 * i], weights[2 * i + 1]
        activation = keras.activations.get(layer.activation)
        if layer.kind == "conv":
            if len(x.shape) == 2:
                x = tf.reshape(x, (-1, choices.IMAGE_SIZE, choices.IMAGE_SIZE, 1))
            x = activation(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias))
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        else:
            x = activation(tf.matmul(_flat(x), kernel) + bias)
        outputs.append(x)
        if dropout_key is not None and layer.dropout:
            salt = tf.constant((i + 1) * 0x9E3779B9 % 2**32, tf.uint32)
            x = _dropped(x, layer.dropout, _scrambled(dropout_key + salt))
    return [*outputs, tf.matmul(_flat(x), weights[-2]) + weights[-1]]


def _flat(x: Tensor) -> Tensor:
    import tensorflow as tf

    return x if len(x.shape) == 2 else tf.reshape(x, (-1, math.prod(x.shape[1:])))


def _batch_loss(loss: str, logits: Tensor, labels: Tensor, share: Tensor) -> Tensor:
    """The mean loss of a batch in which image i counts for `share[i]`, 0 for those that only fill it up."""
    import tensorflow as tf

    if loss == "categorical_crossentropy":
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    else:
        difference = tf.nn.softmax(logits) - tf.one_hot(labels, choices.CLASSES)
        each = tf.reduce_mean(difference * difference, axis=-1)
    return tf.reduce_sum(each * share)


class Program:
    """The compiled chunk of one architecture. Safe to call from any number of threads."""

    def __init__(self, architecture: Architecture) -> None:
        import tensorflow as tf

        self.architecture = architecture
        self._chunk = tf.function(_chunk_function(architecture), jit_compile=architecture.uses_xla, autograph=False)

    def __call__(
        self,
        images: Tensor,
        labels: Tensor,
        batches: npt.NDArray[np.int32],
        sizes: npt.NDArray[np.int32],
        weights: tuple[Tensor, ...],
        slots: tuple[Tensor, ...],
        *,
        step: int,
        learning_rate: float,
        l2: float,
        seed: int,
    ) -> ChunkResult:
        """Run the steps that `batches` describe.

        Args:
            images: (n, 784) uint8 tensor, the data set's training images.
            labels: (n,) int32 tensor.
            batches: (steps, batch_size) int32, which images each step takes; steps at most `MAX_STEPS`.
            sizes: (steps,) int32, how many of a batch's images count, the first ones; the rest fill it up.
            weights: the run's weights.
            slots: the run's optimizer slots.
            step: steps that the run has done before.
            learning_rate: the optimizer's step size.
            l2: weight of the penalty.
            seed: the run's seed, which dropout follows.
        """
        import tensorflow as tf

        steps = len(batches)
        padded = np.zeros((MAX_STEPS, self.architecture.batch_size), np.int32)
        padded[:steps] = batches
        counts = np.ones(MAX_STEPS, np.int32)
        counts[:steps] = sizes
        new_weights, new_slots, losses, correct = self._chunk(
            images,
            labels,
            tf.constant(padded),
            tf.constant(counts),
            tf.constant(steps, tf.int32),
            weights,
            slots,
            tf.constant(step, tf.int32),
            tf.constant(learning_rate, tf.float32),
            tf.constant(l2, tf.float32),
            tf.constant(seed, tf.uint32),
        )
        return ChunkResult(new_weights, new_slots, losses.numpy()[:steps], correct.numpy()[:steps])


def _chunk_function(architecture: Architecture) -> Callable[..., Any]:
    """The chunk as a Python function of tensors, to be compiled."""
    import tensorflow as tf

    rule = UPDATE_RULES[architecture.optimizer]

    def one_step(
        weights: tuple[Tensor, ...], slots: tuple[Tensor, ...], x: Tensor, y: Tensor, share: Tensor,
        number: Tensor, rate: Tensor, l2: Tensor, seed: Tensor,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor, Tensor]:  # fmt: skip
        with tf.GradientTape() as tape:
            tape.watch(weights)
            key = _scrambled(_scrambled(seed) + tf.cast(number, tf.uint32))
            logits = forward(architecture.layers, weights, x, key)[-1]
            loss = _batch_loss(architecture.loss, logits, y, share)
            if architecture.l2:
                loss += l2 * tf.add_n([tf.reduce_sum(kernel * kernel) for kernel in weights[::2]])
        gradients = tape.gradient(loss, weights)
        new_weights: list[Tensor] = []
        new_slots: list[Tensor] = []
        for i, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
            own = slots[i * rule.slots : (i + 1) * rule.slots]
            weight, own = rule.update(weight, gradient, own, rate, tf.cast(number + 1, tf.float32))  # noqa: PLW2901
            new_weights.append(weight)
            new_slots.extend(own)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), y) & (share > 0)
        return tuple(new_weights), tuple(new_slots), loss, tf.reduce_sum(tf.cast(right, tf.int32))

    def chunk(
        images: Tensor, labels: Tensor, batches: Tensor, counts: Tensor, steps: Tensor,
        weights: tuple[Tensor, ...], slots: tuple[Tensor, ...],
        first: Tensor, rate: Tensor, l2: Tensor, seed: Tensor,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor, Tensor]:  # fmt: skip
        places = tf.range(architecture.batch_size)

        def body(i: Tensor, weights: Any, slots: Any, losses: Tensor, correct: Tensor) -> tuple[Any, ...]:
            rows = batches[i]
            x = tf.cast(tf.gather(images, rows), tf.float32) * (1.0 / 255.0)
            y = tf.gather(labels, rows)
            share = tf.where(places < counts[i], 1.0 / tf.cast(counts[i], tf.float32), 0.0)
            weights, slots, loss, right = one_step(weights, slots, x, y, share, first + i, rate, l2, seed)
            return i + 1, weights, slots, losses.write(i, loss), correct.write(i, right)

        _, weights, slots, losses, correct = tf.while_loop(
            lambda i, *_: i < steps,
            body,
            (
                tf.constant(0),
                weights,
                slots,
                tf.TensorArray(tf.float32, MAX_STEPS, element_shape=()),
                tf.TensorArray(tf.int32, MAX_STEPS, element_shape=()),
            ),
            parallel_iterations=1,
        )
        return weights, slots, losses.stack(), correct.stack()

    return chunk


_making = threading.Lock()


@functools.lru_cache(maxsize=32)
def _program(architecture: Architecture) -> Program:
    return Program(architecture)


def program(architecture: Architecture) -> Program:
    """The one program of `architecture`; the 32 used last are kept."""
    # lru_cache may call twice for two threads that ask at once, and then each would compile a program of its own.
    with _making:
        return _program(architecture)
