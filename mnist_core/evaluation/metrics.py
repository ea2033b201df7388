"""Metrics of a network on images that it was not trained on, and the images that it misreads.

Confusion matrices are (10, 10) int64, rows are the true digits, columns the network's answers. Precision, recall and F1
equal those of scikit-learn's `precision_recall_fscore_support` with `zero_division=0`; tests compare them.

`sklearn.metrics` itself is not used: this module is imported before a page's first text, where scikit-learn would cost
0.8 s of CPU and 127 MB. An import at first use would be free once TensorFlow is loaded, but a classical run evaluates
10,000 answers after each piece of work: that takes 0.03 ms here and 8 ms with scikit-learn. The Learn page computes the
metrics of published confusion matrices, which scikit-learn cannot: it wants labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import CLASSES, IMAGE_SIZE, LOSSES, check_choice
from mnist_core.data import splits
from mnist_core.errors import DataError
from mnist_core.language import Message, format_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.data import Dataset
    from mnist_core.network import TrainedNetwork

Indices = NDArray[np.int64]

_EPSILON = 1e-7  # `keras.config.epsilon()`


class Classifier(Protocol):
    """A model that classifies images, such as a `TrainedNetwork`."""

    def predict(self, images: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Return probabilities, (n, 10) float32 with rows that sum to 1, for (n, 28, 28) uint8, 255 = ink."""
        ...


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of one digit.

    Attributes:
        digit: 0 to 9.
        precision: share of the images read as this digit that show it; 0 if there are none.
        recall: share of the images of this digit that are read as it; 0 if there are none.
        f1: harmonic mean of precision and recall; 0 if both are 0.
        support: number of images of this digit.
    """

    digit: int
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The answers of a network to labelled images, and their metrics.

    Attributes:
        loss: see `mean_loss`; without any penalty on the weights.
        accuracy: share of correct answers, 0 to 1.
        confusion: (10, 10) int64, rows are the true digits, columns the answers.
        per_class: ten `ClassMetrics`, digits 0 to 9.
        probabilities: (n, 10) float32.
        labels: (n,) int64.
        predicted: (n,) int64, the most probable digit; the smaller one of a tie.
        mistakes: (k,) int64, indices of the misread images, the most confident answer first.
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
        """Return the indices, (m,) int64, of the images in a cell of the matrix, the most confident answer first."""
        return _most_confident_first(self.probabilities, (self.labels == true) & (self.predicted == predicted))


def evaluate(
    network: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    loss: str = "categorical_crossentropy",
) -> Evaluation:
    """Evaluate a network on labelled images.

    Args:
        network: returns (n, 10) probabilities for the images.
        images: (n, 28, 28) uint8, 255 = ink, at least one.
        labels: (n,) integers from 0 to 9. Digits may be missing.
        loss: a key of `LOSSES`.

    Raises:
        DataError: the images or labels have another form, their numbers differ, or the answers are not
            probabilities, for example because the training has diverged.
        ConfigError: there is no such loss.

    Example:
        >>> evaluate(evaluation.shipped().network, dataset.test_images, dataset.test_labels).accuracy
    """
    _check_samples(images, labels)
    return evaluate_answers(network.predict(images), labels, loss)


def evaluate_answers(
    answers: NDArray[np.float32], labels: NDArray[np.integer], loss: str = "categorical_crossentropy"
) -> Evaluation:
    """Evaluate answers that were computed before.

    Args:
        answers: (n, 10) probabilities.
        labels: (n,) integers from 0 to 9, at least one.
        loss: a key of `LOSSES`.

    Raises:
        DataError: the answers are not probabilities, or their number differs from that of the labels.
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
        mistakes=_most_confident_first(probabilities, predicted != true),
    )


def evaluate_on_test(network: TrainedNetwork, dataset: Dataset) -> Evaluation:
    """Evaluate a trained network on the test images of its config's split.

    Raises:
        DataError: as `evaluate`.
    """
    config = network.config
    split = splits.split_for(dataset, config)
    return evaluate(network, split.test_images, split.test_labels, config.loss)


