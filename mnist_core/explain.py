"""Looking into a network: what its first layer looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import IMAGE_SIZE

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.forward import Weights


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
