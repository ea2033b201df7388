"""First-layer images by hand, layer outputs compared with Keras, and integrated gradients with their known sum."""

import keras
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.evaluation.explanation import first_layer_weights, integrated_gradients, layer_outputs, nearest_images
from mnist_core.network import TrainedNetwork
from tests.samples import CONVOLUTIONS, untrained


def test_dense_unit_weights_as_an_image() -> None:
    kernel = np.zeros((784, 3), np.float32)
    kernel[28 * 5 + 7, 1] = -4.0  # Row 5, column 7 of the second unit.
    kernel[0, 1] = 2.0
    pictures = first_layer_weights((kernel, np.zeros(3, np.float32)))
    assert pictures.shape == (3, 28, 28)
    assert pictures[1, 5, 7] == -4.0
    assert pictures[1, 0, 0] == 2.0
    assert not pictures[0].any()


def test_filter_weights_as_an_image() -> None:
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[2, 0, 0, 1] = 0.25
    pictures = first_layer_weights((kernel, np.zeros(2, np.float32)))
    assert pictures.shape == (2, 3, 3)
    assert pictures[1, 2, 0] == 0.25


def test_only_the_first_units_are_shown() -> None:
    assert len(first_layer_weights((np.ones((784, 40), np.float32),), most=16)) == 16


LAYERS = {
    "none": (),
    "dense": (LayerConfig(units=12), LayerConfig(units=7, activation="tanh", dropout=0.5)),
    "convolutions": (*CONVOLUTIONS, LayerConfig(units=9)),
    "without pooling": (LayerConfig("conv_only", 3), LayerConfig("conv", 4), LayerConfig("conv_only", 3)),
}
IMAGE = np.random.default_rng(6).random((28, 28)).astype(np.float32)


@pytest.mark.parametrize("case", LAYERS)
def test_layer_outputs_match_keras(case: str) -> None:
    trained = untrained(RunConfig(layers=LAYERS[case]))
    model = trained.to_keras()
    # The output of a layer is that after its pooling, if it has any.
    kinds = (keras.layers.Dense, keras.layers.Conv2D, keras.layers.MaxPooling2D)
    own = [layer for layer in model.layers if isinstance(layer, kinds)]
    pooled = [layer for layer in own if isinstance(layer, keras.layers.MaxPooling2D)]
    own = [layer for layer, after in zip(own, [*own[1:], None], strict=True) if after not in pooled]
    expected = keras.Model(model.inputs, [layer.output for layer in own]).predict(IMAGE[np.newaxis], verbose=0)
    ours = layer_outputs(trained, IMAGE)
    for answer, kerass in zip(ours[:-1], [layer[0] for layer in expected[:-1]], strict=True):
        # Pixels that later pooling drops are not computed.
        seen = tuple(slice(length) for length in answer.shape)
        np.testing.assert_allclose(answer, kerass[seen], rtol=1e-4, atol=1e-5)
    odds = np.exp(ours[-1]) / np.exp(ours[-1]).sum()
    np.testing.assert_allclose(odds, model.predict(IMAGE[np.newaxis], verbose=0)[0], rtol=1e-4)


@pytest.mark.parametrize("case", LAYERS)
def test_integrated_gradients_sum_to_the_output_change(case: str) -> None:
    trained = untrained(RunConfig(layers=LAYERS[case]))
    drawn, blank = (layer_outputs(trained, image)[-1] for image in (IMAGE, np.zeros_like(IMAGE)))
    credit = integrated_gradients(trained, IMAGE, 3, 8)
    assert credit.shape == (28, 28)
    assert credit.sum() == pytest.approx((drawn[3] - blank[3]) - (drawn[8] - blank[8]), rel=0.03, abs=0.01)


def test_integrated_gradients_of_a_linear_network() -> None:
    trained = untrained(RunConfig(layers=()))
    kernel = trained.weights[0]
    np.testing.assert_allclose(
        integrated_gradients(trained, IMAGE, 4).reshape(784), kernel[:, 4] * IMAGE.reshape(784), atol=1e-6
    )


def test_network_of_raw_pixels() -> None:
    """Raw pixels are 255 times larger, so first weights divided by 255 give the same outputs; Keras agrees."""
    scaled = untrained(RunConfig(layers=(LayerConfig(units=12),)))
    weights = (scaled.weights[0] / np.float32(255), *scaled.weights[1:])
    raw = TrainedNetwork(RunConfig(layers=scaled.config.layers, pixels="raw"), weights)
    for own, other in zip(layer_outputs(raw, IMAGE), layer_outputs(scaled, IMAGE), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        integrated_gradients(raw, IMAGE, 3, 8), integrated_gradients(scaled, IMAGE, 3, 8), rtol=1e-3, atol=1e-5
    )
    odds = np.exp(layer_outputs(raw, IMAGE)[-1])
    stock = raw.to_keras().predict(IMAGE[np.newaxis] * np.float32(255), verbose=0)[0]
    np.testing.assert_allclose(odds / odds.sum(), stock, rtol=1e-4)


def test_blank_pixels_get_no_attribution() -> None:
    image = IMAGE.copy()
    image[:, 10:] = 0
    assert not integrated_gradients(untrained(RunConfig()), image, 1, 2)[:, 10:].any()


def test_nearest_images_match_scikit_learn() -> None:
    images = np.random.default_rng(7).integers(0, 256, (5000, 28, 28), dtype=np.uint8)
    search = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(images.reshape(5000, 784) / 255)
    expected = search.kneighbors(IMAGE.reshape(1, 784), return_distance=False)[0]
    np.testing.assert_array_equal(nearest_images(IMAGE, images, 6), expected)
