"""The small calculations of the Learn page, compared with Keras, scikit-learn and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from mnist_core.config import ACTIVATIONS
from mnist_core.lessons import demos
from mnist_core.lessons.articles import ARTICLES
from mnist_core.network.backend import load_tensorflow


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_matches_keras(name: str) -> None:
    load_tensorflow()
    import keras

    sums = np.linspace(-8, 8, 101)
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(keras.ops.convert_to_tensor(sums, "float32")))
    np.testing.assert_allclose(demos.activate(name, sums), expected, atol=1e-5)


def test_gradient_of_sigmoid_and_relu() -> None:
    assert demos.gradient("sigmoid", 0.0) == pytest.approx(0.25, abs=1e-6)
    assert demos.gradient("sigmoid", 6.0) == pytest.approx(0.0025, abs=1e-4)
    assert demos.gradient("relu", 3.0) == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.9, 1.0, 1.1])
def test_gradient_descent_by_hand(rate: float) -> None:
    place, places = 1.0, [1.0]
    for _ in range(12):
        place -= rate * 2 * place
        places.append(place)
    np.testing.assert_allclose(demos.gradient_descent(rate), places)


def test_gradient_descent_diverges_above_a_rate_of_one() -> None:
    assert abs(demos.gradient_descent(0.99)[-1]) < 1
    assert abs(demos.gradient_descent(1.01)[-1]) > 1


@pytest.mark.parametrize("digit", range(10))
def test_one_vs_rest_matches_scikit_learn(digit: int) -> None:
    confusion = ARTICLES["kite"].confusion
    assert confusion is not None
    true, answer = np.indices((10, 10))
    labels, predicted = true.ravel().repeat(confusion.ravel()), answer.ravel().repeat(confusion.ravel())
    (tn, fp), (fn, tp) = sklearn.metrics.multilabel_confusion_matrix(labels, predicted)[digit]
    found = demos.one_vs_rest(confusion, digit)
    assert (found.true_positives, found.false_negatives, found.false_positives, found.true_negatives) == (
        tp,
        fn,
        fp,
        tn,
    )
    is_digit, called = labels == digit, predicted == digit
    assert found.accuracy == pytest.approx(sklearn.metrics.accuracy_score(is_digit, called))
    assert found.recall == pytest.approx(sklearn.metrics.recall_score(is_digit, called))
    assert found.precision == pytest.approx(sklearn.metrics.precision_score(is_digit, called))


@pytest.mark.parametrize("threshold", [0.0, 0.45, 0.6, 1.01])
def test_mushroom_counts_match_scikit_learn(threshold: float) -> None:
    values, poisonous = demos.mushrooms()
    (tn, fp), (fn, tp) = sklearn.metrics.confusion_matrix(poisonous, values >= threshold, labels=[False, True])
    found = demos.classify_mushrooms(threshold)
    assert (found.true_positives, found.false_negatives, found.false_positives, found.true_negatives) == (
        tp,
        fn,
        fp,
        tn,
    )


def test_accuracy_and_recall_without_positive_answers() -> None:
    found = demos.classify_mushrooms(1.01)
    assert found.accuracy == 0.8
    assert found.recall == found.precision == 0


def test_width_and_ink_by_hand() -> None:
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 4:24, 10:14] = 255
    images[1, 5, [3, 20]] = 200
    images[1, 6, 25] = 100  # More paper than ink.
    np.testing.assert_array_equal(demos.width_and_ink(images), [[4, 80], [18, 2], [0, 0]])


@pytest.mark.parametrize("name", demos.KERNELS)
def test_convolution_matches_keras(name: str) -> None:
    load_tensorflow()
    import keras

    image = np.random.default_rng(3).integers(0, 256, (28, 28)).astype(np.uint8)
    kernel = np.array(demos.KERNELS[name], np.float32)
    expected = keras.ops.convert_to_numpy(
        keras.ops.conv(image[None, :, :, None].astype(np.float32), kernel[:, :, None, None], padding="valid")
    )[0, :, :, 0]
    found = demos.convolve(image, kernel)
    assert found.shape == (26, 26)
    np.testing.assert_allclose(found, expected / np.abs(expected).max(), atol=1e-5)


def test_convolution_of_a_blank_image() -> None:
    assert not demos.convolve(np.zeros((28, 28), np.uint8), demos.KERNELS["left edges"]).any()
