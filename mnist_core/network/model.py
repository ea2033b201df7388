"""The network of a `RunConfig`: its summary, its costs, its Keras model, and the trained network."""

from __future__ import annotations

import functools
import io
import math
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import ACTIVATIONS, CLASSES, IMAGE_SIZE, RunConfig
from mnist_core.errors import DataError, NetworkFileError
from mnist_core.language import Message
from mnist_core.lazy import lazy_property
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import LayerPlan, Weights, outputs, pixels_in, plan, weight_shapes
from mnist_core.network.optimizers import UPDATE_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

PIXELS = IMAGE_SIZE * IMAGE_SIZE
# Images are predicted in blocks, so that the outputs of the largest layer need at most this memory.
_BLOCK_BYTES = 32 * 2**20
_MOST_AT_ONCE = 2048


@dataclass(frozen=True)
class LayerSummary:
    """One line of Keras's summary.

    Args:
        name: the kind of layer, with its activation.
        output_shape: of one image, without the batch.
        parameters: how many weights and biases it learns.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int


def summary(config: RunConfig) -> list[LayerSummary]:
    """The network's layers from the input to the output, as `keras.Model.summary` lists them."""
    return [LayerSummary(_name(layer), layer.output_shape, layer.parameters) for layer in plan(config.layers)]


def _name(layer: LayerPlan) -> str:
    size = {"Conv2D": " 3x3", "MaxPooling2D": " 2x2", "Dropout": f" {layer.dropout:g}"}.get(layer.kind, "")
    labels = {"": "", "softmax": " · Softmax"} | {name: f" · {one.label}" for name, one in ACTIVATIONS.items()}
    return layer.kind + size + labels[layer.activation]


def parameter_count(config: RunConfig) -> int:
    """How many weights and biases the network learns."""
    return sum(layer.parameters for layer in plan(config.layers))


def multiplications(config: RunConfig) -> int:
    """How many multiplications of an input by a weight a network needs for one image; for training, about 3 times that.

    >>> multiplications(RunConfig())  # 784 x 128 + 128 x 10
    101632
    """
    return sum(layer.flops for layer in plan(config.layers)) // 2


def step_flops(config: RunConfig) -> float:
    """Floating-point operations of one training step: forward, and twice that for the gradients."""
    return 3.0 * sum(layer.flops for layer in plan(config.layers)) * config.batch_size


def training_bytes(config: RunConfig) -> int:
    """An estimate of the memory that a run needs while it trains, in bytes.

    A run holds its weights and slots, the result of the current chunk, the gradients, the state of the last finished
    epoch, with early stopping the best weights, and the outputs of a batch.
    """
    rule = UPDATE_RULES[config.optimizer]
    held = 2 * (1 + rule.slots) + 2 + (1 + rule.slots) + (1 if config.early_stopping else 0)
    activations = sum(math.prod(layer.output_shape) for layer in plan(config.layers))
    return 4 * (parameter_count(config) * held + 3 * config.batch_size * activations)


def to_keras(config: RunConfig) -> Any:
    """The network as an uncompiled `keras.Sequential` from (n, 28, 28) to (n, 10) probabilities.

    Its pixels are in [0, 1], or from 0 to 255 if `config.pixels` is ``"raw"``.
    """
    load_tensorflow()
    import keras

    penalty = keras.regularizers.L2(config.l2) if config.l2 else None
    return keras.Sequential([_keras_layer(layer, penalty) for layer in plan(config.layers)])


def _keras_layer(layer: LayerPlan, penalty: Any) -> Any:
    import keras

    match layer.kind:
        case "Input":
            return keras.Input(layer.output_shape)
        case "Reshape":
            return keras.layers.Reshape(layer.output_shape)
        case "Conv2D":
            filters = layer.output_shape[-1]
            return keras.layers.Conv2D(filters, 3, activation=layer.activation, kernel_regularizer=penalty)
        case "Dense":
            (units,) = layer.output_shape
            return keras.layers.Dense(units, activation=layer.activation, kernel_regularizer=penalty)
        case "Dropout":
            return keras.layers.Dropout(layer.dropout)
        case _:
            return getattr(keras.layers, layer.kind)()


