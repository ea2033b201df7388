"""How well a network reads images that it was not trained on, and which of them it misreads.

Confusion matrices are (10, 10) int64, rows the true digit, columns the network's answer. Precision, recall
and F1 are those of scikit-learn's `precision_recall_fscore_support` with `zero_division=0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import CLASSES, IMAGE_SIZE, LOSSES, check_choice
from mnist_core.data import splits
from mnist_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.data import Dataset
    from mnist_core.network import TrainedNetwork

Indices = NDArray[np.int64]

_EPSILON = 1e-7  # `keras.config.epsilon()`


class Classifier(Protocol):
    """Anything that reads digits, such as a `TrainedNetwork`."""

    def predict(self, images: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Turn (n, 28, 28) uint8, 255 = ink, into (n, 10) float32 whose rows sum to 1."""
        ...


@dataclass(frozen=True)
class ClassMetrics:
    """How well one digit is read.

    Attributes:
        digit: 0 to 9.
        precision: of the images read as this digit, the share that are it; 0 if there are none.
        recall: of the images of this digit, the share read as it; 0 if there are none.
        f1: harmonic mean of the two; 0 if both are.
        support: number of images of this digit.
    """

    digit: int
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network made of a set of labelled images.

    Attributes:
        loss: see `mean_loss`; without any penalty on the weights.
        accuracy: share of images read correctly, 0 to 1.
        confusion: (10, 10) int64, rows the true digit, columns the answer.
        per_class: ten `ClassMetrics`, digits 0 to 9.
        probabilities: (n, 10) float32.
        labels: (n,) int64.
        predicted: (n,) int64, the likeliest digit, the smaller of two equally likely ones.
        mistakes: (k,) int64, indices of the misread images, the one with the surest answer first.
    """

    loss: float
    accuracy: float
    confusion: NDArray[np.int64]
    per_class: tuple[ClassMetrics, ...]
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    mistakes: Indices

    def cell(self, true: int, predicted: int) -> Indices:
        """Indices (m,) int64 of the images in one cell of the confusion matrix, the surest answer first."""
        return _surest_first(self.probabilities, (self.labels == true) & (self.predicted == predicted))


def evaluate(
    network: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    loss: str = "categorical_crossentropy",
) -> Evaluation:
    """Let a network read labelled images and compare.

    Args:
        network: gives (n, 10) probabilities for the images.
        images: (n, 28, 28) uint8, 255 = ink, at least one.
        labels: (n,) integers from 0 to 9. Digits may be missing.
        loss: a key of `LOSSES`, the one that the network was trained with.

    Raises:
        DataError: images or labels are not as described, their numbers differ, or the network's answers are
            no probabilities, such as those of a network whose training has diverged.
        ConfigError: there is no such loss.
    """
    _check_samples(images, labels)
    return evaluate_answers(network.predict(images), labels, loss)


def evaluate_answers(
    answers: NDArray[np.float32], labels: NDArray[np.integer], loss: str = "categorical_crossentropy"
) -> Evaluation:
    """Compare answers that have been given already.

    Args:
        answers: (n, 10) probabilities.
        labels: (n,) integers from 0 to 9, at least one.
        loss: a key of `LOSSES`.

    Raises:
        DataError: the answers are no probabilities, or not one for each label.
        ConfigError: there is no such loss.
    """
    probabilities = _checked_probabilities(answers, len(labels))
    true = labels.astype(np.int64)
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    confusion = confusion_matrix(true, predicted)
    return Evaluation(
        loss=mean_loss(probabilities, true, loss),
        accuracy=float(np.mean(predicted == true)),
        confusion=confusion,
        per_class=class_metrics(confusion),
        probabilities=probabilities,
        labels=true,
        predicted=predicted,
        mistakes=_surest_first(probabilities, predicted != true),
    )


def evaluate_on_test(network: TrainedNetwork, dataset: Dataset) -> Evaluation:
    """How a trained network does on the test images that its config sets aside.

    Raises:
        DataError: as `evaluate`.
    """
    config = network.config
    split = splits.split_for(dataset, config)
    return evaluate(network, split.test_images, split.test_labels, config.loss)


def mean_loss(probabilities: NDArray[np.float32], labels: NDArray[np.integer], loss: str) -> float:
    """The mean loss of (n, 10) probabilities against (n,) labels, as Keras computes it.

    Cross-entropy takes the natural logarithm and keeps probabilities 1e-7 away from 0 and 1; the squared
    error is the mean over images and digits.

    Raises:
        ConfigError: `loss` is no key of `LOSSES`.
    """
    check_choice("loss", loss, LOSSES)
    if loss == "mean_squared_error":
        return float(np.mean((probabilities - np.eye(CLASSES)[labels]) ** 2))
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(of_truth, _EPSILON, 1 - _EPSILON)).mean())


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.integer], bins: int = 15) -> float:
    """How far the probabilities of the answers are from how often they are right: the expected calibration error.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017.

    Args:
        probabilities: (n, 10), n above 0.
        labels: (n,).
        bins: intervals of equal width that answers are sorted into by their probability.

    Returns:
        Mean over the answers of how far their interval's mean probability is from its share read right, 0 to 1.
    """
    sureness = probabilities.max(axis=1).astype(np.float64)
    # An answer on an interval's upper edge belongs to it.
    place = np.clip(np.ceil(sureness * bins).astype(np.int64) - 1, 0, bins - 1)
    excess = sureness - (probabilities.argmax(axis=1) == labels)
    return float(np.abs(np.bincount(place, excess, minlength=bins)).sum() / len(labels))


def confusion_matrix(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> NDArray[np.int64]:
    """Count (n,) true against (n,) predicted digits, all from 0 to 9: (10, 10) int64, rows true."""
    cells = np.asarray(labels, np.int64) * CLASSES + predicted
    counts = np.bincount(cells, minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES).astype(np.int64, copy=False)


def class_metrics(confusion: NDArray[np.integer]) -> tuple[ClassMetrics, ...]:
    """Precision, recall, F1 and support of each digit, from a (10, 10) confusion matrix of counts."""
    hits = confusion.diagonal().astype(np.float64)
    support, answers = confusion.sum(axis=1), confusion.sum(axis=0)
    # Where a denominator is 0, so is the numerator: dividing by 1 gives the 0 that is wanted.
    precision = hits / np.maximum(answers, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(answers + support, 1)
    columns = zip(precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
    return tuple(ClassMetrics(digit, *values) for digit, values in enumerate(columns))


def as_counts(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """The confusion matrix as it is."""
    return confusion


def as_shares(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of each true digit: (10, 10) float64, rows sum to 1, or to 0 for a digit without images."""
    shares: NDArray[np.float64] = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def errors_only(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """The counts with the diagonal, the correct answers, set to 0, so that the errors show."""
    return confusion - np.diag(confusion.diagonal())


def classes_in(confusion: NDArray[np.int64]) -> list[int]:
    """The digits that a (10, 10) confusion matrix holds, as true digit or as answer."""
    return np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1)).tolist()


