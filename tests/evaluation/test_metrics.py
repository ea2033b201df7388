"""Evaluations compared with scikit-learn, with counts by hand and with a published confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mnist_core.errors import ConfigError, DataError
from mnist_core.evaluation import Evaluation, evaluate
from mnist_core.evaluation.metrics import (
    CONFUSION_VIEWS,
    ClassMetrics,
    as_shares,
    calibration_error,
    class_metrics,
    errors_only,
    mean_loss,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# From the Kite article: 15,000 held-out images, with an accuracy of 0.9264.
KITE = np.array(
    [
        [1413, 0, 10, 3, 2, 12, 12, 2, 10, 1],
        [0, 1646, 12, 6, 3, 8, 0, 5, 9, 3],
        [16, 9, 1353, 16, 22, 1, 18, 28, 44, 3],
        [1, 6, 27, 1420, 0, 48, 11, 16, 25, 17],
        [3, 7, 5, 1, 1403, 1, 12, 3, 7, 40],
        [15, 13, 7, 36, 5, 1194, 24, 6, 18, 15],
        [10, 8, 9, 1, 21, 16, 1363, 0, 9, 0],
        [2, 14, 18, 4, 16, 4, 2, 1491, 1, 27],
        [4, 28, 19, 31, 10, 28, 13, 2, 1280, 25],
        [5, 13, 1, 21, 58, 10, 1, 36, 13, 1333],
    ]
)

# Two 1s read correctly; three 7s, two of them read as 1, with low and high confidence; a 3 read as 5.
SIX_LABELS = np.array([1, 7, 1, 7, 7, 3], np.uint8)
SIX_ANSWERS = [(1, 0.91), (1, 0.55), (1, 0.73), (7, 0.64), (1, 0.82), (5, 0.64)]


class Answers:
    """A network that returns fixed answers for any images."""

    def __init__(self, probabilities: Any) -> None:
        self.probabilities = probabilities

    def predict(self, images: NDArray[np.uint8], /) -> NDArray[np.float32]:
        del images
        return self.probabilities  # type: ignore[no-any-return]


def blank(count: int) -> NDArray[np.uint8]:
    return np.zeros((count, 28, 28), np.uint8)


def with_probability(answers: list[tuple[int, float]]) -> NDArray[np.float32]:
    """Return rows with the given probability at the given digit; the rest is divided evenly."""
    rows = np.empty((len(answers), 10), np.float32)
    for row, (digit, probability) in zip(rows, answers, strict=True):
        row[:] = (1 - probability) / 9
        row[digit] = probability
    return rows


def random_answers(seed: int, count: int, kinds: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return random probabilities and labels among `kinds` for `count` images, mostly correct."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(kinds, count)
    logits = generator.normal(size=(count, 10)) + 1.5 * np.eye(10)[labels]
    odds = np.exp(logits)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.fixture
def six() -> Evaluation:
    return evaluate(Answers(with_probability(SIX_ANSWERS)), blank(6), SIX_LABELS)


def test_confusion_of_six_images_counted_by_hand(six: Evaluation) -> None:
    expected = np.zeros((10, 10), np.int64)
    expected[1, 1] = 2
    expected[7, 1] = 2
    expected[7, 7] = 1
    expected[3, 5] = 1
    assert six.confusion.dtype == np.int64
    np.testing.assert_array_equal(six.confusion, expected)
    assert six.accuracy == pytest.approx(3 / 6)
    assert six.predicted.tolist() == [1, 1, 1, 7, 1, 5]
    assert six.labels.tolist() == [1, 7, 1, 7, 7, 3]


def test_metrics_of_six_images_counted_by_hand(six: Evaluation) -> None:
    one, seven = six.per_class[1], six.per_class[7]
    assert (one.precision, one.recall, one.f1, one.support) == pytest.approx((2 / 4, 1.0, 2 / 3, 2))
    assert (seven.precision, seven.recall, seven.f1, seven.support) == pytest.approx((1.0, 1 / 3, 1 / 2, 3))


def test_absent_or_never_predicted_digit_has_zeros(six: Evaluation) -> None:
    assert six.per_class[0] == ClassMetrics(0, 0.0, 0.0, 0.0, 0)
    assert six.per_class[3] == ClassMetrics(3, 0.0, 0.0, 0.0, 1)  # Present, never answered.
    assert six.per_class[5] == ClassMetrics(5, 0.0, 0.0, 0.0, 0)  # Answered, not present.


def test_loss_of_six_images_by_hand(six: Evaluation) -> None:
    of_truth = [0.91, 0.45 / 9, 0.73, 0.64, 0.18 / 9, 0.36 / 9]
    assert six.loss == pytest.approx(-sum(np.log(of_truth)) / 6)


def test_mistakes_most_confident_first(six: Evaluation) -> None:
    assert six.mistakes.tolist() == [4, 5, 1]
    assert six.mistakes.dtype == np.int64


def test_cell_images_most_confident_first(six: Evaluation) -> None:
    assert six.cell(7, 1).tolist() == [4, 1]
    assert six.cell(1, 1).tolist() == [0, 2]
    assert six.cell(1, 7).tolist() == []
    assert six.cell(1, 7).dtype == np.int64


def test_equally_confident_mistakes_keep_image_order() -> None:
    result = evaluate(Answers(with_probability([(2, 0.5)] * 99)), blank(99), np.zeros(99, np.uint8))
    assert result.mistakes.tolist() == list(range(99))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 60),
    st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True),
)
def test_metrics_match_scikit_learn(seed: int, count: int, kinds: list[int]) -> None:
    probabilities, labels = random_answers(seed, count, kinds)
    result = evaluate(Answers(probabilities), blank(count), labels)

    digits = list(range(10))
    predicted = probabilities.argmax(axis=1)
    expected = metrics.precision_recall_fscore_support(labels, predicted, labels=digits, zero_division=0)
    measured = [(m.precision, m.recall, m.f1, m.support) for m in result.per_class]
    np.testing.assert_allclose(np.transpose(measured), np.stack(expected), rtol=1e-12)
    np.testing.assert_array_equal(result.confusion, metrics.confusion_matrix(labels, predicted, labels=digits))
    assert result.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    assert result.loss == pytest.approx(metrics.log_loss(labels, normalized, labels=digits), rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_cells_and_mistakes_partition_all_images(seed: int, count: int) -> None:
    probabilities, labels = random_answers(seed, count, list(range(10)))
    result = evaluate(Answers(probabilities), blank(count), labels)
    cells = [[result.cell(true, answer) for answer in range(10)] for true in range(10)]
    np.testing.assert_array_equal([[len(cell) for cell in row] for row in cells], result.confusion)
    assert sorted(index for row in cells for cell in row for index in cell) == list(range(count))
    wrong = [
        index for true, row in enumerate(cells) for answer, cell in enumerate(row) if true != answer for index in cell
    ]
    assert sorted(wrong) == sorted(result.mistakes)
    assert np.all(np.diff(probabilities[result.mistakes].max(axis=1)) <= 0)


def test_mean_squared_error_matches_scikit_learn() -> None:
    probabilities, labels = random_answers(3, 40, list(range(10)))
    result = evaluate(Answers(probabilities), blank(40), labels, loss="mean_squared_error")
    assert result.loss == pytest.approx(metrics.mean_squared_error(np.eye(10)[labels], probabilities))


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
def test_loss_matches_keras(loss: str) -> None:
    keras = pytest.importorskip("keras")
    probabilities, labels = random_answers(4, 50, list(range(10)))
    probabilities[0] = np.eye(10)[(labels[0] + 1) % 10]  # Confident and wrong, where Keras clips.
    probabilities[1] = np.eye(10)[labels[1]]
    expected = keras.losses.get(loss)(np.eye(10, dtype=np.float32)[labels], probabilities)
    assert mean_loss(probabilities, labels, loss) == pytest.approx(float(np.mean(expected)), rel=1e-5)


def test_confident_mistake_has_a_finite_loss() -> None:
    result = evaluate(Answers(np.eye(10, dtype=np.float32)[[3]]), blank(1), np.array([4]))
    assert result.loss == pytest.approx(-np.log(1e-7))


def test_kite_matrix_gives_the_published_accuracy() -> None:
    rows, columns = np.indices(KITE.shape)
    labels, predicted = np.repeat(rows.ravel(), KITE.ravel()), np.repeat(columns.ravel(), KITE.ravel())
    result = evaluate(Answers(with_probability([(p, 0.9) for p in predicted.tolist()])), blank(15_000), labels)
    np.testing.assert_array_equal(result.confusion, KITE)
    assert len(result.mistakes) == 15_000 - 13_896
    assert round(result.accuracy, 4) == 0.9264


def test_kite_matrix_gives_metrics_by_hand() -> None:
    per_class = class_metrics(KITE)
    assert [m.digit for m in per_class] == list(range(10))
    assert sum(m.support for m in per_class) == 15_000
    assert sum(m.recall * m.support for m in per_class) == pytest.approx(13_896)
    assert per_class[0].recall == pytest.approx(1413 / 1465)
    assert per_class[0].precision == pytest.approx(1413 / 1469)
    assert per_class[0].f1 == pytest.approx(2 * 1413 / (1465 + 1469))


def test_shares_of_each_true_digit() -> None:
    shares = as_shares(KITE)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(shares.diagonal(), [m.recall for m in class_metrics(KITE)])


def test_share_of_a_digit_without_images_is_zero(six: Evaluation) -> None:
    shares = as_shares(six.confusion)
    assert shares[7, 1] == pytest.approx(2 / 3)
    assert not shares[0].any()


def test_errors_only_does_not_modify_the_matrix() -> None:
    errors = errors_only(KITE)
    assert errors.sum() == 15_000 - 13_896
    assert not errors.diagonal().any()
    assert errors[9, 4] == 58
    assert KITE.trace() == 13_896


@pytest.mark.parametrize("view", CONFUSION_VIEWS)
def test_every_view_is_ten_by_ten(view: str) -> None:
    assert CONFUSION_VIEWS[view](KITE).shape == (10, 10)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        pytest.param(blank(0), np.zeros(0, np.uint8), id="empty"),
        pytest.param(blank(3), np.zeros(2, np.uint8), id="more images than labels"),
        pytest.param(blank(2), np.array([0, 10]), id="label too large"),
        pytest.param(blank(2), np.array([0, -1]), id="label below zero"),
        pytest.param(blank(2), np.array([0.0, 1.0]), id="labels are floats"),
        pytest.param(blank(2), np.eye(10, dtype=np.int64)[:2], id="labels one-hot"),
        pytest.param(blank(2), [0, 1], id="labels in a list"),
        pytest.param(blank(2).astype(np.float32), np.array([0, 1]), id="images are floats"),
        pytest.param(blank(2).reshape(2, 784), np.array([0, 1]), id="images flat"),
        pytest.param([[0]], np.array([0]), id="images in a list"),
    ],
)
def test_invalid_samples_are_refused(images: Any, labels: Any) -> None:
    with pytest.raises(DataError):
        evaluate(Answers(with_probability([(1, 0.5)] * len(images))), images, labels)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(np.full((2, 10), np.nan, np.float32), id="no numbers"),
        pytest.param(np.full((2, 10), np.inf, np.float32), id="infinite"),
        pytest.param(np.full((2, 9), 1 / 9, np.float32), id="nine classes"),
        pytest.param(np.full((3, 10), 0.1, np.float32), id="one answer too many"),
        pytest.param(np.full((2, 10), 0.5, np.float32), id="sums of five"),
        pytest.param(np.array([[1.5, -0.5] + [0.0] * 8] * 2, np.float32), id="below zero"),
        pytest.param([[0.1] * 10] * 2, id="a list"),
    ],
)
def test_answers_that_are_not_probabilities_are_refused(answers: Any) -> None:
    with pytest.raises(DataError, match="network"):
        evaluate(Answers(answers), blank(2), np.array([0, 1]))


def test_unknown_loss_is_refused() -> None:
    with pytest.raises(ConfigError, match="hinge"):
        evaluate(Answers(with_probability([(1, 0.5)])), blank(1), np.array([1]), loss="hinge")


def zero_with_probability(shares: list[float]) -> np.ndarray:
    """Return answers with these probabilities for "0"; the rest is divided evenly."""
    rows = np.zeros((len(shares), 10), np.float32)
    for row, share in zip(rows, shares, strict=True):
        row[0] = share
        row[1:] = (1 - share) / 9
    return rows


def test_calibration_error_counted_by_hand() -> None:
    # Two bins: 0.2 to 0.3 with 1 of 2 right, and 0.9 with 3 of 3 right.
    probabilities = zero_with_probability([0.2, 0.3, 0.9, 0.9, 0.9])
    labels = np.array([0, 5, 0, 0, 0])
    expected = 2 / 5 * abs(0.5 - 0.25) + 3 / 5 * abs(1 - 0.9)
    assert calibration_error(probabilities, labels, bins=2) == pytest.approx(expected, abs=1e-6)


def test_calibration_error_of_full_confidence_is_the_error_rate() -> None:
    probabilities = np.eye(10, dtype=np.float32)[[1, 2, 3, 4]]
    assert calibration_error(probabilities, np.array([1, 2, 3, 0])) == pytest.approx(0.25)


def test_accuracy_equal_to_confidence_is_calibrated() -> None:
    random = np.random.default_rng(5)
    shares = random.uniform(0.2, 1, 40_000)
    labels = np.where(random.random(40_000) < shares, 0, 9)
    assert calibration_error(zero_with_probability(list(shares)), labels) < 0.01
