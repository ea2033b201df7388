"""One network's answer to one or more images."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import DataError
from mnist_core.network import files

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.network import TrainedNetwork

# An answer less likely than this is not given as one.
MIN_CONFIDENT = 0.6
# Below this, not even a guess is named: ten shares of 10 % are no answer. The built-in network's best share is so small
# for 7 of MNIST's 10,000 test images, and for 4 of 1,200 drawings of twenty writers that it has not learned from.
MIN_PLAUSIBLE = 0.2
SHIPPED = Path(__file__).parents[1] / "assets" / "digits.npz"


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network makes of an image, or of several.

    Args:
        probabilities: (10,) or (n, 10) float32, each ten summing to 1.
    """

    probabilities: npt.NDArray[np.float32]

    @property
    def digit(self) -> npt.NDArray[np.int64]:
        """The likeliest digit: a scalar array for one image, (n,) for several."""
        return np.asarray(self.probabilities.argmax(axis=-1))

    @property
    def is_confident(self) -> npt.NDArray[np.bool_]:
        """Whether the likeliest digit is likely enough to be named: a scalar array for one image, (n,) for several."""
        return np.asarray(self.probabilities.max(axis=-1) >= MIN_CONFIDENT)

    @property
    def is_plausible(self) -> npt.NDArray[np.bool_]:
        """Whether any digit is likely enough to be a guess: a scalar array for one image, (n,) for several."""
        return np.asarray(self.probabilities.max(axis=-1) >= MIN_PLAUSIBLE)

    def top(self, k: int) -> list[tuple[int, float]]:
        """The `k` likeliest digits of one image with their probabilities, the likeliest first.

        Raises:
            DataError: when this is the answer to several images.
        """
        if self.probabilities.ndim != 1:
            raise DataError(
                "These are the answers to several images.",
                "Ask for the likeliest digits of one image at a time.",
                self.probabilities.shape,
            )
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [(int(digit), float(self.probabilities[digit])) for digit in order]


class Predictor:
    """A trained network that is asked for one image after the other."""

    def __init__(self, network: TrainedNetwork) -> None:
        self.network = network

    def __call__(self, images: npt.NDArray[np.float32]) -> Prediction:
        """Read an image or several.

        Args:
            images: (28, 28) or (n, 28, 28) float in [0, 1], 1 = ink.

        Raises:
            DataError: for another shape or type.
        """
        if images.shape == (IMAGE_SIZE, IMAGE_SIZE):
            return Prediction(self.network.predict(images[np.newaxis])[0])
        return Prediction(self.network.predict(images))


@functools.cache
def shipped() -> Predictor:
    """The network that comes with the playground; its model card lies beside it in ``assets``.

    Raises:
        NetworkFileError: when the file is missing or damaged.
    """
    return Predictor(files.read_file(SHIPPED))
