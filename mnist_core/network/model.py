"""From a `RunConfig` to a network: its layers, its costs, the Keras model, and what a run leaves."""

from __future__ import annotations

import functools
import io
import math
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import ACTIVATIONS, CLASSES, IMAGE_SIZE, RunConfig, picture_sides
from mnist_core.errors import DataError, NetworkFileError
from mnist_core.lazy import lazy_property
from mnist_core.network.backend import load_tensorflow
from mnist_core.network.layers import Weights, outputs, pixels_in, weight_shapes
from mnist_core.network.optimizers import UPDATE_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

PIXELS = IMAGE_SIZE * IMAGE_SIZE
# Images that pass through a network in one go: as many as keep its largest layer's outputs in this memory.
_BLOCK_BYTES = 32 * 2**20
_MOST_AT_ONCE = 2048


@dataclass(frozen=True)
class LayerSummary:
    """One line of Keras's summary.

    Args:
        name: the kind of layer, with its activation.
        output_shape: of one image, without the batch.
        parameters: how many numbers it learns.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int


def summary(config: RunConfig) -> list[LayerSummary]:
    """The network's layers from the input to the output, as `keras.Model.summary` lists them."""
    shape: tuple[int, ...] = (IMAGE_SIZE, IMAGE_SIZE)
    rows = [LayerSummary("Input", shape, 0)]
    shapes = iter(weight_shapes(config.layers))

    def parameters() -> int:
        return math.prod(next(shapes)) + math.prod(next(shapes))

    def flatten() -> None:
        nonlocal shape
        if len(shape) > 1:
            shape = (math.prod(shape),)
            rows.append(LayerSummary("Flatten", shape, 0))

    for layer in config.layers:
        activation = ACTIVATIONS[layer.activation].label
        if layer.is_convolution:
            if len(shape) == 2:
                shape = (*shape, 1)
                rows.append(LayerSummary("Reshape", shape, 0))
            side = shape[0] - 2
            shape = (side, side, layer.units)
            rows.append(LayerSummary(f"Conv2D 3x3 · {activation}", shape, parameters()))
            if layer.is_pooled:
                shape = (side // 2, side // 2, layer.units)
                rows.append(LayerSummary("MaxPooling2D 2x2", shape, 0))
        else:
            flatten()
            shape = (layer.units,)
            rows.append(LayerSummary(f"Dense · {activation}", shape, parameters()))
        if layer.dropout:
            rows.append(LayerSummary(f"Dropout {layer.dropout:g}", shape, 0))
    flatten()
    rows.append(LayerSummary("Dense · Softmax", (CLASSES,), parameters()))
    return rows


def parameter_count(config: RunConfig) -> int:
    """How many weights and biases the network learns."""
    return sum(math.prod(shape) for shape in weight_shapes(config.layers))


def step_flops(config: RunConfig) -> float:
    """Floating-point operations of one training step: forward, and twice that for the gradients."""
    operations = 0
    sides = iter(picture_sides(config.layers))
    for shape in weight_shapes(config.layers)[::2]:
        places = (next(sides) - 2) ** 2 if len(shape) == 4 else 1
        operations += 2 * math.prod(shape) * places
    return 3.0 * operations * config.batch_size


def training_bytes(config: RunConfig) -> int:
    """Memory that a run takes while it trains, in bytes, as an estimate: weights, slots and their copies, and a batch.

    A run holds its weights and slots, the chunk's result beside them, the gradients, the last finished epoch's
    state, and with early stopping the best one.
    """
    rule = UPDATE_RULES[config.optimizer]
    held = 2 * (1 + rule.slots) + 2 + (1 + rule.slots) + (1 if config.early_stopping else 0)
    activations = sum(math.prod(row.output_shape) for row in summary(config))
    return 4 * (parameter_count(config) * held + 3 * config.batch_size * activations)


def to_keras(config: RunConfig) -> Any:
    """The network as an uncompiled `keras.Sequential` from (n, 28, 28) to (n, 10) probabilities.

    It takes pixels as `config.pixels` says: in [0, 1], or with ``"raw"`` from 0 to 255.
    """
    load_tensorflow()
    import keras

    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    layers: list[Any] = [keras.Input((IMAGE_SIZE, IMAGE_SIZE))]
    is_picture, is_flat = False, False
    for layer in config.layers:
        if layer.is_convolution:
            if not is_picture:
                layers.append(keras.layers.Reshape((IMAGE_SIZE, IMAGE_SIZE, 1)))
                is_picture = True
            layers.append(
                keras.layers.Conv2D(layer.units, 3, activation=layer.activation, kernel_regularizer=regularizer)
            )
            if layer.is_pooled:
                layers.append(keras.layers.MaxPooling2D())
        else:
            if not is_flat:
                layers.append(keras.layers.Flatten())
                is_flat = True
            layers.append(keras.layers.Dense(layer.units, activation=layer.activation, kernel_regularizer=regularizer))
        if layer.dropout:
            layers.append(keras.layers.Dropout(layer.dropout))
    if not is_flat:
        layers.append(keras.layers.Flatten())
    layers.append(keras.layers.Dense(CLASSES, activation="softmax", kernel_regularizer=regularizer))
    return keras.Sequential(layers)


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
    """What a run leaves: its config and the learned arrays, nothing that could run code.

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
                f"The weights do not fit the network: it needs arrays of the shapes {expected}.",
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
        """As `predict`, in pieces of at most 2,048 rows, for who has something else to do in between."""
        if images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
            raise DataError(
                "The images do not have the form that the network reads.",
                f"Give an array of shape (n, {IMAGE_SIZE}, {IMAGE_SIZE}).",
                images.shape,
            )
        if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
            raise DataError("The images have the wrong type.", "Give uint8, or floats in 0 to 1.", str(images.dtype))
        scale = np.float32(1 / 255) if images.dtype == np.uint8 else np.float32(1)
        flat = images.reshape(len(images), PIXELS)
        answer = _compiled_answer(self.config.layers)
        widest = max(math.prod(row.output_shape) for row in summary(self.config))
        block = min(_MOST_AT_ONCE, _BLOCK_BYTES // (4 * widest))
        for start in range(0, len(flat), block):
            scaled = flat[start : start + block].astype(np.float32) * scale
            yield answer(pixels_in(scaled, self.config.pixels), self._all_weights).numpy()

    @lazy_property
    def _all_weights(self) -> Any:
        """The weights in a row as one tensor: to hand over many arrays takes longer than a small network's answer."""
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
    """Write a file completely or not at all: a full disk must not leave half of it under the final name."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
