"""Teaching a trained network some digits more, such as one's own drawings, without it forgetting the others."""

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

# What a network no longer sees it forgets (McCloskey and Cohen, 1989), so old images are rehearsed with the new ones.
_REHEARSED = 4_000
# The new ones come again and again, each time augmented differently, but few of them not so often as to drown the rest.
_NEW = 2_000
_MOST_REPEATS = 50
_LEAST_AUGMENTATION = 0.5


def recipe(config: RunConfig) -> RunConfig:
    """How a network that was trained as `config` says is taught more: with small steps, augmented and shuffled."""
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


def lesson(config: RunConfig, dataset: Dataset, drawings: Sequence[LabelledDrawing]) -> Dataset:
    """What a network that was trained as `config` says is to learn from: old images, and the drawings many times over.

    Args:
        config: says which images of `dataset` it was trained on and which it is tested on; that stays so.
        dataset: what it was trained on.
        drawings: the new ones, at least one.
    """
    split = splits.split_for(dataset, config)
    random = np.random.default_rng([config.seed, 4])
    old = random.permutation(split.train_indices)[:_REHEARSED]
    repeats = min(_MOST_REPEATS, max(1, _NEW // len(drawings)))
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
    """The state from which `recipe` continues: the network's weights, and an optimizer that has seen nothing yet."""
    return TrainingState(network.weights, engine.initial_slots(recipe(network.config)), 0)
