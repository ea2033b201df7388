"""Training of the shipped network, on a small scale."""

from __future__ import annotations

import dataclasses
import functools
import math
from pathlib import Path

import numpy as np
import pytest

from mnist_core import training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.drawing import handwriting, preprocessing, strokes
from mnist_core.drawing.strokes import PenDigit
from mnist_core.errors import NetworkFileError
from mnist_core.training import pretraining
from mnist_core.training.pretraining import Material
from tests.samples import blobs

RECIPE = RunConfig(
    layers=(LayerConfig(units=12),), optimizer="adam", learning_rate=0.002, epochs=3, batch_size=64, augmentation=0.5
)
ONE = PenDigit(1, (np.array([[0.0, 0.0], [0.0, 10.0]]),), "anna")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "_FORMS", 30)
    monkeypatch.setattr(pretraining, "_NO_DIGITS", 20)


@functools.cache
def extra() -> Material:
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (60, 28, 28), dtype=np.uint8)
    return Material(images[:40], np.arange(40, dtype=np.uint8) % 10, images[40:])


@pytest.mark.usefixtures("few")
def test_material_repeats_pen_digits_and_has_every_form() -> None:
    found = pretraining.material([[ONE, dataclasses.replace(ONE, label=7)]], seed=0)
    assert found.images.shape == (2 * 12 + 30, 28, 28)
    assert found.labels.tolist() == [1] * 12 + [7] * 12 + list(range(10)) * 3
    assert len({image.tobytes() for image in found.images[:12]}) > 6, "each with another pen and size"
    assert found.no_digits.shape == (20, 28, 28)
    assert found.images.max(axis=(1, 2)).min() == 255


@pytest.mark.usefixtures("few")
def test_large_source_repeats_digits_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "_DRAWINGS_PER_SOURCE", 20)
    large = [dataclasses.replace(ONE, label=2)] * 9
    assert pretraining.material([[ONE], large], seed=0).labels.tolist() == [1] * 12 + [2] * 9 * 2 + list(range(10)) * 3


def test_epoch_of_both_data_sets_below_110000_images() -> None:
    uji, pen = 800, 7_494
    assert (pretraining.drawings(uji), pretraining.drawings(pen)) == (12, 3)
    drawn = uji * pretraining.drawings(uji) + pen * pretraining.drawings(pen)
    assert 60_000 + drawn + pretraining._FORMS + pretraining._NO_DIGITS < 110_000


def test_huge_source_uses_each_digit_once() -> None:
    assert pretraining.drawings(10**6) == 1


@pytest.mark.usefixtures("few")
def test_material_follows_from_the_seed() -> None:
    one, again, other = (pretraining.material([[ONE]], seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.images, again.images)
    np.testing.assert_array_equal(one.no_digits, again.no_digits)
    assert (one.images != other.images).any()


def test_repeated_training_gives_identical_bits() -> None:
    one, again = (pretraining.pretrain(blobs(), extra(), RECIPE) for _ in range(2))
    assert one.config.epochs == 3
    for left, right in zip(one.weights, again.weights, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("done", [1, 2, 3])
def test_interrupted_training_resumes_to_identical_bits(done: int, tmp_path: Path) -> None:
    saved = tmp_path / "digits.checkpoint"
    whole = pretraining.pretrain(blobs(), extra(), RECIPE)
    interrupted_after(done, saved)
    events: list[training.Event] = []
    continued = pretraining.pretrain(blobs(), extra(), RECIPE, events.append, saved)
    assert [one.epoch for one in events if isinstance(one, training.EpochEnded)] == list(range(done + 1, 4))
    assert continued.config == whole.config
    for left, right in zip(whole.weights, continued.weights, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    saved = tmp_path / "digits.checkpoint"
    interrupted_after(1, saved)
    with pytest.raises(NetworkFileError, match="another recipe"):
        pretraining.pretrain(blobs(), extra(), dataclasses.replace(RECIPE, epochs=4), saved=saved)
    with pytest.raises(NetworkFileError, match="other data"):
        pretraining.pretrain(blobs(seed=1), extra(), RECIPE, saved=saved)
    fewer = dataclasses.replace(extra(), no_digits=extra().no_digits[:-1])
    with pytest.raises(NetworkFileError, match="other data"):
        pretraining.pretrain(blobs(), fewer, RECIPE, saved=saved)


def interrupted_after(epochs: int, saved: Path) -> None:
    """Leave a checkpoint of a training that is interrupted after some epochs."""

    def stop(event: training.Event) -> None:
        if isinstance(event, training.EpochEnded) and event.epoch == epochs:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretraining.pretrain(blobs(), extra(), RECIPE, stop, saved)


def test_learning_rate_follows_a_recorded_cosine() -> None:
    events: list[training.Event] = []
    pretraining.pretrain(blobs(), extra(), RECIPE, events.append)
    rates = [event.metrics.learning_rate for event in events if isinstance(event, training.EpochEnded)]
    expected = [0.002 * (0.01 + 0.99 * (1 + math.cos(math.pi * k / 3)) / 2) for k in range(3)]
    assert rates == pytest.approx(expected)


def test_non_digits_get_new_labels_each_epoch() -> None:
    first, second = (pretraining._mixture(blobs(), extra(), [0, 3, epoch]) for epoch in range(2))
    digits = len(blobs().train_labels) + 40
    np.testing.assert_array_equal(first.train_images, second.train_images)
    np.testing.assert_array_equal(first.train_labels[:digits], second.train_labels[:digits])
    assert (first.train_labels[digits:] != second.train_labels[digits:]).mean() > 0.5
    np.testing.assert_array_equal(first.test_images, blobs().test_images)


def test_softening_divides_logits_and_keeps_answers() -> None:
    network = pretraining.pretrain(blobs(), extra(), RECIPE)
    soft = pretraining.softened(network, 2.0)
    before, after = (np.log(one.predict(blobs().test_images).astype(np.float64)) for one in (network, soft))
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    # Differences of logits are differences of log-probabilities.
    np.testing.assert_allclose(after[:, 1:] - after[:, :1], (before[:, 1:] - before[:, :1]) / 2, atol=1e-4)


def test_a_pretrained_network_is_softened() -> None:
    events: list[training.Event] = []
    network = pretraining.pretrain(blobs(), extra(), RECIPE, events.append)
    finished = events[-1]
    assert isinstance(finished, training.Finished)
    expected = pretraining.softened(finished.network, 1.25)
    for left, right in zip(network.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(left, right)
    assert (network.weights[-2] != finished.network.weights[-2]).any()


def test_test_images_are_not_trained_on() -> None:
    other = dataclasses.replace(blobs(), test_images=blobs().test_images[::-1].copy())
    one, same = (pretraining.pretrain(data, extra(), RECIPE) for data in (blobs(), other))
    np.testing.assert_array_equal(one.weights[0], same.weights[0])


def test_drawn_material_matches_visitor_drawings() -> None:
    random = np.random.default_rng(0)
    lines = handwriting.digit_strokes(3, random)
    image = pretraining._drawn(lines, random) / 255
    visitors = preprocessing.to_mnist(strokes.render(strokes.fit_to_canvas(lines, 0.6), 18)).image
    assert np.corrcoef(image.ravel(), visitors.ravel())[0, 1] > 0.6
