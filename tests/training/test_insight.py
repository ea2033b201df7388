"""What a run in training has learned so far, held against stock Keras."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from scipy import signal

from mnist_core import network
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.network.layers import initial_kernel, initial_weights
from mnist_core.training import engine, insight
from tests.samples import blobs, small

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.network.layers import Weights

CONFIGS = {
    "no hidden layer": small(layers=()),
    "one layer": small(),
    "two layers with dropout": small(layers=(LayerConfig(units=20, dropout=0.5), LayerConfig(units=7))),
    "raw pixels": small(pixels="raw"),
    "augmentation": small(augmentation=1.0),
    "convolution": small(layers=(LayerConfig("conv", 5), LayerConfig(units=9))),
}


def position_of(config: RunConfig) -> engine.Position:
    """A run after three steps on images whose right half is blank."""
    architecture = engine.Architecture.of(config)
    images = blobs().train_images[:24].copy()
    images[:, :, 14:] = 0
    program = engine.program(architecture)
    data = engine.TrainingImages.of(images, blobs().train_labels[:24], not architecture.needs_all_pixels)
    rows = np.arange(3 * config.batch_size, dtype=np.int32).reshape(3, -1) % 24
    return program(
        program.enter(data, initial_weights(config), engine.initial_slots(config)),
        rows,
        np.full(3, config.batch_size, np.int32),
        step=0,
        learning_rate=0.1,
        l2=0.0,
        seed=config.seed,
        augmentation=config.augmentation,
    ).position


def scaled(config: RunConfig, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    return images.astype(np.float32) if config.pixels == "raw" else images / np.float32(255)


def in_keras(config: RunConfig, weights: Weights, images: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
    """Return the outputs of the hidden layers, after their pooling, and of the last layer, as Keras computes them."""
    model = network.to_keras(config)
    model.set_weights(list(weights))
    layers = model.layers
    names = [layer.name for layer in layers if layer.name.startswith(("conv", "dense", "max_pool"))]
    shown = [
        layer.output
        for layer, after in zip(layers, [*layers[1:], None], strict=True)
        if layer.name in names and (after is None or not after.name.startswith("max_pool"))
    ]
    return [keras.Model(model.inputs, one).predict(scaled(config, images), verbose=0) for one in shown]


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("kind", ["position", "weights"])
def test_activations_and_kernels_are_those_of_keras(case: str, kind: str) -> None:
    config = dataclasses.replace(CONFIGS[case], batch_size=8)
    position = position_of(config)
    images = np.random.default_rng(1).integers(0, 256, (12, 28, 28)).astype(np.uint8)
    found = insight.inside(config, position if kind == "position" else position.weights, images)
    *hidden, _ = in_keras(config, position.weights, images)
    assert len(found.activations) == len(config.layers)
    for activations, expected in zip(found.activations, hidden, strict=True):
        np.testing.assert_allclose(activations, expected, rtol=1e-3, atol=1e-4)
    for kernel, expected in zip(found.kernels, position.weights[2::2], strict=True):
        np.testing.assert_array_equal(kernel, expected)


@pytest.mark.parametrize("case", [case for case in CONFIGS if case != "no hidden layer"])
def test_strongest_links_are_the_largest_products(case: str) -> None:
    config = dataclasses.replace(CONFIGS[case], batch_size=8)
    images = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    found = insight.inside(config, position_of(config).weights, images)
    for layer, kernel in enumerate(found.kernels):
        units, products = found.strongest_links(layer, 6, 10)
        for image, (pairs, values) in enumerate(zip(units, products, strict=True)):
            activations = found.activations[layer][image]
            every = {}
            for i in range(min(6, activations.shape[-1])):
                for j in range(min(6, kernel.shape[1])):
                    rows = kernel[:, j].reshape(activations.shape)[..., i]
                    every[i, j] = float((activations[..., i] * rows).sum())
            named = {(int(i), int(j)): float(value) for (i, j), value in zip(pairs, values, strict=True)}
            assert named == pytest.approx({pair: every[pair] for pair in named}, rel=1e-3, abs=1e-5)
            least = min(map(abs, named.values()))
            assert all(abs(value) <= least * 1.001 for pair, value in every.items() if pair not in named)


@pytest.mark.parametrize("kind", ["conv", "conv_only"])
def test_links_between_convolutions_are_sums_of_correlations(kind: str) -> None:
    """SciPy slides each kernel over each picture."""
    config = small(layers=(LayerConfig(kind, 3), LayerConfig("conv", 5)))
    found = insight.inside(config, initial_weights(config), blobs().test_images[:2])
    kernel = found.kernels[0]
    units, products = found.strongest_links(0, 2, 100)
    assert units.shape == (2, 4, 2)  # Two filters of each layer.
    for image, (pairs, values) in enumerate(zip(units, products, strict=True)):
        for (i, j), value in zip(pairs, values, strict=True):
            added = signal.correlate2d(found.activations[0][image, ..., i], kernel[..., i, j], mode="valid")
            assert value == pytest.approx(added.sum(), rel=1e-4)
    few, strongest = found.strongest_links(0, 8, 4)
    assert few.shape == (2, 4, 2)
    every = found.strongest_links(0, 8, 100)[1]
    np.testing.assert_allclose(np.sort(np.abs(strongest)), np.sort(np.abs(every))[:, -4:], rtol=1e-6)


def test_changes_of_sampled_weights() -> None:
    random = np.random.default_rng(6)
    first, second = random.normal(size=(784, 16)).astype(np.float32), random.normal(size=(16, 10)).astype(np.float32)
    before = insight.sampled_weights((first, second))
    after = insight.sampled_weights((first * 1.02, second))
    found = insight.relative_changes(before, after)
    assert found == pytest.approx([0.02, 0.0], abs=1e-5)
    other = (first + 0.1 * random.normal(size=first.shape).astype(np.float32), -second)
    exact = [float(np.linalg.norm(b - a) / np.linalg.norm(a)) for a, b in zip((first, second), other, strict=True)]
    assert insight.relative_changes(before, insight.sampled_weights(other)) == pytest.approx(exact, rel=0.05)


def test_changes_of_weights_that_are_no_numbers_or_zero() -> None:
    zero, nan = np.zeros((3, 2), np.float32), np.full((3, 2), np.nan, np.float32)
    assert insight.relative_changes((zero,), (zero + 1,)) == [None]
    assert insight.relative_changes((zero + 1,), (nan,)) == [None]


@pytest.mark.parametrize(
    ("activation", "bias", "stuck"),
    [("relu", -1e6, True), ("relu", 1e6, False), ("sigmoid", 1e6, True), ("tanh", -1e6, True), ("linear", 1e6, False)],
)
def test_stuck_units_are_found(activation: str, bias: float, stuck: bool) -> None:
    config = small(layers=(LayerConfig(units=4, activation=activation),))
    weights = [array.copy() for array in initial_weights(config)]
    weights[1][2] = bias
    found = insight.inside(config, tuple(weights), blobs().test_images[:12])
    assert found.is_stuck(0, activation).tolist() == [False, False, stuck, False]


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("kind", ["position", "weights"])
def test_kernel_of_a_unit_is_a_part_of_the_weights(case: str, kind: str) -> None:
    config = dataclasses.replace(CONFIGS[case], batch_size=8)
    position = position_of(config)
    for layer, kernel in enumerate(position.weights[::2]):
        for unit in (0, kernel.shape[-1] - 1):
            found = insight.kernel_of_unit(position if kind == "position" else position.weights, layer, unit)
            np.testing.assert_array_equal(
                found, np.squeeze(kernel[..., unit]) if kernel.ndim < 4 else kernel[..., unit]
            )


@pytest.mark.parametrize("case", CONFIGS)
def test_probabilities_are_those_of_keras_with_ink_where_training_images_are_blank(case: str) -> None:
    config = dataclasses.replace(CONFIGS[case], batch_size=8)
    position = position_of(config)
    images = np.random.default_rng(1).integers(0, 256, (12, 28, 28)).astype(np.uint8)
    model = network.to_keras(config)
    model.set_weights(list(position.weights))
    expected = model.predict(scaled(config, images), verbose=0)
    found = insight.inside(config, position, images).probabilities
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6)
    # Any number of images.
    found = insight.inside(config, position, images[:5]).probabilities
    np.testing.assert_allclose(found, expected[:5], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("most", [1, 3, 16])
def test_first_kernel_is_a_part_of_the_weights(case: str, most: int) -> None:
    position = position_of(dataclasses.replace(CONFIGS[case], batch_size=8))
    np.testing.assert_array_equal(insight.first_kernel(position, most), position.weights[0][..., :most])


@pytest.mark.parametrize("case", CONFIGS)
def test_probabilities_before_training_are_those_of_keras(case: str) -> None:
    config = CONFIGS[case]
    images = np.random.default_rng(1).integers(0, 256, (12, 28, 28)).astype(np.uint8)
    model = network.to_keras(config)
    model.set_weights(list(initial_weights(config)))
    found = insight.inside(config, initial_weights(config), images).probabilities
    np.testing.assert_allclose(found, model.predict(scaled(config, images), verbose=0), rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("case", CONFIGS)
def test_initial_kernel_is_the_first_of_the_initial_weights(case: str) -> None:
    np.testing.assert_array_equal(initial_kernel(CONFIGS[case]), initial_weights(CONFIGS[case])[0])