def mean_loss(probabilities: NDArray[np.float32], labels: NDArray[np.integer], loss: str) -> float:
    """Return the mean loss of (n, 10) probabilities and (n,) labels, as Keras computes it.

    The cross-entropy uses the natural logarithm, with probabilities clipped to [1e-7, 1 - 1e-7]. The squared error is
    the mean over images and digits.

    Raises:
        ConfigError: `loss` is not a key of `LOSSES`.
    """
    check_choice("loss", loss, LOSSES)
    if loss == "mean_squared_error":
        return float(np.mean((probabilities - np.eye(CLASSES)[labels]) ** 2))
    true_probabilities = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(true_probabilities, _EPSILON, 1 - _EPSILON)).mean())


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.integer], bins: int = 15) -> float:
    """Return the expected calibration error: how far the confidence of the answers is from their accuracy.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017.

    Args:
        probabilities: (n, 10), n above 0.
        labels: (n,).
        bins: number of confidence intervals of equal width.

    Returns:
        The mean over the answers of the gap between the mean confidence and the accuracy in their interval, 0 to 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    # An interval includes its upper edge.
    interval = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = confidence - (probabilities.argmax(axis=1) == labels)
    return float(np.abs(np.bincount(interval, gap, minlength=bins)).sum() / len(labels))


def confusion_matrix(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the (10, 10) int64 confusion matrix of (n,) true and (n,) predicted digits; rows are the true ones."""
    cells = np.asarray(labels, np.int64) * CLASSES + predicted
    counts = np.bincount(cells, minlength=CLASSES * CLASSES)
    return counts.reshape(CLASSES, CLASSES).astype(np.int64, copy=False)


def class_metrics(confusion: NDArray[np.integer]) -> tuple[ClassMetrics, ...]:
    """Return precision, recall, F1 and support of each digit from a (10, 10) confusion matrix."""
    hits = confusion.diagonal().astype(np.float64)
    support, answers = confusion.sum(axis=1), confusion.sum(axis=0)
    # If a denominator is 0, so is the numerator. Dividing by 1 gives 0.
    precision = hits / np.maximum(answers, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(answers + support, 1)
    columns = zip(precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
    return tuple(ClassMetrics(digit, *values) for digit, values in enumerate(columns))


def as_counts(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the confusion matrix unchanged."""
    return confusion


def as_shares(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Normalize the rows: (10, 10) float64; they sum to 1, or to 0 for a digit without images."""
    shares: NDArray[np.float64] = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def errors_only(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Set the diagonal, the correct answers, to 0."""
    return confusion - np.diag(confusion.diagonal())


def classes_in(confusion: NDArray[np.int64]) -> list[int]:
    """Return the digits that occur in a (10, 10) confusion matrix, as true digit or as answer."""
    return np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1)).tolist()


def share_text(share: float) -> str:
    """Format a share as a percentage of at most five characters; empty for 0."""
    if not share:
        return ""
    return "100%" if share == 1 else "<0.1%" if share < 0.0005 else format_number(share, ".1%")


CONFUSION_VIEWS: dict[str, Callable[[NDArray[np.int64]], NDArray[np.int64] | NDArray[np.float64]]] = {
    Message("Counts"): as_counts,
    Message("Shares of each true digit"): as_shares,
    Message("Errors only"): errors_only,
}


def _most_confident_first(probabilities: NDArray[np.float32], chosen: NDArray[np.bool_]) -> Indices:
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
            Message("{images} images and {labels} labels", images=len(images), labels=len(labels)),
        )
    if len(images) == 0:
        raise DataError("There are no images to evaluate.", "Choose a data set with a test part.")
    if labels.min() < 0 or labels.max() >= CLASSES:
        received = Message("labels from {lowest} to {highest}", lowest=labels.min(), highest=labels.max())
        raise DataError("A label is not a digit.", "Use labels from 0 to 9 only.", received)


def _checked_probabilities(answers: object, count: int) -> NDArray[np.float32]:
    if not isinstance(answers, np.ndarray) or answers.shape != (count, CLASSES):
        raise DataError(
            "The network did not answer with ten values per image.",
            Message("Use a network with {classes} outputs.", classes=CLASSES),
            _describe(answers),
        )
    if not np.isfinite(answers).all():
        raise DataError(
            "Some of the network's answers are not finite numbers.",
            "Train it again with a lower learning rate.",
        )
    if answers.min() < 0 or np.abs(answers.sum(axis=1) - 1).max() > 1e-3:
        raise DataError(
            "The network's answers are not probabilities.",
            "Use a network that ends in softmax.",
            Message("values from {lowest:.4g} to {highest:.4g}", lowest=answers.min(), highest=answers.max()),
        )
    return answers.astype(np.float32)


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return Message("{dtype} array of shape {shape}", dtype=value.dtype, shape=value.shape)
    return type(value).__name__