@functools.lru_cache(maxsize=32)
def _compiled_answer(layers: tuple[Any, ...]) -> Any:
    """The function (n, 784) of `layers.pixels_in`, weights in a row -> (n, 10) probabilities, compiled for any n."""
    load_tensorflow()
    import tensorflow as tf

    shapes = weight_shapes(layers)
    sizes = [math.prod(shape) for shape in shapes]

    def answer(images: Any, weights: Any) -> Any:
        parts = map(tf.reshape, tf.split(weights, sizes), shapes)
        return tf.nn.softmax(outputs(layers, tuple(parts), images)[-1])

    signature = (tf.TensorSpec((None, PIXELS), tf.float32), tf.TensorSpec((sum(sizes),), tf.float32))
    return tf.function(answer, input_signature=signature, autograph=False)


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained network: the run's config and the learned arrays, nothing that could run code.

    Args:
        config: the run's config.
        weights: kernels and biases, float32, in Keras's order from the first layer to the output.

    Raises:
        NetworkFileError: when the arrays do not fit the config.
    """

    config: RunConfig
    weights: Weights

    def __post_init__(self) -> None:
        expected = weight_shapes(self.config.layers)
        received = [np.shape(weight) for weight in self.weights]
        if received != expected:
            raise NetworkFileError(
                Message(
                    "The weights do not fit the network: it needs arrays of the shapes {expected}.", expected=expected
                ),
                "Use weights and config of the same run.",
                received,
            )

    def predict(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The ten probabilities of each image.

        Args:
            images: (n, 28, 28), uint8 in 0..255 or float in [0, 1]; 0 is background, the top value is ink.

        Returns:
            (n, 10) float32, rows summing to 1.

        Raises:
            DataError: for another shape or type.
        """
        blocks = list(self.predict_in_blocks(images))
        return np.concatenate(blocks) if blocks else np.zeros((0, CLASSES), np.float32)

    def predict_in_blocks(self, images: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.float32]]:
        """`predict` in blocks of at most 2,048 rows, so that the caller can do other work in between."""
        if images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
            raise DataError(
                "The images do not have the form that the network reads.",
                Message("Give an array of shape (n, {image_size}, {image_size}).", image_size=IMAGE_SIZE),
                images.shape,
            )
        if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
            raise DataError("The images have the wrong type.", "Give uint8, or floats in 0 to 1.", str(images.dtype))
        scale = np.float32(1 / 255) if images.dtype == np.uint8 else np.float32(1)
        flat = images.reshape(len(images), PIXELS)
        answer = _compiled_answer(self.config.layers)
        widest = max(math.prod(layer.output_shape) for layer in plan(self.config.layers))
        block = min(_MOST_AT_ONCE, _BLOCK_BYTES // (4 * widest))
        for start in range(0, len(flat), block):
            scaled = flat[start : start + block].astype(np.float32)
            scaled *= scale  # In place: when a class stops, each copy counts.
            yield answer(pixels_in(scaled, self.config.pixels), self._all_weights).numpy()

    @lazy_property
    def _all_weights(self) -> Any:
        """All weights as one flat tensor: passing many arrays takes longer than a prediction of a small network."""
        import tensorflow as tf

        return tf.constant(np.concatenate([weight.ravel() for weight in self.weights]))

    def to_keras(self) -> Any:
        """The network as a `keras.Sequential` with these weights; see `network.to_keras`."""
        model = to_keras(self.config)
        model.set_weights(list(self.weights))
        return model

    def to_npz(self) -> bytes:
        """The network as an NPZ file: ``config`` as JSON text, and ``weight_00``, ``weight_01``, ..."""
        arrays = {f"weight_{i:02d}": weight for i, weight in enumerate(self.weights)}
        buffer = io.BytesIO()
        np.savez(buffer, config=np.array(self.config.to_json()), **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write the file that `to_npz` makes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self.to_npz())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely or not at all: a full disk must not leave half a file under the final name."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
