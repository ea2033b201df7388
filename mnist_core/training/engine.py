"""The compiled training chunk: many steps of gradient descent in one call.

A `Program` is compiled once for an architecture, optimizer, loss and batch size. It is a pure function: a run's
weights, slots and step are its arguments and results. So any number of runs and threads can share it, and to
checkpoint, pause, resume or move a run is to save or load arrays.
"""

from __future__ import annotations

import functools
import math
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import config as choices
from mnist_core.lazy import lazy_property
from mnist_core.network import augmentation
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import hash_uint32, outputs, pixels_in, weight_shapes
from mnist_core.network.optimizers import UPDATE_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig
    from mnist_core.data import Dataset
    from mnist_core.network.layers import Weights

Tensor = Any  # TensorFlow ships no types.

# The most steps that one call can run; each call says how many it does run.
MAX_STEPS = 512
# Matrix products are fastest when the columns fill the processor's registers.
_COLUMNS_TOGETHER = 16


@dataclass(frozen=True)
class Architecture:
    """What a program is compiled for. Runs with the same architecture share one program.

    `layers` include the dropout rates. `l2` says only whether there is a penalty, `augments` whether there is
    augmentation.
    """

    layers: tuple[LayerConfig, ...]
    optimizer: str
    loss: str
    batch_size: int
    l2: bool
    augments: bool
    pixels: str

    @classmethod
    def of(cls, config: RunConfig) -> Architecture:
        """The architecture of a run."""
        return cls(
            config.layers,
            config.optimizer,
            config.loss,
            config.batch_size,
            config.l2 > 0,
            config.augmentation > 0,
            config.pixels,
        )

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles the chunk. It does not for convolutions: their gradients would be 30 times slower."""
        return not any(layer.is_convolution for layer in self.layers)

    @property
    def needs_all_pixels(self) -> bool:
        """Whether the program also reads the pixels that are blank in every training image."""
        return self.augments or not self.uses_xla


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """A data set's training images as programs read them; made by `of`, shared by all runs.

    A pixel that is blank in every image adds nothing to any sum, and the gradient of its weights is zero. So it can be
    left out: this saves 8 % of the first layer of a dense network on MNIST.

    Args:
        images: (n, columns) uint8 tensor.
        labels: (n,) int32 tensor.
        pixels: (784,) int32 tensor: the pixel of each column, then the pixels that are left out.
        places: (784,) int32 tensor: the index of each pixel in `pixels`.
    """

    images: Tensor
    labels: Tensor
    pixels: Tensor
    places: Tensor

    @classmethod
    def of(cls, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], only_inked: bool) -> TrainingImages:
        """Prepare (n, 28, 28) images and (n,) labels; `only_inked` leaves out the pixels that are always blank."""
        load_tensorflow()
        import tensorflow as tf

        flat = images.reshape(len(images), choices.IMAGE_SIZE**2)
        pixels, columns = np.arange(flat.shape[1], dtype=np.int32), flat.shape[1]
        if only_inked:
            is_inked = flat.any(axis=0)
            pixels = np.argsort(~is_inked, kind="stable").astype(np.int32)
            columns = min(columns, math.ceil(is_inked.sum() / _COLUMNS_TOGETHER) * _COLUMNS_TOGETHER)
            flat = np.ascontiguousarray(flat[:, pixels[:columns]])
        places = np.argsort(pixels).astype(np.int32)
        return cls(*map(tf.constant, (flat, labels.astype(np.int32), pixels, places)))


_copying = threading.Lock()


# The copies that runs use now, by data set; and the last two used, since the next epoch or run needs them again.
_copies: weakref.WeakKeyDictionary[Dataset, weakref.WeakValueDictionary[bool, TrainingImages]] = (
    weakref.WeakKeyDictionary()
)
_recent: deque[TrainingImages] = deque(maxlen=2)


def training_images(dataset: Dataset, only_inked: bool) -> TrainingImages:
    """A data set's training images, one copy for all runs. It is cached while a run uses it, and a little longer."""
    with _copying:  # Lock: build the shared copy only once.
        copies = _copies.setdefault(dataset, weakref.WeakValueDictionary())
        found = copies.get(only_inked)
        if found is None:
            found = TrainingImages.of(dataset.train_images, dataset.train_labels, only_inked)
            copies[only_inked] = found
        if found not in _recent:
            _recent.append(found)
        return found