def share_text(share: float) -> str:
    """A share in percent, in five characters at most; nothing for 0."""
    if not share:
        return ""
    return "100%" if share == 1 else "<0.1%" if share < 0.0005 else f"{share:.1%}"


CONFUSION_VIEWS: dict[str, Callable[[NDArray[np.int64]], NDArray[np.int64] | NDArray[np.float64]]] = {
    "Counts": as_counts,
    "Shares of each true digit": as_shares,
    "Errors only": errors_only,
}


def _surest_first(probabilities: NDArray[np.float32], chosen: NDArray[np.bool_]) -> Indices:
    indices = np.flatnonzero(chosen)
    order = np.argsort(-probabilities[indices].max(axis=1), kind="stable")
    return indices[order].astype(np.int64, copy=False)


def _check_samples(images: object, labels: object) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        raise DataError(
            "The images cannot be evaluated.", "Give them as (n, 28, 28) uint8, 255 = ink.", _describe(images)
        )
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError("The labels cannot be used.", "Give one whole number per image.", _describe(labels))
    if len(images) != len(labels):
        raise DataError(
            "Images and labels do not belong together.",
            "Take both from the same data set.",
            f"{len(images)} images and {len(labels)} labels",
        )
    if len(images) == 0:
        raise DataError("There are no images to evaluate.", "Choose a data set with a test part.")
    if labels.min() < 0 or labels.max() >= CLASSES:
        received = f"labels from {labels.min()} to {labels.max()}"
        raise DataError("A label is no digit.", "Use labels from 0 to 9 only.", received)


def _checked_probabilities(answers: object, count: int) -> NDArray[np.float32]:
    if not isinstance(answers, np.ndarray) or answers.shape != (count, CLASSES):
        raise DataError(
            "The network did not answer with ten values per image.",
            f"Use a network with {CLASSES} outputs.",
            _describe(answers),
        )
    if not np.isfinite(answers).all():
        raise DataError(
            "The network answered with values that are no numbers.",
            "Train it again with a lower learning rate.",
        )
    if answers.min() < 0 or np.abs(answers.sum(axis=1) - 1).max() > 1e-3:
        raise DataError(
            "The network's answers are no probabilities.",
            "Use a network that ends in softmax.",
            f"values from {answers.min():.4g} to {answers.max():.4g}",
        )
    return answers.astype(np.float32)


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    return type(value).__name__
