"""The presets compared with the figures of the articles, copied by hand."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from mnist_core import network, training
from mnist_core.config import LayerConfig
from mnist_core.data import datasets
from mnist_core.evaluation import metrics
from mnist_core.presets import PRESETS, preset_of, recipe_of, title_of
from mnist_core.training import loop
from tests.samples import blobs


def test_menu_order() -> None:
    assert list(PRESETS) == ["kite", "torres", "morgan-0", "morgan-1", "morgan-2", "cnn"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("kite", 100_480 + 1_290),
        ("torres", 7_850 + 110),
        ("morgan-0", 7_850),
        ("morgan-1", 784 * 512 + 512 + 512 * 10 + 10),
        ("morgan-2", 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10),
        ("cnn", 34_826),
    ],
)
def test_published_parameter_count(name: str, parameters: int) -> None:
    assert network.parameter_count(PRESETS[name].config) == parameters


def test_kite_recipe() -> None:
    config = PRESETS["kite"].config
    assert config.layers == (LayerConfig("dense", 128, "relu", 0.0),)
    assert (config.optimizer, config.learning_rate) == ("sgd", 0.01)
    assert (config.batch_size, config.epochs, config.split) == (128, 20, "kite")


def test_torres_recipe() -> None:
    config = PRESETS["torres"].config
    assert config.layers == (LayerConfig("dense", 10, "sigmoid", 0.0),)
    assert (config.optimizer, config.learning_rate) == ("sgd", 0.01)
    assert (config.batch_size, config.epochs, config.split) == (100, 5, "official")


@pytest.mark.parametrize("hidden", [0, 1, 2])
def test_morgan_recipe(hidden: int) -> None:
    config = PRESETS[f"morgan-{hidden}"].config
    assert config.layers == (LayerConfig("dense", 512, "relu", 0.2),) * hidden
    assert (config.optimizer, config.learning_rate) == ("rmsprop", 0.001)
    assert (config.batch_size, config.split) == (128, "official")


def test_small_cnn_matches_the_keras_example() -> None:
    config = PRESETS["cnn"].config
    assert config.layers == (LayerConfig("conv", 32, "relu", 0.0), LayerConfig("conv", 64, "relu", 0.5))
    assert (config.optimizer, config.learning_rate, config.batch_size) == ("adam", 0.001, 128)


@pytest.mark.parametrize("name", PRESETS)
def test_recipe_has_only_settings_of_the_article(name: str) -> None:
    config = PRESETS[name].config
    assert config.loss == "categorical_crossentropy"
    assert config.dataset == "mnist"
    assert (config.l2, config.early_stopping, config.validation_fraction) == (0.0, 0, 0.0)


@pytest.mark.parametrize(
    ("name", "accuracy", "loss"),
    [
        ("kite", 0.9264, 0.2567),
        ("torres", 0.9018, None),
        ("morgan-0", 0.924, 0.276),
        ("morgan-1", 0.981, 0.068),
        ("morgan-2", 0.982, 0.0719),
    ],
)
def test_published_figures(name: str, accuracy: float, loss: float | None) -> None:
    published = PRESETS[name].published
    assert published is not None
    assert (published.test_accuracy, published.test_loss) == (accuracy, loss)
    assert PRESETS[name].source


def test_cnn_has_no_article() -> None:
    assert PRESETS["cnn"].published is None


def test_torres_note_mentions_the_contradicting_log() -> None:
    published = PRESETS["torres"].published
    assert published is not None
    assert "0.9018" in published.note
    assert "0.7034" in published.note


@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_recognized_on_other_data(name: str) -> None:
    preset = PRESETS[name]
    assert preset_of(preset.config) is preset
    assert preset_of(dataclasses.replace(preset.config, dataset="embedded")) is preset
    assert preset_of(dataclasses.replace(preset.config, batch_size=17)) is None


@pytest.mark.parametrize("name", PRESETS)
def test_other_seed_is_still_the_preset(name: str) -> None:
    config = PRESETS[name].config
    for seed in (config.seed, config.seed + 1, 2**31 - 1):
        assert recipe_of(dataclasses.replace(config, seed=seed, dataset="embedded")) is PRESETS[name]
    assert recipe_of(dataclasses.replace(config, batch_size=17)) is None


def test_title_of_a_preset_with_another_seed() -> None:
    assert title_of(dataclasses.replace(PRESETS["cnn"].config, seed=5)) == "Small CNN: two convolutions, seed 5"


def test_title_of_a_custom_network() -> None:
    own = dataclasses.replace(PRESETS["cnn"].config, batch_size=5)
    assert title_of(own) == "784 → 32 filters ReLU → 64 filters ReLU → 10"


@pytest.mark.parametrize("name", PRESETS)
def test_preset_trains_one_chunk(name: str) -> None:
    config = PRESETS[name].config
    events = training.train(config, blobs())
    started = next(events)
    assert isinstance(started, training.Started)
    assert started.parameters == network.parameter_count(config)
    point = next(event for event in events if isinstance(event, training.Progress) and event.position is not None)
    assert np.isfinite(point.loss)
    assert point.position is not None
    for before, after in zip(loop.initial_state(config).weights, point.position.weights, strict=True):
        assert before.shape == after.shape
        assert not np.array_equal(before, after)


@pytest.mark.skipif("MNIST_DATA_DIR" not in os.environ, reason="needs MNIST itself")
@pytest.mark.parametrize(
    ("key", "printed", "tolerance", "test_accuracy"),
    [
        # The logs printed in the articles: loss and accuracy on the training images, for each epoch.
        (
            "kite",
            {1: (1.3758, 0.6651), 2: (0.6496, 0.8504), 5: (0.3963, 0.8931), 10: (0.3163, 0.9117), 20: (0.2526, 0.9302)},
            0.05,
            (0.92, 0.935),
        ),
        (
            "torres",
            {1: (2.1822, 0.2916), 2: (1.9180, 0.5283), 3: (1.6978, 0.5937), 4: (1.5102, 0.6537), 5: (1.3526, 0.7034)},
            0.02,
            (0.66, 0.81),
        ),
        ("morgan-0", {}, 0.0, (0.92, 0.93)),
    ],
)
def test_preset_reaches_published_figures_on_mnist(
    key: str, printed: dict[int, tuple[float, float]], tolerance: float, test_accuracy: tuple[float, float]
) -> None:
    dataset = datasets.load("mnist")
    epochs = {}
    for event in training.train(PRESETS[key].config, dataset):
        if isinstance(event, training.EpochEnded):
            epochs[event.epoch] = (event.metrics.loss, event.metrics.accuracy)
        elif isinstance(event, training.Finished):
            lowest, highest = test_accuracy
            assert lowest <= metrics.evaluate_on_test(event.network, dataset).accuracy <= highest
    for epoch, figures in printed.items():
        np.testing.assert_allclose(epochs[epoch], figures, atol=tolerance)
