"""Networks compared with Keras: layers, counts and answers; and their cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mnist_core import network
from mnist_core.config import ACTIVATIONS, LayerConfig, RunConfig
from mnist_core.errors import DataError, NetworkFileError
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights, weight_shapes
from mnist_core.presets import PRESETS
from mnist_core.training import engine
from tests.samples import blobs, small, untrained

ODD_LAYERS: dict[str, tuple[LayerConfig, ...]] = {
    "three-convolutions": (LayerConfig("conv", 3), LayerConfig("conv", 4, dropout=0.1), LayerConfig("conv", 5)),
    "convolutions-without-pooling": (LayerConfig("conv_only", 3), LayerConfig("conv_only", 4, "gelu")),
    "one-pooling-for-two": (LayerConfig("conv_only", 3), LayerConfig("conv", 4, dropout=0.1), LayerConfig(units=5)),
    "convolution-then-dense": (LayerConfig("conv", 2, "tanh", 0.2), LayerConfig(units=6, dropout=0.3)),
    "six-dense": (LayerConfig(units=3, activation="silu", dropout=0.5),) * 6,
    "one-unit": (LayerConfig(units=1),),
}
NETWORKS = {name: preset.config for name, preset in PRESETS.items()} | {
    name: small(layers=layers, l2=0.01) for name, layers in ODD_LAYERS.items()
}


@pytest.mark.parametrize("name", NETWORKS)
def test_summary_matches_keras(name: str) -> None:
    """Same layers in the same order, same output shapes, same parameters; only the row of the input is ours."""
    rows = network.summary(NETWORKS[name])
    model = network.to_keras(NETWORKS[name])
    assert rows[0].output_shape == (28, 28)
    assert rows[0].parameters == 0
    assert [row.name.split()[0] for row in rows[1:]] == [type(layer).__name__ for layer in model.layers]
    assert [row.output_shape for row in rows[1:]] == [tuple(layer.output.shape[1:]) for layer in model.layers]
    assert [row.parameters for row in rows[1:]] == [layer.count_params() for layer in model.layers]
    assert network.parameter_count(NETWORKS[name]) == model.count_params()


@pytest.mark.parametrize("name", NETWORKS)
def test_weight_shapes_and_initial_spread_match_keras(name: str) -> None:
    model = network.to_keras(NETWORKS[name])
    assert [weight.shape for weight in model.get_weights()] == weight_shapes(NETWORKS[name].layers)
    for stock, own in zip(model.get_weights(), initial_weights(NETWORKS[name]), strict=True):
        if stock.size > 500:
            assert own.std() == pytest.approx(stock.std(), rel=0.1)


def test_summary_names() -> None:
    rows = network.summary(
        small(layers=(LayerConfig("conv", 4, dropout=0.25), LayerConfig(units=5, activation="gelu")))
    )
    assert [row.name for row in rows] == [
        "Input",
        "Reshape",
        "Conv2D 3x3 · ReLU",
        "MaxPooling2D 2x2",
        "Dropout 0.25",
        "Flatten",
        "Dense · GELU",
        "Dense · Softmax",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_match_keras(name: str) -> None:
    trained = untrained(NETWORKS[name])
    images = blobs().test_images[:40]
    expected = trained.to_keras().predict(images / np.float32(255), verbose=0)
    np.testing.assert_allclose(trained.predict(images), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_match_keras(activation: str, kind: str) -> None:
    trained = untrained(small(layers=(LayerConfig(kind, 12, activation),)))
    images = blobs().test_images[:40]
    model = trained.to_keras()
    assert model.layers[-2 if kind == "dense" else -4].activation.__name__ == activation
    expected = np.asarray(model(images / np.float32(255)))
    np.testing.assert_allclose(trained.predict(images), expected, rtol=1e-4, atol=1e-6)


def test_loss_penalty_of_the_keras_model() -> None:
    trained = untrained(small(l2=0.03))
    expected = 0.03 * sum((weight.astype(np.float64) ** 2).sum() for weight in trained.weights[::2])
    assert float(sum(trained.to_keras().losses)) == pytest.approx(expected, rel=1e-5)
    assert not untrained(small()).to_keras().losses


def test_predict_accepts_bytes_and_floats() -> None:
    trained = untrained(small())
    images = blobs().test_images[:7]
    answers = trained.predict(images)
    assert answers.dtype == np.float32
    assert answers.shape == (7, 10)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(trained.predict(images * np.float32(1 / 255)), answers)
    np.testing.assert_allclose(trained.predict(images / 255.0), answers, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layers", [small().layers, (LayerConfig("conv", 3), LayerConfig(units=4))])
def test_network_of_raw_pixels_matches_keras_on_bytes(layers: tuple[LayerConfig, ...]) -> None:
    """`predict` takes bytes or floats from 0 to 1, as for any network; Keras gets the bytes."""
    scaled = untrained(small(layers=layers))
    trained = TrainedNetwork(
        small(layers=layers, pixels="raw"), (scaled.weights[0] / np.float32(50), *scaled.weights[1:])
    )
    images = blobs().test_images[:40]
    expected = trained.to_keras().predict(images.astype(np.float32), verbose=0)
    np.testing.assert_allclose(trained.predict(images), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(trained.predict(images / 255.0), expected, rtol=1e-4, atol=1e-6)
    assert np.abs(scaled.predict(images) - expected).max() > 0.01


def test_predict_nothing() -> None:
    assert untrained(small()).predict(np.zeros((0, 28, 28), np.uint8)).shape == (0, 10)


def test_predict_in_blocks() -> None:
    trained = untrained(small())
    images = np.random.default_rng(0).integers(0, 256, (4099, 28, 28)).astype(np.uint8)
    answers = trained.predict(images)
    assert answers.shape == (4099, 10)
    for part in (slice(0, 5), slice(2046, 2050), slice(4096, 4099)):
        np.testing.assert_allclose(answers[part], trained.predict(images[part]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((1, 784), np.uint8),
        np.zeros((1, 28, 28, 1), np.uint8),
        np.zeros((1, 27, 28), np.uint8),
        np.zeros((1, 28, 28), np.int64),
        np.zeros((1, 28, 28), bool),
        np.zeros((1, 28, 28), complex),
        np.zeros((1, 28, 28), object),
    ],
    ids=lambda images: f"{images.dtype}-{images.shape}",
)
def test_predict_refuses_other_images(images: Any) -> None:
    with pytest.raises(DataError):
        untrained(small()).predict(images)


def test_wrong_weight_shapes() -> None:
    weights = initial_weights(small())
    for wrong in ((), weights[:-1], (*weights, weights[0]), weights[::-1]):
        with pytest.raises(NetworkFileError, match="do not fit"):
            TrainedNetwork(small(), wrong)


# Costs


def test_step_flops_of_kite_by_hand() -> None:
    # Forward: a multiplication and an addition for each weight and image. Backward: twice as many.
    assert network.step_flops(PRESETS["kite"].config) == 3 * 2 * (784 * 128 + 128 * 10) * 128


def test_step_flops_of_the_small_cnn_by_hand() -> None:
    forward_pass = 2 * (26 * 26 * 9 * 32 + 11 * 11 * 9 * 32 * 64 + 5 * 5 * 64 * 10)
    assert network.step_flops(PRESETS["cnn"].config) == 3 * forward_pass * 128


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_training_memory_is_a_few_copies_of_the_weights(optimizer: str) -> None:
    config = RunConfig(layers=(LayerConfig(units=512),) * 2, optimizer=optimizer, batch_size=32)
    held = sum(array.nbytes for array in (*initial_weights(config), *engine.initial_slots(config)))
    assert 2 * held <= network.training_bytes(config) <= 6 * held


def test_training_memory_counts_a_batch_of_pictures() -> None:
    few, many = (
        network.training_bytes(RunConfig(layers=(LayerConfig("conv", 64),), batch_size=size)) for size in (64, 1024)
    )
    pictures = 960 * 26 * 26 * 64 * 4
    assert pictures < many - few < 6 * pictures
