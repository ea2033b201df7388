"""What a run in training has learned so far, held against stock Keras."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mnist_core import network
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.network.layers import initial_kernel, initial_weights
from mnist_core.training import engine, insight
from tests.samples import blobs, small

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


@pytest.mark.parametrize("case", CONFIGS)
def test_probabilities_are_those_of_keras_with_ink_where_training_images_are_blank(case: str) -> None:
    config = dataclasses.replace(CONFIGS[case], batch_size=8)
    position = position_of(config)
    images = np.random.default_rng(1).integers(0, 256, (12, 28, 28)).astype(np.uint8)
    model = network.to_keras(config)
    model.set_weights(list(position.weights))
    scaled = images.astype(np.float32) if config.pixels == "raw" else images / np.float32(255)
    expected = model.predict(scaled, verbose=0)
    np.testing.assert_allclose(insight.probabilities(config, position, images), expected, rtol=2e-4, atol=1e-6)
    # Any number of images.
    np.testing.assert_allclose(insight.probabilities(config, position, images[:5]), expected[:5], rtol=2e-4, atol=1e-6)


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
    scaled = images.astype(np.float32) if config.pixels == "raw" else images / np.float32(255)
    found = insight.untrained_probabilities(config, images)
    np.testing.assert_allclose(found, model.predict(scaled, verbose=0), rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("case", CONFIGS)
def test_initial_kernel_is_the_first_of_the_initial_weights(case: str) -> None:
    np.testing.assert_array_equal(initial_kernel(CONFIGS[case]), initial_weights(CONFIGS[case])[0])
