"""The small calculations that the Learn page lets people play with; what a network computes is in `network.layers`."""

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


# As Keras defines them, without TensorFlow, which a page would have to wait for.
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
    """What an activation makes of sums of any shape; `name` is a key of `config.ACTIVATIONS`."""
    return _ACTIVATIONS[name](np.asarray(sums, np.float64))


def gradient(name: str, total: float) -> float:
    """How steep an activation is at a sum, by the difference of its neighbours 0.0001 away."""
    below, above = activate(name, [total - 1e-4, total + 1e-4])
    return float((above - below) / 2e-4)


def gradient_descent(rate: float, start: float = 1.0, steps: int = 12) -> npt.NDArray[np.float64]:
    """The places that gradient descent visits in the valley of loss w²: (steps + 1,) float64.

    The slope at w is 2w, so each step goes from w to w - 2 * rate * w.
    """
    return np.asarray(start * (1 - 2 * rate) ** np.arange(steps + 1))


@dataclass(frozen=True)
class BinaryCounts:
    """The four outcomes of a yes-or-no question, as counts."""

    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int

    @property
    def accuracy(self) -> float:
        """Share of all that is right, 0 to 1."""
        right = self.true_positives + self.true_negatives
        return right / (right + self.false_negatives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the positives that were found, 0 to 1; 0 without any."""
        return self.true_positives / max(1, self.true_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """Share of what was called positive that is, 0 to 1; 0 without any."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)


def one_vs_rest(confusion: npt.NDArray[np.int64], digit: int) -> BinaryCounts:
    """Reduce a (10, 10) confusion matrix, rows true, to two classes: `digit` or not."""
    hits = int(confusion[digit, digit])
    missed = int(confusion[digit].sum()) - hits
    wrongly = int(confusion[:, digit].sum()) - hits
    return BinaryCounts(hits, missed, wrongly, int(confusion.sum()) - hits - missed - wrongly)


def mushrooms() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """A made-up test of a thousand mushrooms, always the same: values (1000,) in [0, 1], and which are poisonous.

    Two hundred are; their values are higher on the whole, but the two kinds overlap.
    """
    random = np.random.RandomState(0)
    poisonous = np.arange(MUSHROOMS) < _POISONOUS
    values = random.normal(np.where(poisonous, 0.62, 0.35), 0.11)
    return np.clip(values, 0, 1), poisonous


def classify_mushrooms(threshold: float) -> BinaryCounts:
    """What comes of calling every one of the `mushrooms` from `threshold` on poisonous."""
    values, poisonous = mushrooms()
    called = values >= threshold
    return BinaryCounts(
        int((called & poisonous).sum()),
        int((~called & poisonous).sum()),
        int((called & ~poisonous).sum()),
        int((~called & ~poisonous).sum()),
    )


def width_and_ink(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """How wide each digit is, in pixels, and how many of its pixels are more ink than paper: (n, 2).

    Args:
        images: (n, 28, 28) uint8, 255 = ink.
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
"""Filters of 3x3, each by what it looks for."""


def convolve(image: npt.NDArray[np.uint8], kernel: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """What a 3x3 filter answers at every place of an image that holds it whole.

    Args:
        image: (28, 28) uint8, 255 = ink; taken as 0 to 1.
        kernel: (3, 3). It is not flipped (cross-correlation, as in Keras).

    Returns:
        (26, 26) float32, divided by the largest answer's size, so in [-1, 1].
    """
    from scipy.signal import correlate2d

    answers: Any = correlate2d(image / 255, np.asarray(kernel, np.float64), mode="valid")
    return np.asarray(answers / (np.abs(answers).max() or 1), np.float32)
