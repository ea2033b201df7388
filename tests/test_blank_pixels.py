"""Pixels that are blank in every image are left out of training: compared with all pixels, and with stock Keras."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core import network
from mnist_core.config import OPTIMIZERS, LayerConfig, RunConfig
from mnist_core.network.layers import initial_weights
from mnist_core.training import engine
from mnist_core.training.engine import TrainingImages
from tests.network.test_optimizers import KERAS
from tests.samples import blobs, small

IMAGES = 40
BATCH = 8
STEPS = 6
RATES = {"sgd": 0.1, "momentum": 0.05, "rmsprop": 0.003, "adam": 0.003, "adamw": 0.01}
LABELS = blobs().train_labels[:IMAGES]
# The images of each step; the second half of the last step is padding.
ROWS = np.random.default_rng(5).integers(0, IMAGES, (STEPS, BATCH)).astype(np.int32)
COUNTS = np.asarray([BATCH] * (STEPS - 1) + [BATCH // 2], np.int32)
# The inked pixels (all others are blank in every image), and the number of columns: a multiple of sixteen.
INKED: dict[str, tuple[npt.NDArray[np.bool_], int]] = {
    "none": (np.arange(784) >= 0, 784),
    "all-but-one": (np.arange(784) == 391, 16),
    "all-but-sixteen": (np.arange(784) % 49 == 3, 16),
    "all-but-seventeen": ((np.arange(784) % 49 == 3) | (np.arange(784) == 783), 32),
    "fewer-than-fill-a-row-up": (np.arange(784) % 100 != 7, 784),
    "scattered": (np.random.default_rng(8).permutation(784) < 473, 480),
}


@functools.cache
def images(case: str) -> Any:
    """Patterns that can be learned. The case's blank pixels are blank; all others have ink in some image."""
    inked = INKED[case][0]
    flat = np.maximum(blobs().train_images[:IMAGES].reshape(IMAGES, 784), 1)
    return (flat * inked).astype(np.uint8).reshape(IMAGES, 28, 28)


def config_of(optimizer: str, l2: float = 0.0, layers: tuple[LayerConfig, ...] = small().layers) -> RunConfig:
    return small(optimizer=optimizer, l2=l2, layers=layers, batch_size=BATCH, learning_rate=RATES[optimizer])


@functools.cache
def train_steps(config: RunConfig, case: str, only_inked: bool) -> engine.ChunkResult:
    program = engine.program(engine.Architecture.of(config))
    data = TrainingImages.of(images(case), LABELS, only_inked)
    return program(
        program.enter(data, initial_weights(config), engine.initial_slots(config)),
        ROWS,
        COUNTS,
        step=0,
        learning_rate=config.learning_rate,
        l2=config.l2,
        seed=config.seed,
    )


def assert_same(one: engine.ChunkResult, other: engine.ChunkResult) -> None:
    """Equal up to the order of summation; rules that divide by the gradient's size increase that difference."""
    for a, b in zip(one.position.weights, other.position.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-5)
    for a, b in zip(one.position.slots, other.position.slots, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-5)
    np.testing.assert_array_equal(one.correct, other.correct)


@functools.cache
def keras_weights(config: RunConfig, case: str) -> list[Any]:
    """Return the weights after the same steps of stock Keras, which does not treat blank pixels specially."""
    model = network.to_keras(config)
    model.set_weights(list(initial_weights(config)))
    model.compile(KERAS[config.optimizer](config.learning_rate), "sparse_categorical_crossentropy", jit_compile=False)
    for row, count in zip(ROWS, COUNTS, strict=True):
        model.train_on_batch(images(case)[row[:count]] / np.float32(255), LABELS[row[:count]])
    return list(model.get_weights())


# Columns


@pytest.mark.parametrize("case", INKED)
def test_columns_are_inked_pixels_padded_to_sixteen(case: str) -> None:
    inked, columns = INKED[case]
    data = TrainingImages.of(images(case), LABELS, only_inked=True)
    pixels, kept = data.pixels.numpy(), data.images.numpy()
    assert kept.shape == (IMAGES, columns)
    assert kept.shape[1] % 16 == 0
    assert kept.dtype == np.uint8
    assert set(np.flatnonzero(inked)) <= set(pixels[:columns])
    np.testing.assert_array_equal(kept, images(case).reshape(IMAGES, 784)[:, pixels[:columns]])
    assert not images(case).reshape(IMAGES, 784)[:, pixels[columns:]].any()


@pytest.mark.parametrize("only_inked", [True, False])
@pytest.mark.parametrize("case", INKED)
def test_pixels_and_places_are_inverse(case: str, only_inked: bool) -> None:
    data = TrainingImages.of(images(case), LABELS, only_inked)
    pixels, places = data.pixels.numpy(), data.places.numpy()
    assert pixels.dtype == places.dtype == np.int32
    np.testing.assert_array_equal(pixels[places], np.arange(784))
    np.testing.assert_array_equal(places[pixels], np.arange(784))


def test_all_pixels_inked_keeps_their_order() -> None:
    data = TrainingImages.of(images("scattered"), LABELS, only_inked=False)
    np.testing.assert_array_equal(data.images.numpy(), images("scattered").reshape(IMAGES, 784))
    np.testing.assert_array_equal(data.pixels.numpy(), np.arange(784))
    np.testing.assert_array_equal(data.labels.numpy(), LABELS)


def test_pixel_inked_in_one_image_is_kept() -> None:
    one = np.zeros((IMAGES, 28, 28), np.uint8)
    one[IMAGES - 1, 27, 27] = 1
    data = TrainingImages.of(one, LABELS, only_inked=True)
    assert data.pixels.numpy()[0] == 783
    assert data.images.numpy()[:, 0].tolist() == [0] * (IMAGES - 1) + [1]


