"""Fine-tuning a network: its data, its start, and that it does not forget."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from mnist_core import training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import datasets, splits
from mnist_core.drawing import handwriting, strokes, test_set, to_mnist
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.network import TrainedNetwork
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, finetuning
from tests.events import finished
from tests.samples import blobs, small
from tests.scheduled_runs import wait_for_status


def drawings(count: int) -> list[LabelledDrawing]:
    """Images that are in no data set."""
    random = np.random.default_rng(4)
    return [LabelledDrawing(random.integers(0, 256, (28, 28), np.uint8), k % 10) for k in range(count)]


def train(config: RunConfig, dataset: datasets.Dataset, state: training.TrainingState | None = None) -> TrainedNetwork:
    return finished(list(training.train(config, dataset, state))).network


@functools.cache
def trained() -> TrainedNetwork:
    return train(small(epochs=6), blobs())


def test_network_learns_new_writer_without_forgetting() -> None:
    # Forms that differ from scikit-learn's digits; the second half of the drawings is not trained on.
    random = np.random.default_rng(6)
    lines = [(k % 10, strokes.fit_to_canvas(handwriting.digit_strokes(k % 10, random), 0.65)) for k in range(200)]
    images = [np.round(to_mnist(strokes.render(one, 18)).image * 255).astype(np.uint8) for _, one in lines]
    own = [LabelledDrawing(image, label) for image, (label, _) in zip(images, lines, strict=True)]
    dataset = datasets.load("embedded")
    before = train(small(layers=(LayerConfig(units=64),), epochs=3, dataset="embedded"), dataset)
    mixed = finetuning.training_set(before.config, dataset, own[:100])
    after = train(finetuning.recipe(before.config), mixed, finetuning.start(before))
    assert test_set.count_correct(after, own[100:]) >= test_set.count_correct(before, own[100:]) + 15
    right = [(it.predict(dataset.test_images).argmax(axis=1) == dataset.test_labels).mean() for it in (before, after)]
    assert right[1] >= right[0] - 0.02


def test_finetuning_starts_from_the_network_weights() -> None:
    config = dataclasses.replace(trained().config, learning_rate=1e-6, epochs=1)
    start = training.TrainingState(trained().weights, (), 0)
    run = Scheduler(1).submit(config, blobs(), start=start)
    wait_for_status(run, Status.FINISHED)
    assert run.snapshot.network is not None
    for before, after in zip(trained().weights, run.snapshot.network.weights, strict=True):
        np.testing.assert_allclose(after, before, atol=1e-3)


@pytest.mark.parametrize("kind", ["official", "kite"])
def test_finetuning_data_has_no_held_out_images(kind: str) -> None:
    config = dataclasses.replace(trained().config, split=kind, validation_fraction=0.2)
    mixed = finetuning.training_set(config, blobs(), drawings(12))
    split = splits.split(blobs(), kind, 0.2)
    may_be_seen = {image.tobytes() for image in blobs().train_images[split.train_indices]}
    old = {image.tobytes() for image in mixed.train_images} - {one.image.tobytes() for one in drawings(12)}
    assert old == may_be_seen  # All of them, since they are few.
    np.testing.assert_array_equal(mixed.test_images, split.test_images)
    np.testing.assert_array_equal(mixed.test_labels, split.test_labels)


@pytest.mark.parametrize(("count", "times"), [(1, 50), (12, 50), (100, 20), (90, 22)])
def test_drawings_are_repeated_up_to_a_share(count: int, times: int) -> None:
    own = drawings(count)
    mixed = finetuning.training_set(trained().config, blobs(), own)
    for one in own:
        is_it = (mixed.train_images == one.image).all(axis=(1, 2))
        assert is_it.sum() == times
        assert set(mixed.train_labels[is_it]) == {one.label}


def test_large_data_set_uses_a_fixed_sample() -> None:
    many = blobs(train=6_000)
    first, second = (finetuning.training_set(trained().config, many, drawings(1)) for _ in range(2))
    assert len(first.train_images) == 4_000 + 50
    np.testing.assert_array_equal(first.train_images, second.train_images)


def test_recipe_augments_without_validation() -> None:
    config = dataclasses.replace(
        small(),
        split="kite",
        validation_fraction=0.3,
        early_stopping=3,
        batch_size=1_024,
        augmentation=0.8,
        order="file",
        pixels="raw",
        training_images=100,
    )
    recipe = finetuning.recipe(config)
    assert (recipe.split, recipe.validation_fraction, recipe.early_stopping) == ("official", 0, 0)
    assert recipe.training_images == 0
    assert recipe.augmentation == 0.8
    assert finetuning.recipe(small()).augmentation == 0.5
    assert recipe.layers == config.layers
    assert recipe.pixels == "raw"
    # The drawings are stored after the old images, but must not all come last in an epoch.
    assert recipe.order == "shuffled"
