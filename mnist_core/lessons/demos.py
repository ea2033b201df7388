"""The small calculations for the activities of the Learn page. `network.layers` has what networks compute."""

from __future__ import annotations

import functools
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mnist_core.config import CLASSES, IMAGE_SIZE
from mnist_core.language import Message

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


SEVEN: Final = np.array([1, 1, 1, 0, 0, 1, 0, 1, 0], np.float64)
"""The nine inputs of the neuron in "One step by hand": a picture of 3 by 3 pixels, row by row, 1 = ink."""
SEVEN.setflags(write=False)
START: Final = np.array([0.1, -0.1, 0.2, 0.1, 0.3, 0.1, -0.2, 0.1, 0.2])
"""The neuron's weights at the start."""
START.setflags(write=False)


def neuron_error(weights: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The answer of a linear neuron without a bias to `SEVEN`, and its error, the squared difference from 1."""
    answer = float(SEVEN @ weights)
    return answer, (1 - answer) ** 2


def neuron_gradient(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The gradient of the error of `neuron_error`: how fast it rises with each weight, (9,)."""
    return np.asarray(-2 * (1 - SEVEN @ weights) * SEVEN)


def learning_step(
    kernel: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer],
    rate: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """One step of gradient descent for a network without a hidden layer, on the cross-entropy of all images.

    Args:
        kernel: (784, 10).
        bias: (10,).
        images: (n, 28, 28), 255 = ink; scaled to 0 to 1.
        labels: (n,).
        rate: the learning rate.

    Returns:
        The new kernel and bias.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    differences = shares(kernel, bias, images)
    differences[np.arange(len(labels)), labels] -= 1
    differences *= np.float32(rate / len(labels))
    return np.asarray(kernel - pixels.T @ differences, np.float32), np.asarray(bias - differences.sum(axis=0))


def shares(
    kernel: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """The answers of a network without a hidden layer, (n, 10); the arguments are those of `learning_step`."""
    from scipy.special import softmax

    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    return np.asarray(softmax(pixels @ kernel + bias, axis=1))


def draw(few: int, count: int, seed: int) -> npt.NDArray[np.bool_]:
    """Draw `few` of `count` images at random, at most half of them: whether each was drawn, (count,)."""
    chosen = np.zeros(count, np.bool_)
    chosen[np.random.default_rng(seed).permutation(count)[: min(few, count // 2)]] = True
    return chosen


DRAWS: Final = 100


def mean_winner(right: Mapping[str, npt.NDArray[np.bool_]], few: int) -> tuple[float, float]:
    """What the winners of `DRAWS` draws read of the few images and of the others, on average, each 0 to 1."""
    count = len(next(iter(right.values())))
    winners = [best_of(right, draw(few, count, seed)) for seed in range(DRAWS)]
    return float(np.mean([one.few for one in winners])), float(np.mean([one.rest for one in winners]))


def share_of(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The softmax share of a digit with these scores, (n,), if the scores of the other nine are 0."""
    positive = np.exp(scores)
    return np.asarray(positive / (positive + CLASSES - 1))


def losses(scores: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Cross-entropy and mean squared error of `share_of` the right digit, each (n,)."""
    share = share_of(scores)
    rest = (1 - share) / (CLASSES - 1)
    return -np.log(share), ((1 - share) ** 2 + (CLASSES - 1) * rest**2) / CLASSES


@dataclass(frozen=True)
class Winner:
    """The network that reads most of a few images.

    Attributes:
        name: its name.
        few: the share of the few images that it reads, 0 to 1.
        rest: the share of all others that it reads, 0 to 1.
    """

    name: str
    few: float
    rest: float


def best_of(right: Mapping[str, npt.NDArray[np.bool_]], few: npt.NDArray[np.bool_]) -> Winner:
    """Choose the network that reads most of a few images; the first one of equals.

    Args:
        right: whether each network reads each image, (n,), by its name.
        few: whether each image is one of the few, (n,).
    """
    on_few = {name: float(one[few].mean()) for name, one in right.items()}
    on_rest = {name: float(one[~few].mean()) for name, one in right.items()}
    best = max(on_few, key=on_few.__getitem__)
    return Winner(best, on_few[best], on_rest[best])


_NO_DIGITS: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "the letter M": "09|00|46|90|99",
        "the letter x": "00 99/90 09",
        "a smiley": "40 12 05 28 49 78 95 82 40/24 26/64 66/25 37 48 57 65",
        "a 1 and a 7": "02 20|29/60 90|59",
    }
)
"""Pictures of no digit, in the notation of `handwriting.DIGIT_FORMS`."""


@functools.cache
def pictures_of_no_digit() -> Mapping[str, npt.NDArray[np.float32]]:
    """Pictures that are not a single digit, as a network gets them: (28, 28) float32 in [0, 1], by their name."""
    from mnist_core.drawing import handwriting, preprocessing, strokes

    random = np.random.default_rng(0)
    found = {}
    for name, form in _NO_DIGITS.items():
        lines = strokes.fit_to_canvas(handwriting.form_strokes(form, random, jitter=0), 0.7)
        found[name] = preprocessing.to_mnist(strokes.render(lines, pen=18)).image
    return types.MappingProxyType(found)


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
        Message("upper edges"): ((-1, -1, -1), (0, 0, 0), (1, 1, 1)),
        Message("left edges"): ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
        Message("rising strokes"): ((-1, -1, 2), (-1, 2, -1), (2, -1, -1)),
        Message("falling strokes"): ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)),
        Message("ends and dots"): ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
        Message("blur"): ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
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