@dataclass(frozen=True, eq=False)
class Position:
    """A run between two chunks: its weights and slots, in the form that its program uses.

    Args:
        images: the training images.
        sets: the weights, then for each slot one array per weight; for dense networks in the form of `_to_loop`.
        is_dense: whether they have that form.
    """

    images: TrainingImages
    sets: tuple[tuple[Tensor, ...], ...]
    is_dense: bool

    @lazy_property
    def weights(self) -> Weights:
        """The weights as arrays in the order of `layers.weight_shapes`; computed at the first use."""
        return self._arrays(self.sets[0])

    @lazy_property
    def slots(self) -> Weights:
        """The optimizer slots as arrays, those of a weight together; computed at the first use."""
        return tuple(slot for together in zip(*map(self._arrays, self.sets[1:]), strict=True) for slot in together)

    def _arrays(self, tensors: Sequence[Tensor]) -> Weights:
        # Arrays that need no change share the tensors' memory, since thirty runs hold several sets each.
        arrays = tuple(map(np.asarray, tensors))
        return _from_loop(arrays, np.asarray(self.images.places)) if self.is_dense else arrays


@dataclass(frozen=True, eq=False)
class ChunkResult:
    """The result of one call of a program.

    Args:
        position: the run after the chunk.
        losses: (steps,) float32, the mean loss of each step, with the L2 penalty.
        correct: (steps,) int32, how many images of each step were classified correctly before its update.
    """

    position: Position
    losses: npt.NDArray[np.float32]
    correct: npt.NDArray[np.int32]


def initial_slots(config: RunConfig) -> Weights:
    """The optimizer's slots at the start: zeros with the shapes of the weights."""
    shapes = weight_shapes(config.layers)
    return tuple(np.zeros(shape, np.float32) for shape in shapes for _ in range(UPDATE_RULES[config.optimizer].slots))


def _batch_loss(loss: str, logits: Tensor, labels: Tensor, share: Tensor) -> Tensor:
    """The mean loss of a batch. Image i has the weight `share[i]`; it is 0 for padding."""
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
        load_tensorflow()
        import tensorflow as tf

        self.architecture = architecture
        self._chunk = tf.function(_chunk_function(architecture), jit_compile=architecture.uses_xla, autograph=False)
        self._traced: weakref.WeakKeyDictionary[TrainingImages, Callable[..., Sequence[Tensor]]] = (
            weakref.WeakKeyDictionary()
        )

    def enter(self, images: TrainingImages, weights: Weights, slots: Weights) -> Position:
        """The position of a run with these weights and slots; `images` have all pixels if `needs_all_pixels`."""
        import tensorflow as tf

        count = UPDATE_RULES[self.architecture.optimizer].slots
        is_dense = self.architecture.uses_xla
        sets = [weights, *(slots[k::count] for k in range(count))]
        if is_dense:
            pixels, columns = np.asarray(images.pixels), images.images.shape[1]
            sets = [_to_loop(arrays, pixels, columns) for arrays in sets]
        return Position(images, tuple(tuple(map(tf.constant, arrays)) for arrays in sets), is_dense)

    def __call__(
        self,
        position: Position,
        batches: npt.NDArray[np.int32],
        sizes: npt.NDArray[np.int32],
        *,
        step: int,
        learning_rate: float,
        l2: float,
        seed: int,
        augmentation: float = 0.0,
    ) -> ChunkResult:
        """Run the steps that `batches` describe.

        Args:
            position: the run, from `enter` or from the chunk before.
            batches: (steps, batch_size) int32, the images of each step; at most `MAX_STEPS` steps.
            sizes: (steps,) int32, how many images of each batch count, the first ones; the rest is padding.
            step: how many steps the run has done before.
            learning_rate: the optimizer's step size.
            l2: weight of the penalty.
            seed: the run's seed, for dropout and augmentation.
            augmentation: how much the images are changed, if the architecture `augments`.
        """
        import tensorflow as tf

        steps = len(batches)
        padded = np.zeros((MAX_STEPS, self.architecture.batch_size), np.int32)
        padded[:steps] = batches
        counts = np.ones(MAX_STEPS, np.int32)
        counts[:steps] = sizes
        tensors = (
            position.images.images,
            position.images.labels,
            tf.constant(padded),
            tf.constant(counts),
            tf.constant(np.array([steps, step, seed], np.uint32)),
            tf.constant(np.array([learning_rate, l2, augmentation], np.float32)),
            *(array for arrays in position.sets for array in arrays),
        )
        losses, correct, *after = self._concrete(position.images, tensors)(*tensors)
        count = len(position.sets[0])
        sets = tuple(tuple(after[start : start + count]) for start in range(0, len(after), count))
        return ChunkResult(
            Position(position.images, sets, position.is_dense), losses.numpy()[:steps], correct.numpy()[:steps]
        )

    def _concrete(self, images: TrainingImages, tensors: tuple[Tensor, ...]) -> Callable[..., Sequence[Tensor]]:
        """The chunk traced for a data set.

        `tf.function` looks it up by the types of all its arguments. At every call, that alone would take 0.2 ms with
        the interpreter lock held, which pages then wait for; 0.4 ms between chunks, when Python is out of the caches.
        """
        found = self._traced.get(images)
        if found is None:
            found = self._traced[images] = self._chunk.get_concrete_function(*tensors)
        return found


