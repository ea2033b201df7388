"""The picture of a network in the live panel, as arrays: activations, the strongest connections, a unit's weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import ACTIVATIONS, CLASSES, IMAGE_SIZE
from mnist_core.training import insight

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.config import LayerConfig, RunConfig
    from mnist_core.network.layers import Weights
    from mnist_core.training.engine import Position
    from mnist_core.training.insight import Inside

# A screen has no room for more units, filters, or pixels of a filter's picture.
_MOST_UNITS, _MOST_FILTERS, _MOST_PIXELS = 128, 8, 13
_MOST_LINKS = 24  # Between two layers.
_STEPS = 127


def shown_units(layer: LayerConfig) -> int:
    """How many units of a layer the picture shows, the first ones."""
    return min(layer.units, _MOST_FILTERS if layer.is_convolution else _MOST_UNITS)


def columns(config: RunConfig) -> list[dict[str, Any]]:
    """Of each hidden layer: its activation, its units, how many the picture shows, and if they are filters."""
    return [
        {
            "activation": ACTIVATIONS[layer.activation].label,
            "units": layer.units,
            "shown": shown_units(layer),
            "filters": layer.is_convolution,
        }
        for layer in config.layers
    ]


def parts(config: RunConfig, inside: Inside) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """What changes in the picture: a header and arrays.

    Returns:
        "scales", the largest activation of each hidden layer, and "stuck", how many of its units give all images the
        same answer. For the layer k: "activations<k>", int8 in 1/127 of the scale, (n, units) or (n, filters, h, w);
        "links<k>", (n, l, 2) int16, which units are connected most to the next layer; "strengths<k>", (n, l) int8.
    """
    scales, stuck = [], []
    arrays: dict[str, npt.NDArray[Any]] = {}
    for k, (layer, found) in enumerate(zip(config.layers, inside.activations, strict=True)):
        values = found[..., : shown_units(layer)]
        if values.ndim == 4:
            values = _small(values).transpose(0, 3, 1, 2)
        arrays[f"activations{k}"], scale = _in_steps(values)
        scales.append(scale)
        stuck.append(int(inside.is_stuck(k, layer.activation).sum()))
        most = _MOST_FILTERS if layer.is_convolution else _MOST_UNITS
        arrays[f"links{k}"], products = inside.strongest_links(k, most, _MOST_LINKS)
        arrays[f"strengths{k}"] = _in_steps(products)[0]
    return {"scales": scales, "stuck": stuck}, arrays


def weights_of_unit(
    config: RunConfig, network: Position | Weights, layer: int, unit: int
) -> npt.NDArray[np.int8] | None:
    """The weights with which a unit sees the layer before it, in 1/127 of the largest one.

    Args:
        config: the network.
        network: the run between two chunks, or weights.
        layer: its layer, from 0; the one after the last hidden layer is the output layer.
        unit: its number, from 0.

    Returns:
        (k, h, w) int8. Of the image one picture, of a convolution one for each of its first filters; of a dense layer
        (1, 1, k), its first units. None if there is no such unit.
    """
    units = [one.units for one in config.layers] + [CLASSES]
    if not (0 <= layer < len(units) and 0 <= unit < units[layer]):
        return None
    kernel = insight.kernel_of_unit(network, layer, unit)
    before = config.layers[layer - 1] if layer else None
    if kernel.ndim == 3:
        kernel = kernel.transpose(2, 0, 1)[:_MOST_FILTERS]
    elif before is None:
        kernel = kernel.reshape(1, IMAGE_SIZE, IMAGE_SIZE)
    elif before.is_convolution:
        side = math.isqrt(len(kernel) // before.units)
        kernel = kernel.reshape(side, side, before.units).transpose(2, 0, 1)[:_MOST_FILTERS]
    else:
        kernel = kernel[: shown_units(before)].reshape(1, 1, -1)
    return _in_steps(kernel)[0]


def _in_steps(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], float]:
    """The values in steps of 1/127 of the largest one, and the largest one. What is not a number is 0."""
    values = np.nan_to_num(values, posinf=0, neginf=0)
    scale = float(np.abs(values).max(initial=0)) or 1.0
    steps: npt.NDArray[np.int8] = np.rint(values * (_STEPS / scale)).astype(np.int8)
    return steps, scale


def _small(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(n, h, w, filters) with the largest of each square, so that few enough pixels are left."""
    n, height, width, filters = pictures.shape
    size = math.ceil(height / _MOST_PIXELS)
    rows, across = height // size, width // size
    cut = pictures[:, : rows * size, : across * size]
    found: npt.NDArray[np.float32] = cut.reshape(n, rows, size, across, size, filters).max(axis=(2, 4))
    return found