def test_kernel_round_trip_through_the_loop_is_exact() -> None:
    data = TrainingImages.of(images("scattered"), LABELS, only_inked=True)
    weights = initial_weights(small(layers=(LayerConfig(units=7), LayerConfig(units=5))))
    inside = engine._to_loop(weights, data.pixels, data.images.shape[1])
    assert [tuple(array.shape) for array in inside] == [(7, 480), (7,), (5, 7), (5,), (10, 5), (10,), (304, 7)]
    for before, after in zip(weights, engine._from_loop(inside, data.places), strict=True):
        np.testing.assert_array_equal(before, np.asarray(after))


# Results


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizer_gives_same_result_without_blank_pixels(optimizer: str, l2: float) -> None:
    config = config_of(optimizer, l2)
    without = train_steps(config, "scattered", only_inked=True)
    assert_same(without, train_steps(config, "scattered", only_inked=False))
    for own, stock in zip(without.position.weights, keras_weights(config, "scattered"), strict=True):
        np.testing.assert_allclose(own, stock, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("only_inked", [True, False])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_weights_of_blank_pixels_do_not_change(optimizer: str, only_inked: bool) -> None:
    config = config_of(optimizer)
    blank = ~INKED["scattered"][0]
    result = train_steps(config, "scattered", only_inked)
    before, after = initial_weights(config)[0], result.position.weights[0]
    np.testing.assert_array_equal(after[blank], before[blank])
    assert (after[~blank] != before[~blank]).any(axis=1).all()
    for i in range(len(result.position.slots) // 4):
        assert not result.position.slots[i][blank].any()


@pytest.mark.parametrize(
    ("optimizer", "l2"), [("adamw", 0.0), *((optimizer, 0.01) for optimizer in OPTIMIZERS)], ids=str
)
def test_decay_and_penalty_of_blank_pixels_match_keras(optimizer: str, l2: float) -> None:
    config = config_of(optimizer, l2)
    blank = ~INKED["scattered"][0]
    before = initial_weights(config)[0][blank]
    after = train_steps(config, "scattered", only_inked=True).position.weights[0][blank]
    stock = keras_weights(config, "scattered")[0][blank]
    assert (after != before).mean() > 0.9
    # Relative to how far they moved, not to their size.
    np.testing.assert_allclose(after - before, stock - before, rtol=1e-3, atol=1e-7)


def test_weight_decay_of_a_blank_pixel_by_hand() -> None:
    config = config_of("adamw")
    blank = ~INKED["scattered"][0]
    before = initial_weights(config)[0][blank].astype(np.float64)
    after = train_steps(config, "scattered", only_inked=True).position.weights[0][blank]
    np.testing.assert_allclose(after, before * (1 - 0.004 * config.learning_rate) ** STEPS, rtol=1e-6)


def test_penalty_of_a_blank_pixel_by_hand() -> None:
    config = config_of("sgd", l2=0.01)
    blank = ~INKED["scattered"][0]
    before = initial_weights(config)[0][blank].astype(np.float64)
    after = train_steps(config, "scattered", only_inked=True).position.weights[0][blank]
    np.testing.assert_allclose(after, before * (1 - config.learning_rate * 2 * config.l2) ** STEPS, rtol=2e-6)


def test_loss_includes_penalty_of_blank_pixels() -> None:
    plain, penalized = config_of("sgd"), config_of("sgd", l2=0.01)
    kernels = initial_weights(penalized)[::2]
    penalty = 0.01 * sum(float((kernel.astype(np.float64) ** 2).sum()) for kernel in kernels)
    without, with_penalty = (
        train_steps(config, "scattered", only_inked=True).losses[0] for config in (plain, penalized)
    )
    assert with_penalty - without == pytest.approx(penalty, rel=1e-5)


@pytest.mark.parametrize("case", INKED)
def test_any_number_of_blank_pixels(case: str) -> None:
    config = config_of("adam", l2=0.01)
    assert_same(train_steps(config, case, only_inked=True), train_steps(config, case, only_inked=False))


def test_no_blank_pixels_gives_identical_bits() -> None:
    config = config_of("adam", l2=0.01)
    without, whole = (train_steps(config, "none", only_inked) for only_inked in (True, False))
    for a, b in zip(
        (*without.position.weights, *without.position.slots),
        (*whole.position.weights, *whole.position.slots),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(without.losses, whole.losses)


@pytest.mark.parametrize(("optimizer", "l2"), [("sgd", 0.0), ("adamw", 0.01)])
@pytest.mark.parametrize(
    "layers",
    [(), (LayerConfig(units=16), LayerConfig(units=16)), (LayerConfig(units=16, dropout=0.3), LayerConfig(units=5))],
    ids=["no-hidden-layer", "square-kernel", "dropout"],
)
def test_other_networks_give_the_same_result(layers: tuple[LayerConfig, ...], optimizer: str, l2: float) -> None:
    """Without a hidden layer the first kernel is also the last. A square kernel would hide a missing transpose."""
    config = config_of(optimizer, l2, layers)
    without = train_steps(config, "scattered", only_inked=True)
    assert_same(without, train_steps(config, "scattered", only_inked=False))
    if not any(layer.dropout for layer in layers):
        for own, stock in zip(without.position.weights, keras_weights(config, "scattered"), strict=True):
            np.testing.assert_allclose(own, stock, rtol=1e-4, atol=2e-5)
