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


def test_gradient_of_the_neuron() -> None:
    weights = np.array(demos.START) + 0.01
    numeric = []
    for k in range(9):
        step = np.eye(9)[k] * 1e-5
        above, below = (demos.neuron_error(weights + sign * step)[1] for sign in (1, -1))
        numeric.append((above - below) / 2e-5)
    np.testing.assert_allclose(demos.neuron_gradient(weights), numeric, atol=1e-8)


def test_weights_of_blank_pixels_have_no_gradient() -> None:
    gradient = demos.neuron_gradient(np.array(demos.START))
    assert (gradient[demos.SEVEN == 0] == 0).all()
    assert (gradient[demos.SEVEN == 1] < 0).all()


def test_ten_steps_bring_the_neuron_to_its_answer() -> None:
    weights = np.array(demos.START)
    errors = [demos.neuron_error(weights)[1]]
    for _ in range(10):
        weights = weights - 0.05 * demos.neuron_gradient(weights)
        errors.append(demos.neuron_error(weights)[1])
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.3
    assert errors[-1] < 0.01


def test_learning_step_is_that_of_keras() -> None:
    import keras

    random = np.random.default_rng(3)
    kernel = random.normal(0, 0.05, (784, 10)).astype(np.float32)
    bias = random.normal(0, 0.05, 10).astype(np.float32)
    images, labels = random.integers(0, 256, (20, 28, 28), np.uint8), random.integers(0, 10, 20)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
    model.set_weights([kernel, bias])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    pixels = images.reshape(20, 784) / 255
    np.testing.assert_allclose(demos.shares(kernel, bias, images), model.predict(pixels, verbose=0), atol=1e-5)
    model.train_on_batch(pixels, labels)
    for ours, theirs in zip(demos.learning_step(kernel, bias, images, labels, 0.5), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_learning_step_leaves_weights_of_blank_pixels() -> None:
    images = np.zeros((5, 28, 28), np.uint8)
    images[:, 10:12, 10:12] = 255
    kernel = np.ones((784, 10), np.float32)
    after, _ = demos.learning_step(kernel, np.zeros(10, np.float32), images, np.arange(5), 1.0)
    changed = (after != kernel).any(axis=1).reshape(28, 28)
    assert changed[10:12, 10:12].all()
    assert changed.sum() == 4


def test_losses_against_keras() -> None:
    import keras

    scores = np.array([-3.0, 0.0, 5.0])
    logits = np.zeros((3, 10))
    logits[:, 4] = scores
    right = np.tile(np.eye(10)[4], (3, 1))
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    cross, squared = demos.losses(scores)
    np.testing.assert_allclose(demos.share_of(scores), probabilities[:, 4], rtol=1e-6)
    np.testing.assert_allclose(cross, keras.losses.categorical_crossentropy(right, probabilities), rtol=1e-6)
    np.testing.assert_allclose(squared, keras.losses.mean_squared_error(right, probabilities), rtol=1e-6)


def test_squared_error_is_flat_where_the_network_is_most_wrong() -> None:
    cross, squared = demos.losses(np.array([-8.0, -7.0, 1.0, 2.0]))
    assert abs(squared[1] - squared[0]) < 0.02 * abs(squared[3] - squared[2])
    assert cross[0] - cross[1] > 0.9


def test_best_of_three_networks() -> None:
    right = {
        "a": np.array([True, False, True, True]),
        "b": np.array([True, True, False, False]),
        "c": np.array([True, True, True, False]),
    }
    few = np.array([True, True, False, False])
    assert demos.best_of(right, few) == demos.Winner("b", 1.0, 0.0)


def test_drawn_images() -> None:
    drawn = demos.draw(200, 10_000, 5)
    assert drawn.sum() == 200
    np.testing.assert_array_equal(drawn, demos.draw(200, 10_000, 5))
    assert (drawn != demos.draw(200, 10_000, 6)).any()
    assert demos.draw(200, 50, 0).sum() == 25


def test_winner_is_worse_on_other_images() -> None:
    """Ten networks that are equally good: the winner's lead is luck."""
    random = np.random.default_rng(0)
    right = {str(k): random.random(5_000) < 0.9 for k in range(10)}
    on_few, on_rest = demos.mean_winner(right, 200)
    assert on_few > on_rest + 0.02
    assert on_rest == pytest.approx(0.9, abs=0.01)


def test_pictures_of_no_digit() -> None:
    found = demos.pictures_of_no_digit()
    assert len(found) == 4
    for image in found.values():
        assert image.shape == (28, 28)
        assert 0 <= image.min() < 0.1
        assert 0.5 < image.max() <= 1
        assert 30 < (image > 0.5).sum() < 300