# In NumPy, since each operation of TensorFlow gives the interpreter lock back and waits for it again. Beside one busy
# thread, Morgan's weights and slots took 69 ms on their way out and 80 on their way in; now 2 and 8.
def _to_loop(arrays: Weights, pixels: npt.NDArray[np.int32], columns: int) -> Weights:
    """Weights, or slots with their shapes, in the form that the loop of a dense network uses.

    Kernels are transposed to (units, inputs), which halves the time of XLA's products in the forward pass. Rows of the
    first kernel whose pixels are left out come last, as a separate array: a penalty or weight decay changes them too.
    """
    first = arrays[0].take(pixels, axis=0)
    return (*map(_transposed, (first[:columns], *arrays[1:])), first[columns:])


def _from_loop(arrays: Weights, places: npt.NDArray[np.int32]) -> Weights:
    """The inverse of `_to_loop`."""
    first, *others, left_out = arrays
    return (np.concatenate([first.T, left_out]).take(places, axis=0), *map(_transposed, others))


def _transposed(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(array.T)  # A bias stays as it is.


def _chunk_function(architecture: Architecture) -> Callable[..., Any]:
    """The chunk as a Python function of tensors, to be compiled."""
    import tensorflow as tf

    rule = UPDATE_RULES[architecture.optimizer]
    is_dense = architecture.uses_xla
    # Only XLA does this in one pass, so it compiles this part even where TensorFlow runs the rest.
    augment = tf.function(augmentation.augment, jit_compile=True, autograph=False)

    def one_step(
        weights: list[Tensor], slots: list[list[Tensor]], x: Tensor, y: Tensor, share: Tensor,
        number: Tensor, rate: Tensor, l2: Tensor, key: Tensor,
    ) -> tuple[list[Tensor], list[list[Tensor]], Tensor, Tensor]:  # fmt: skip
        with tf.GradientTape() as tape:
            tape.watch(weights)
            own = weights[:-1] if is_dense else weights
            logits = outputs(architecture.layers, tuple(own), x, key, is_transposed=is_dense)[-1]
            loss = _batch_loss(architecture.loss, logits, y, share)
            if architecture.l2:
                loss += l2 * tf.add_n([tf.reduce_sum(kernel * kernel) for kernel in weights[::2]])
        gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        updates = [
            rule.update(weight, gradient, tuple(own[i] for own in slots), rate, tf.cast(number + 1, tf.float32))
            for i, (weight, gradient) in enumerate(zip(weights, gradients, strict=True))
        ]
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), y) & (share > 0)
        return (
            [weight for weight, _ in updates],
            [[own[k] for _, own in updates] for k in range(rule.slots)],
            loss,
            tf.reduce_sum(tf.cast(right, tf.int32)),
        )

    def chunk(
        images: Tensor, labels: Tensor, batches: Tensor, counts: Tensor, integers: Tensor, reals: Tensor,
        *arrays: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        # Few arguments, not nested: each one costs TensorFlow 8 microseconds of Python a call.
        steps, first, seed = tf.cast(integers[0], tf.int32), tf.cast(integers[1], tf.int32), integers[2]
        rate, l2, strength = tf.unstack(reals)
        count = len(arrays) // (1 + rule.slots)
        numbers = tf.range(architecture.batch_size)

        def body(i: Tensor, sets: Any, losses: Tensor, correct: Tensor) -> tuple[Any, ...]:
            rows = batches[i]
            x = tf.cast(tf.gather(images, rows), tf.float32) * (1.0 / 255.0)
            y = tf.gather(labels, rows)
            share = tf.where(numbers < counts[i], 1.0 / tf.cast(counts[i], tf.float32), 0.0)
            key = hash_uint32(hash_uint32(seed) + tf.cast(first + i, tf.uint32))
            if architecture.augments:
                x = augment(x, key, strength)
            x = pixels_in(x, architecture.pixels)
            weights, slots, loss, right = one_step(sets[0], sets[1:], x, y, share, first + i, rate, l2, key)
            return i + 1, [weights, *slots], losses.write(i, loss), correct.write(i, right)

        _, sets, losses, correct = tf.while_loop(
            lambda i, *_: i < steps,
            body,
            (
                tf.constant(0),
                [list(arrays[start : start + count]) for start in range(0, len(arrays), count)],
                tf.TensorArray(tf.float32, MAX_STEPS, element_shape=()),
                tf.TensorArray(tf.int32, MAX_STEPS, element_shape=()),
            ),
            parallel_iterations=1,
        )
        return losses.stack(), correct.stack(), *(array for arrays in sets for array in arrays)

    return chunk


_making = threading.Lock()


@functools.lru_cache(maxsize=32)
def _program(architecture: Architecture) -> Program:
    return Program(architecture)


def program(architecture: Architecture) -> Program:
    """The program of `architecture`; the 32 used last are cached."""
    # Lock: lru_cache alone lets two threads compile the same program at the same time.
    with _making:
        return _program(architecture)
