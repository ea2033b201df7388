"""Predictions, compared with NumPy's sorting."""

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import DataError
from mnist_core.evaluation import Prediction, Predictor
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights

IMAGES = np.random.default_rng(3).random((4, 28, 28), np.float32)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    config = RunConfig(layers=())
    return Predictor(TrainedNetwork(config, initial_weights(config)))


def test_one_image_gives_ten_probabilities(predictor: Predictor) -> None:
    prediction = predictor(IMAGES[0])
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert int(prediction.digit) == int(np.argmax(prediction.probabilities))


def test_batch_gives_the_same_as_single_images(predictor: Predictor) -> None:
    together = predictor(IMAGES)
    assert together.digit.shape == (4,)
    for image, probabilities in zip(IMAGES, together.probabilities, strict=True):
        np.testing.assert_allclose(predictor(image).probabilities, probabilities, atol=1e-6)


def test_top_is_sorted_by_probability() -> None:
    chances = np.array([0.1, 0.4, 0, 0.3, 0, 0.2, 0, 0, 0, 0], np.float32)
    assert [digit for digit, _ in Prediction(chances).top(4)] == [1, 3, 5, 0]
    assert Prediction(chances).top(1)[0][1] == pytest.approx(0.4)


@pytest.mark.parametrize(("best", "is_like"), [(0.1, False), (0.19, False), (0.21, True), (0.9, True)])
def test_equal_probabilities_are_not_like_a_digit(best: float, is_like: bool) -> None:
    shares = np.full(10, (1 - best) / 9, np.float32)
    shares[3] = best
    assert bool(Prediction(shares).is_plausible) is is_like


def test_equally_likely_digits_keep_their_order() -> None:
    assert [digit for digit, _ in Prediction(np.full(10, 0.1, np.float32)).top(10)] == list(range(10))


def test_top_of_several_images_is_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="several images"):
        predictor(IMAGES).top(2)


@pytest.mark.parametrize("shape", [(27, 28), (784,), (1, 28, 28, 1), (0,)])
def test_other_shape_is_refused(predictor: Predictor, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="form"):
        predictor(np.zeros(shape, np.float32))


def test_whole_numbers_are_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="type"):
        predictor(np.zeros((28, 28), np.int64))


def test_spread_answer_has_no_favourite_and_many_that_stay_possible() -> None:
    even = np.full(10, 0.1, np.float32)
    two = np.array([0.5, 0.5, *[0.0] * 8], np.float32)
    confident = np.array([0.7, *[0.3 / 9] * 9], np.float32)
    assert Prediction(np.stack([even, two, confident])).is_spread.tolist() == [True, False, False]
    assert bool(Prediction(even).is_spread)
