"""Augmented images, compared with SciPy's warps and filters, and in the compiled chunk with plain arrays."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage, stats

from mnist_core import training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.network import TrainedNetwork, augmentation
from mnist_core.network.layers import hash_uint32, initial_weights
from mnist_core.training import engine
from tests.samples import CONVOLUTIONS, blobs, small

COUNT = 64
IMAGES = np.random.default_rng(4).random((COUNT, 28, 28), np.float32)


@functools.cache
def compiled() -> Any:
    return tf.function(augmentation.augment, jit_compile=True, autograph=False)


def changed(images: Any, key: int = 1, strength: float = 1.0) -> Any:
    flat = tf.constant(images.reshape(len(images), 784), tf.float32)
    answer = compiled()(flat, tf.constant(key, tf.uint32), tf.constant(strength, tf.float32))
    return answer.numpy().reshape(-1, 28, 28)


def test_random_numbers_are_uniform_and_independent() -> None:
    first, second = (augmentation.uniform(tf.constant(9, tf.uint32), salt, (20_000,)).numpy() for salt in (1, 2))
    for numbers in (first, second):
        assert numbers.min() >= -1
        assert numbers.max() < 1
        assert stats.kstest(numbers, stats.uniform(-1, 2).cdf).pvalue > 0.001
        assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_strength_0_changes_nothing() -> None:
    images = IMAGES.copy()
    images[:, 3, 3] = 1.0  # Full ink in some pixel, as in every drawing.
    np.testing.assert_allclose(changed(images, strength=0.0), images, atol=1e-5)


def test_values_stay_between_paper_and_ink() -> None:
    for key in range(5):
        images = changed(IMAGES, key)
        assert images.min() >= 0
        assert images.max() <= 1


def test_blank_image_stays_blank() -> None:
    assert not changed(np.zeros((2, 28, 28), np.float32)).any()


def test_same_key_gives_the_same_images() -> None:
    np.testing.assert_array_equal(changed(IMAGES, 5), changed(IMAGES, 5))
    assert np.abs(changed(IMAGES, 5) - changed(IMAGES, 6)).mean() > 0.05


def test_each_image_gets_its_own_change() -> None:
    one = np.repeat(IMAGES[:1], COUNT, axis=0)
    images = changed(one)
    assert len({image.tobytes() for image in images}) == COUNT


def test_higher_strength_changes_more() -> None:
    images = ndimage.gaussian_filter(IMAGES, (0, 3, 3))
    images /= images.max(axis=(1, 2), keepdims=True)
    differences = [np.abs(changed(images, strength=s) - images).mean() for s in (0.05, 0.3, 1.0)]
    assert differences == sorted(differences)
    assert differences[0] < differences[2] / 4


def test_warp_matches_scipy() -> None:
    random = np.random.default_rng(5)
    rows, columns = random.uniform(-6, 34, (2, 3, 28, 28)).astype(np.float32)
    warped = augmentation._warped(tf.constant(IMAGES[:3]), tf.constant(rows), tf.constant(columns)).numpy()
    for i in range(3):
        framed = np.pad(IMAGES[i], 10)
        expected = ndimage.map_coordinates(framed, [rows[i] + 10, columns[i] + 10], order=1)
        np.testing.assert_allclose(warped[i], expected, atol=1e-3)


@pytest.mark.parametrize(("ours", "scipys"), [("maximum", "grey_dilation"), ("minimum", "grey_erosion")])
def test_pen_width_matches_scipy_morphology(ours: str, scipys: str) -> None:
    result = augmentation._extreme(tf.constant(IMAGES[:4]), getattr(tf, ours)).numpy()
    for image, changed_image in zip(IMAGES, result, strict=False):
        expected = getattr(ndimage, scipys)(image, size=(3, 3), mode="constant", cval=0)
        np.testing.assert_array_equal(changed_image, expected)


def test_displacements_are_smooth_and_limited() -> None:
    rows, columns = augmentation._sources(COUNT, tf.constant(3, tf.uint32), tf.constant(1.0))
    own_rows, own_columns = np.mgrid[:28, :28]
    for places, own in ((rows.numpy(), own_rows), (columns.numpy(), own_columns)):
        middle = np.abs(places - own)[:, 13:15, 13:15]
        assert middle.max() < augmentation._SHIFT + augmentation._WOBBLE + 1
        assert middle.mean() > 0.5
        # Neighbours stay neighbours: no folds, no tears.
        assert np.abs(np.diff(places, axis=1)).max() < 3
        assert np.abs(np.diff(places, axis=2)).max() < 3


def test_quarter_of_images_have_a_gap() -> None:
    full = np.ones((2000, 28, 28), np.float32)
    grid = augmentation._with_gap(tf.constant(full), tf.constant(8, tf.uint32), tf.constant(1.0)).numpy()
    assert np.mean(grid.min(axis=(1, 2)) < 0.9) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize(("pixels", "largest", "rate"), [("scaled", 1, 0.1), ("raw", 255, 1e-6)])
@pytest.mark.parametrize("layers", [(LayerConfig(units=8),), CONVOLUTIONS], ids=["dense", "convolutions"])
def test_chunk_trains_on_augmented_images(
    layers: tuple[LayerConfig, ...], pixels: str, largest: int, rate: float
) -> None:
    config = RunConfig(layers=layers, batch_size=32, augmentation=0.7, seed=11, learning_rate=rate, pixels=pixels)
    program = engine.program(engine.Architecture.of(config))
    data = engine.TrainingImages.of(blobs().train_images, blobs().train_labels, only_inked=False)
    first, *others = initial_weights(config)
    weights = (first / np.float32(largest), *others)
    rows = np.arange(64, dtype=np.int32).reshape(2, 32)
    position = program.enter(data, weights, engine.initial_slots(config))

    for i in range(2):
        key = hash_uint32(hash_uint32(tf.constant(11, tf.uint32)) + tf.constant(i, tf.uint32))
        images = changed(blobs().train_images[rows[i]] / np.float32(255), int(key), 0.7)
        probabilities = TrainedNetwork(config, position.weights).predict(images)
        expected = -np.log(probabilities[np.arange(32), blobs().train_labels[rows[i]]]).mean()
        result = program(
            position, rows[i : i + 1], np.full(1, 32, np.int32),
            step=i, learning_rate=rate, l2=0.0, seed=11, augmentation=0.7,
        )  # fmt: skip
        assert result.losses[0] == pytest.approx(expected, rel=1e-4)
        position = result.position


def test_all_strengths_but_0_share_a_program() -> None:
    plain, light, strong = (engine.Architecture.of(small(augmentation=strength)) for strength in (0.0, 0.2, 1.0))
    assert light == strong
    assert plain != light
    assert not plain.needs_all_pixels
    assert light.needs_all_pixels


def test_augmentation_improves_accuracy_on_shifted_images() -> None:
    dataset = blobs(train=1200)
    moved = np.roll(dataset.test_images, 4, axis=2)

    def accuracy(strength: float) -> float:
        config = small(epochs=12, augmentation=strength, layers=(LayerConfig(units=32),))
        *_, end = training.train(config, dataset)
        assert isinstance(end, training.Finished)
        return float((end.network.predict(moved).argmax(axis=1) == dataset.test_labels).mean())

    assert accuracy(0.5) > accuracy(0.0) + 0.1
