"""Small data and small networks that several tests use."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import Dataset, splits
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights

CONVOLUTIONS = (LayerConfig("conv", 4), LayerConfig("conv", 6, "tanh"))


@functools.cache
def blobs(train: int = 300, test: int = 90, seed: int = 0) -> Dataset:
    """Ten coarse patterns, one a digit, under noise: quickly learned, but not at once.

    `train` is divisible by 4 but not by 32, so that an epoch's last batch is a smaller one.
    """
    random = np.random.default_rng([1, seed])
    patterns = np.random.default_rng(7).random((10, 7, 7)) < 0.35

    def images(labels: Any) -> Any:
        ink = patterns[labels].repeat(4, axis=1).repeat(4, axis=2) * random.uniform(90, 200, (len(labels), 1, 1))
        return np.clip(ink + random.normal(0, 60, ink.shape), 0, 255).astype(np.uint8)

    train_labels = random.integers(0, 10, train).astype(np.uint8)
    test_labels = random.integers(0, 10, test).astype(np.uint8)
    return Dataset(
        name="blobs",
        train_images=images(train_labels),
        train_labels=train_labels,
        test_images=images(test_labels),
        test_labels=test_labels,
        provenance="made up by a test",
    )


def mislabelled_validation() -> Dataset:
    """`blobs`, but the better a network learns them, the worse it does on the validation images (share 0.25)."""
    dataset = blobs()
    chosen = splits.split(dataset, "official", 0.25).validation_indices
    labels = dataset.train_labels.copy()
    labels[chosen] = (labels[chosen] + 1) % 10
    return dataclasses.replace(dataset, train_labels=labels)


def small(**changes: Any) -> RunConfig:
    """A run of a few seconds at most. Tests that agree in the network share its compiled program."""
    settings: dict[str, Any] = {
        "layers": (LayerConfig(units=16),),
        "batch_size": 32,
        "epochs": 2,
        "learning_rate": 0.1,
        "dataset": "blobs",
    }
    return RunConfig(**(settings | changes))


def untrained(config: RunConfig) -> TrainedNetwork:
    """Initial weights, with biases that are not all zero."""
    random = np.random.default_rng(2)
    weights = initial_weights(config)
    return TrainedNetwork(
        config,
        tuple(w if w.ndim > 1 else random.normal(0, 0.1, w.shape).astype(np.float32) for w in weights),
    )
