"""The small calculations for the activities of the Learn page. `network.layers` has what networks compute."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core.config import IMAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Curve = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

MUSHROOMS = 1_000
_POISONOUS = 200
_INK = 128


def _erf(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.special import erf

    return np.asarray(erf(x))


def _sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


# Keras's definitions in NumPy, so that the page does not wait for TensorFlow.
_ACTIVATIONS: Final[Mapping[str, Curve]] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * (1 + _erf(x / np.sqrt(2))) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "linear": lambda x: x,
}


def activate(name: str, sums: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Apply an activation to sums of any shape; `name` is a key of `config.ACTIVATIONS`."""
    return _ACTIVATIONS[name](np.asarray(sums, np.float64))


def gradient(name: str, total: float) -> float:
    """Return the gradient of an activation at a sum: the central difference with a step of 0.0001."""
    below, above = activate(name, [total - 1e-4, total + 1e-4])
    return float((above - below) / 2e-4)


def gradient_descent(rate: float, start: float = 1.0, steps: int = 12) -> npt.NDArray[np.float64]:
    """Return the weights that gradient descent visits on the loss w²: (steps + 1,) float64.

    The gradient at w is 2w, so each step goes from w to w - 2 * rate * w.
    """
    return np.asarray(start * (1 - 2 * rate) ** np.arange(steps + 1))


@dataclass(frozen=True)
class BinaryCounts:
    """Counts of the four outcomes of a yes-or-no question."""

    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0 to 1."""
        right = self.true_positives + self.true_negatives
        return right / (right + self.false_negatives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the positives that were found, 0 to 1; 0 if there are no positives."""
        return self.true_positives / max(1, self.true_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """Share of the positive answers that are right, 0 to 1; 0 if there are no positive answers."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)


def one_vs_rest(confusion: npt.NDArray[np.int64], digit: int) -> BinaryCounts:
    """Reduce a (10, 10) confusion matrix, rows true, to two classes: `digit` and all others."""
    hits = int(confusion[digit, digit])
    missed = int(confusion[digit].sum()) - hits
    wrongly = int(confusion[:, digit].sum()) - hits
    return BinaryCounts(hits, missed, wrongly, int(confusion.sum()) - hits - missed - wrongly)


def mushrooms() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return an invented test of 1,000 mushrooms, always the same.

    200 are poisonous. Their values are higher on average, but the two classes overlap.

    Returns:
        The value of each mushroom, (1000,) float64 in [0, 1], and whether it is poisonous, (1000,) bool.
    """
    random = np.random.RandomState(0)
    poisonous = np.arange(MUSHROOMS) < _POISONOUS
    values = random.normal(np.where(poisonous, 0.62, 0.35), 0.11)
    return np.clip(values, 0, 1), poisonous


def classify_mushrooms(threshold: float) -> BinaryCounts:
    """Call each of the `mushrooms` poisonous if its value is at least `threshold`, and count the outcomes."""
    values, poisonous = mushrooms()
    called = values >= threshold
    return BinaryCounts(
        int((called & poisonous).sum()),
        int((~called & poisonous).sum()),
        int((called & ~poisonous).sum()),
        int((~called & ~poisonous).sum()),
    )


def width_and_ink(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Measure the width of each digit and count its inked pixels.

    Args:
        images: (n, 28, 28) uint8, 255 = ink. A pixel of 128 or more counts as inked.

    Returns:
        Width and number of inked pixels, (n, 2) float64; both are 0 without ink.
    """
    ink = np.where(images >= _INK, 1, 0)
    columns = ink.max(axis=1)
    first = columns.argmax(axis=1)
    last = IMAGE_SIZE - 1 - columns[:, ::-1].argmax(axis=1)
    width = np.where(columns.max(axis=1), last - first + 1, 0)
    return np.stack([width, ink.sum(axis=(1, 2))], axis=1).astype(np.float64)


KERNELS: Final[Mapping[str, tuple[tuple[int, ...], ...]]] = types.MappingProxyType(
    {
        "upper edges": ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
        "left edges": ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
        "rising strokes": ((-1, -1, 2), (-1, 2, -1), (2, -1, -1)),
        "falling strokes": ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)),
        "ends and dots": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
        "blur": ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
    }
)
"""3x3 kernels by the pattern that they find."""


def convolve(image: npt.NDArray[np.uint8], kernel: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Apply a 3x3 kernel at every place where it fits into an image.

    Args:
        image: (28, 28) uint8, 255 = ink; scaled to 0 to 1.
        kernel: (3, 3). It is not flipped (cross-correlation, as in Keras).

    Returns:
        (26, 26) float32 in [-1, 1]: the answers, divided by the largest absolute value. All 0 for a blank image.
    """
    from scipy.signal import correlate2d

    answers: Any = correlate2d(image / 255, np.asarray(kernel, np.float64), mode="valid")
    return np.asarray(answers / (np.abs(answers).max() or 1), np.float32)
