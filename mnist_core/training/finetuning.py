"""Fine-tuning: teach a trained network more images, such as a visitor's drawings, without forgetting the old ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.data import splits
from mnist_core.training import engine
from mnist_core.training.events import TrainingState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.drawing.test_set import LabelledDrawing
    from mnist_core.network import TrainedNetwork

# A network forgets what it no longer sees (McCloskey and Cohen, 1989), so it trains on old images too.
_OLD_IMAGES = 4_000
# The drawings are repeated, each time augmented differently, to about this number of images.
_NEW_IMAGES = 2_000
# With few drawings, so that the network does not learn these alone.
_MOST_REPEATS = 50
_LEAST_AUGMENTATION = 0.5


def recipe(config: RunConfig) -> RunConfig:
    """The config to fine-tune a network that was trained with `config`: small steps, augmented and shuffled images."""
    return dataclasses.replace(
        config,
        optimizer="adam",
        learning_rate=0.0005,
        batch_size=min(config.batch_size, 64),
        epochs=4,
        augmentation=max(config.augmentation, _LEAST_AUGMENTATION),
        split="official",
        order="shuffled",
        validation_fraction=0.0,
        training_images=0,
        early_stopping=0,
    )


def training_set(config: RunConfig, dataset: Dataset, drawings: Sequence[LabelledDrawing]) -> Dataset:
    """The data to fine-tune a network with: a sample of its training images, and the drawings, repeated.

    The test images stay those of `config`. No image that `config` holds out is among the training images.

    Args:
        config: how the network was trained.
        dataset: the data set that it was trained on.
        drawings: the new images, at least one.
    """
    split = splits.split_for(dataset, config)
    random = np.random.default_rng([config.seed, 4])
    old = random.permutation(split.train_indices)[:_OLD_IMAGES]
    repeats = min(_MOST_REPEATS, max(1, _NEW_IMAGES // len(drawings)))
    images = np.stack([one.image for one in drawings])
    labels = np.array([one.label for one in drawings], np.uint8)
    return dataclasses.replace(
        dataset,
        train_images=np.concatenate([dataset.train_images[old], np.repeat(images, repeats, axis=0)]),
        train_labels=np.concatenate([dataset.train_labels[old], np.repeat(labels, repeats)]),
        test_images=split.test_images,
        test_labels=split.test_labels,
        train_groups=None,
    )


def start(network: TrainedNetwork) -> TrainingState:
    """The state from which fine-tuning starts: the network's weights and a new optimizer."""
    return TrainingState(network.weights, engine.initial_slots(recipe(network.config)), 0)
