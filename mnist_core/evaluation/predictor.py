"""The answer of a network to one or more images."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.data.sources import DIGITS
from mnist_core.errors import DataError
from mnist_core.network import files

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.network import TrainedNetwork

# A less probable answer is shown as "not sure".
MIN_CONFIDENT = 0.6
# Below this, not even a guess is shown: ten times 10 % is no answer. The highest probability of the built-in network is
# this low for 7 of MNIST's 10,000 test images, and for 4 of 1,200 drawings by twenty writers it was not trained on.
MIN_PLAUSIBLE = 0.2
# Half of the digits have at least this probability if the network has no idea.
_POSSIBLE = 0.02
SHIPPED = Path(__file__).parents[1] / "assets" / "digits.npz"


@dataclass(frozen=True, eq=False)
class Prediction:
    """The probabilities that a network gives to the ten digits.

    Args:
        probabilities: (10,) for one image or (n, 10) for several, float32; each row sums to 1.
    """

    probabilities: npt.NDArray[np.float32]

    @property
    def digit(self) -> npt.NDArray[np.int64]:
        """The most probable digit: a scalar array for one image, (n,) for several."""
        return np.asarray(self.probabilities.argmax(axis=-1))

    @property
    def is_confident(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable digit reaches `MIN_CONFIDENT`: a scalar array for one image, (n,) for several."""
        return np.asarray(self.probabilities.max(axis=-1) >= MIN_CONFIDENT)

    @property
    def is_plausible(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable digit reaches `MIN_PLAUSIBLE`: a scalar array for one image, (n,) for several."""
        return np.asarray(self.probabilities.max(axis=-1) >= MIN_PLAUSIBLE)

    @property
    def is_spread(self) -> npt.NDArray[np.bool_]:
        """Whether half of the digits or more stay possible, and none is confident: perhaps this is no digit at all.

        A scalar array for one image, (n,) for several. Of the built-in network's answers to MNIST's test images that is
        so for 0.4 %.
        """
        return np.asarray(~self.is_confident & (np.median(self.probabilities, axis=-1) >= _POSSIBLE))

    def top(self, k: int) -> list[tuple[int, float]]:
        """Return the `k` most probable digits of one image with their probabilities, the most probable first.

        Raises:
            DataError: this is the answer to several images.
        """
        if self.probabilities.ndim != 1:
            raise DataError(
                "These are the answers to several images.",
                "Ask for the most probable digits of one image at a time.",
                self.probabilities.shape,
            )
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [(int(digit), float(self.probabilities[digit])) for digit in order]


class Predictor:
    """A trained network that reads images.

    Args:
        network: the network.
        class_names: the ten names of its answers.
        run_id: the id of the run that trained it; empty if it came from elsewhere.

    Example:
        >>> predict = shipped()
        >>> predict(drawing.to_mnist(rgba).image).top(3)
    """

    def __init__(self, network: TrainedNetwork, class_names: tuple[str, ...] = DIGITS, run_id: str = "") -> None:
        self.network = network
        self.run_id = run_id
        self.class_names = class_names

    def __call__(self, images: npt.NDArray[np.float32]) -> Prediction:
        """Read one image or several.

        Args:
            images: (28, 28) or (n, 28, 28) float in [0, 1], 1 = ink.

        Raises:
            DataError: the images have another shape or type.
        """
        if images.shape == (IMAGE_SIZE, IMAGE_SIZE):
            return Prediction(self.network.predict(images[np.newaxis])[0])
        return Prediction(self.network.predict(images))


@functools.cache
def shipped() -> Predictor:
    """Return the network that comes with the playground. Its model card is in ``assets``.

    Raises:
        NetworkFileError: the file is missing or damaged.
    """
    return Predictor(files.read_file(SHIPPED))
