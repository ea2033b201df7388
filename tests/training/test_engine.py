"""The compiled chunk: dropout and gradients compared with NumPy, initial weights with Glorot's formula."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from mnist_core import network
from mnist_core.config import ACTIVATIONS, LayerConfig, RunConfig
from mnist_core.network.layers import dropout, initial_weights, outputs, receptive_size, weight_shapes
from mnist_core.training import engine
from tests.samples import small

RATE = 0.3
UNITS = 256
STEPS = 64
FOUR_SIGMA = 4.0


def learn_from(images: Any, program: engine.Program) -> engine.TrainingImages:
    """Four training images with the labels 0, 1, 2, 3."""
    only_inked = program.architecture.uses_xla
    return engine.TrainingImages.of(images.reshape(4, 28, 28), np.arange(4, dtype=np.uint8), only_inked)


def run_steps(
    config: RunConfig, weights: Any, batches: Any, sizes: Any = None, *, step: int = 0, images: Any = None
) -> engine.ChunkResult:
    """Some steps from plain arrays on four images with the labels 0, 1, 2, 3."""
    if images is None:
        images = np.random.default_rng(3).integers(0, 256, (4, 784)).astype(np.uint8)
    rows = np.asarray(batches, np.int32)
    counts = np.full(len(rows), rows.shape[1]) if sizes is None else np.asarray(sizes)
    program = engine.program(engine.Architecture.of(config))
    return program(
        program.enter(learn_from(images, program), weights, engine.initial_slots(config)),
        rows,
        counts.astype(np.int32),
        step=step,
        learning_rate=config.learning_rate,
        l2=config.l2,
        seed=config.seed,
    )


def arrays(tensors: Any) -> list[Any]:
    return [np.asarray(tensor) for tensor in tensors]


# Dropout, derived from the weights: with a batch of one image, the row of a dropped unit in the next layer's
# kernel does not change.

TWO_DROPPED = (LayerConfig(units=UNITS, dropout=RATE),) * 2


def dropout_config(seed: int = 0) -> RunConfig:
    return small(layers=TWO_DROPPED, batch_size=1, learning_rate=1.0, seed=seed)


def all_firing() -> list[Any]:
    """Weights with which every hidden unit has an output above 0, whatever units before it are dropped."""
    random = np.random.default_rng(4)
    shapes = weight_shapes(TWO_DROPPED)
    weights = [np.zeros(shape, np.float32) for shape in shapes]
    weights[1] += 1.0
    weights[2] += random.uniform(0.5, 1.0, shapes[2]).astype(np.float32) / UNITS
    weights[4] += random.normal(0, 0.1, shapes[4]).astype(np.float32)
    return weights


def kept_units(seed: int = 0, steps: int = STEPS) -> npt.NDArray[np.bool_]:
    """Return which units training kept, (2 layers, steps, units), from single steps with the same weights."""
    before = all_firing()
    kept = np.zeros((2, steps, UNITS), bool)
    for step in range(steps):
        after = arrays(run_steps(dropout_config(seed), tuple(before), [[0]], step=step).position.weights)
        kept[0, step] = (after[2] != before[2]).any(axis=1)
        kept[1, step] = (after[4] != before[4]).any(axis=1)
    return kept


def assert_unrelated(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> None:
    together = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert abs(together) < FOUR_SIGMA / math.sqrt(a.size)


def test_dropout_drops_its_share_in_every_layer() -> None:
    for layer in kept_units():
        sigma = math.sqrt(RATE * (1 - RATE) / layer.size)
        assert abs((~layer).mean() - RATE) < FOUR_SIGMA * sigma
        # No unit and no step is preferred: shares over steps and over units vary as coin tosses do.
        for axis, count in ((0, STEPS), (1, UNITS)):
            spread = (~layer).mean(axis=axis).std() / math.sqrt(RATE * (1 - RATE) / count)
            assert 0.7 < spread < 1.3


def test_dropout_is_independent_of_step_layer_and_seed() -> None:
    kept, other = kept_units(), kept_units(seed=1)
    for layer in kept:
        for lag in (1, 2, 3, 7, 32):
            assert_unrelated(layer[lag:], layer[:-lag])
    assert_unrelated(kept[0], kept[1])
    assert_unrelated(kept[0], other[0])
    assert_unrelated(kept[0, 1:], other[0, :-1])


def test_dropout_of_neighbouring_units_is_independent() -> None:
    for layer in kept_units():
        for lag in (1, 2, 3, 4, 8, 16, 31, 32, 64, 128):
            assert_unrelated(layer[:, lag:], layer[:, :-lag])


def test_dropout_is_fixed_by_the_seed() -> None:
    np.testing.assert_array_equal(kept_units(steps=4), kept_units(steps=4))


def masked_ones(key: int, images: int = 64, rate: float = RATE) -> Any:
    """Return the output of a layer of ones after dropout, (images, units)."""
    layers = (LayerConfig(units=UNITS, dropout=rate), LayerConfig(units=UNITS, activation="linear"))
    weights = [np.zeros(shape, np.float32) for shape in weight_shapes(layers)]
    weights[1] += 1.0
    weights[2] += np.eye(UNITS, dtype=np.float32)
    blank = tf.zeros((images, 784))
    return outputs(layers, tuple(weights), blank, tf.constant(key, tf.uint32))[1].numpy()


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_dropout_scales_kept_units(rate: float) -> None:
    values = masked_ones(key=5, rate=rate)
    assert set(np.unique(values)) == {np.float32(0), np.float32(1 / (1 - rate))}
    assert abs((values == 0).mean() - rate) < FOUR_SIGMA * math.sqrt(rate * (1 - rate) / values.size)


def test_dropout_is_independent_across_images_and_near_keys() -> None:
    masks = [masked_ones(key) > 0 for key in (0, 1, 2**31)]
    for mask in masks:
        for lag in (1, 2, 4, 16):
            assert_unrelated(mask[lag:], mask[:-lag])
        assert_unrelated(mask[1:, :-1], mask[:-1, 1:])
    assert_unrelated(masks[0], masks[1])
    assert_unrelated(masks[0], masks[2])


def test_dropout_of_a_near_key_is_not_a_shifted_pattern() -> None:
    ones = tf.ones((64, UNITS))
    one, other = (dropout(ones, RATE, tf.constant(key, tf.uint32)).numpy().ravel() > 0 for key in (5, 6))
    assert_unrelated(one[1:], other[:-1])
    assert_unrelated(one[:-1], other[1:])
    assert_unrelated(one, other)


def test_forward_without_key_has_no_dropout() -> None:
    weights = all_firing()
    images = tf.constant(np.random.default_rng(0).random((5, 784)), tf.float32)
    without = tuple(LayerConfig(units=UNITS) for _ in TWO_DROPPED)
    for with_dropout, plain in zip(
        outputs(TWO_DROPPED, tuple(weights), images),
        outputs(without, tuple(weights), images),
        strict=True,
    ):
        np.testing.assert_array_equal(with_dropout.numpy(), plain.numpy())


def softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("dropout", "l2"), [(0.0, 0.0), (RATE, 0.0), (RATE, 0.01)])
def test_one_step_with_dropout_and_penalty_by_hand(dropout: float, l2: float) -> None:
    """Backpropagation in NumPy, float64, for one image; the mask is derived from the result."""
    config = small(layers=(LayerConfig(units=16, dropout=dropout),), batch_size=1, learning_rate=0.5, l2=l2)
    images = np.random.default_rng(5).integers(0, 256, (4, 784)).astype(np.uint8)
    weights = initial_weights(config)
    result = run_steps(config, weights, [[2]], step=3, images=images)
    after = arrays(result.position.weights)
    w1, b1, w2, b2 = (weight.astype(np.float64) for weight in weights)

    x, y = images[2:3] / 255.0, np.eye(10)[[2]]
    sums = x @ w1 + b1
    hidden = np.maximum(sums, 0)
    moved = (np.abs(after[2] - w2 * (1 - 0.5 * 2 * l2)) > 1e-7).any(axis=1)
    mask = np.where(moved, 1 / (1 - dropout), 0)
    assert 0 < moved.sum() < 16
    logits = hidden * mask @ w2 + b2
    error = softmax(logits) - y
    back = error @ w2.T * mask * (sums > 0)
    gradients = [x.T @ back + 2 * l2 * w1, back[0], (hidden * mask).T @ error + 2 * l2 * w2, error[0]]
    for new, old, gradient in zip(after, (w1, b1, w2, b2), gradients, strict=True):
        np.testing.assert_allclose(new, old - 0.5 * gradient, rtol=1e-4, atol=1e-6)
    penalty = l2 * ((w1**2).sum() + (w2**2).sum())
    assert result.losses[0] == pytest.approx(-np.log(softmax(logits)[0, 2]) + penalty, rel=1e-5)
    assert result.correct[0] == (logits.argmax() == 2)


MIXED = [[0, 1, 2], [3, 2, 1], [1, 0, 0], [2, 3, 0], [3, 0, 0]]
MIXED_SIZES = [3, 3, 2, 3, 1]


@pytest.mark.parametrize(
    "layers",
    [(LayerConfig(units=16, dropout=RATE),), (LayerConfig("conv", 3, dropout=RATE), LayerConfig(units=8))],
    ids=["dense", "conv"],
)
@pytest.mark.parametrize("cuts", [(1, 2, 3, 4), (2,), (3, 4)])
def test_split_chunk_gives_identical_bits(layers: tuple[LayerConfig, ...], cuts: tuple[int, ...]) -> None:
    config = small(layers=layers, batch_size=3, optimizer="adam", learning_rate=0.01)
    program = engine.program(engine.Architecture.of(config))
    images = learn_from(np.random.default_rng(3).integers(0, 256, (4, 784)).astype(np.uint8), program)

    def run(pieces: tuple[int, ...]) -> list[Any]:
        weights: Any = initial_weights(config)
        slots: Any = engine.initial_slots(config)
        losses, correct = [], []
        for begin, end in zip((0, *pieces), (*pieces, len(MIXED)), strict=True):
            result = program(
                # From arrays, as for a stored state.
                program.enter(images, weights, slots),
                np.asarray(MIXED[begin:end], np.int32),
                np.asarray(MIXED_SIZES[begin:end], np.int32),
                step=begin,
                learning_rate=0.01,
                l2=0.0,
                seed=9,
            )
            weights, slots = result.position.weights, result.position.slots
            losses.append(result.losses)
            correct.append(result.correct)
        return [*arrays(weights), *arrays(slots), np.concatenate(losses), np.concatenate(correct)]

    for whole, pieced in zip(run(()), run(cuts), strict=True):
        np.testing.assert_array_equal(whole, pieced)


def test_padding_of_a_smaller_batch_has_no_effect() -> None:
    config = small(batch_size=3)
    weights = initial_weights(config)
    one, other = (run_steps(config, weights, [[1, *filling]], [1]) for filling in ([0, 0], [3, 2]))
    alone = run_steps(small(batch_size=1), weights, [[1]])
    for a, b, c in zip(
        arrays(one.position.weights), arrays(other.position.weights), arrays(alone.position.weights), strict=True
    ):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-7)
    assert one.losses[0] == pytest.approx(alone.losses[0], rel=1e-6)
    assert one.correct[0] == other.correct[0] == alone.correct[0]


def test_chunk_returns_one_loss_and_count_for_each_step() -> None:
    config = small(batch_size=3)
    result = run_steps(config, initial_weights(config), MIXED, MIXED_SIZES)
    assert result.losses.shape == result.correct.shape == (len(MIXED),)
    assert result.losses.dtype == np.float32
    assert result.correct.dtype == np.int32
    assert (result.correct <= MIXED_SIZES).all()


def test_chunk_of_the_maximum_steps() -> None:
    config = small(batch_size=1)
    result = run_steps(config, initial_weights(config), [[0]] * engine.MAX_STEPS)
    assert len(result.losses) == engine.MAX_STEPS
    assert result.losses[-1] < 0.01 < result.losses[0]


def test_mean_squared_error_by_hand() -> None:
    config = small(batch_size=4, loss="mean_squared_error", layers=(), learning_rate=0.5)
    images = np.random.default_rng(5).integers(0, 256, (4, 784)).astype(np.uint8)
    kernel, bias = (weight.astype(np.float64) for weight in initial_weights(config))
    result = run_steps(config, initial_weights(config), [[0, 1, 2, 3]], images=images)
    x, y = images / 255.0, np.eye(10)[:4]
    p = softmax(x @ kernel + bias)
    toward = 2 * (p - y) / 40
    back = p * (toward - (toward * p).sum(axis=1, keepdims=True))
    assert result.losses[0] == pytest.approx(((p - y) ** 2).mean(), rel=1e-5)
    np.testing.assert_allclose(arrays(result.position.weights)[0], kernel - 0.5 * x.T @ back, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(arrays(result.position.weights)[1], bias - 0.5 * back.sum(axis=0), rtol=1e-4, atol=1e-6)


def test_weight_shapes_by_hand() -> None:
    layers = (LayerConfig("conv", 4), LayerConfig("conv", 5), LayerConfig("conv", 6), LayerConfig(units=7))
    assert weight_shapes(layers) == [
        (3, 3, 1, 4), (4,),  # 28 -> 26 -> 13
        (3, 3, 4, 5), (5,),  # 13 -> 11 -> 5
        (3, 3, 5, 6), (6,),  # 5 -> 3 -> 1
        (6, 7), (7,),
        (7, 10), (10,),
    ]  # fmt: skip
    assert weight_shapes(()) == [(784, 10), (10,)]


@pytest.mark.parametrize(
    ("kinds", "size"),
    [
        ([], 28),
        (["conv"], 28),
        (["conv"] * 2, 26),
        (["conv"] * 3, 22),
        (["conv_only"] * 2, 28),
        (["conv_only", "conv", "conv_only", "conv"], 28),
        (["conv", "conv_only", "conv"], 26),
        (["conv_only", "conv_only", "conv_only", "conv"], 28),
        (["conv", "conv_only", "conv_only", "conv"], 26),
    ],
    ids=lambda value: "-".join(value) or "none" if isinstance(value, list) else "",
)
def test_receptive_size_matches_keras(kinds: list[str], size: int) -> None:
    layers = tuple(LayerConfig(kind, 3, "linear") for kind in kinds)
    seen = receptive_size(layers)
    model = network.to_keras(small(layers=layers))
    image = tf.Variable(tf.zeros((1, 28, 28)))
    # With a few noise images, each pixel is the maximum of its neighbours at least once.
    reach = np.zeros((28, 28))
    for seed in range(40):
        image.assign(np.random.default_rng(seed).random((1, 28, 28)).astype(np.float32))
        with tf.GradientTape() as tape:
            answer = tf.reduce_sum(model(image)[:, 3])
        reach += np.abs(np.asarray(tape.gradient(answer, image))[0])
    moved = np.argwhere(reach)
    assert moved.max(axis=0).tolist() == [seen - 1, seen - 1]
    assert seen == size


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pooling_precedes_only_monotonic_activations(activation: str) -> None:
    inputs = np.linspace(-6, 6, 2001, dtype=np.float32)
    answers = np.asarray(keras.activations.get(activation)(tf.constant(inputs)))
    assert ACTIVATIONS[activation].monotonic == bool((np.diff(answers) >= -1e-6).all())


def test_initial_weights_are_glorot_uniform() -> None:
    config = RunConfig(layers=(LayerConfig("conv", 32), LayerConfig("conv", 64), LayerConfig(units=128)))
    # Fan-in and fan-out as in Keras: the receptive field of a filter times its channels.
    limits = [math.sqrt(6 / (9 + 288)), math.sqrt(6 / (288 + 576)), math.sqrt(6 / (1600 + 128)), math.sqrt(6 / 138)]
    kernels = initial_weights(config)[::2]
    for kernel, limit in zip(kernels, limits, strict=True):
        assert kernel.dtype == np.float32
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() > 0.98 * limit
        assert kernel.std() == pytest.approx(limit / math.sqrt(3), rel=0.1)
        assert abs(kernel.mean()) < 4 * limit / math.sqrt(3 * kernel.size)
    assert not any(bias.any() for bias in initial_weights(config)[1::2])


def test_initial_weights_depend_only_on_the_seed() -> None:
    once = initial_weights(small(seed=3))
    np.random.default_rng().random(7)
    tf.random.set_seed(99)
    again = initial_weights(small(seed=3, optimizer="adam", batch_size=5, epochs=9, l2=0.1))
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(once[0], initial_weights(small(seed=4))[0])


@pytest.mark.parametrize(("optimizer", "slots"), [("sgd", 0), ("momentum", 1), ("rmsprop", 1), ("adam", 2)])
def test_initial_slots_are_zeros(optimizer: str, slots: int) -> None:
    arrays_of_zeros = engine.initial_slots(small(optimizer=optimizer))
    assert len(arrays_of_zeros) == 4 * slots
    assert not any(array.any() for array in arrays_of_zeros)


def test_numeric_changes_share_a_program() -> None:
    one = engine.Architecture.of(small(seed=1, learning_rate=0.1, l2=0.1, epochs=3))
    other = engine.Architecture.of(
        small(seed=2, learning_rate=0.2, l2=0.2, split="kite", validation_fraction=0.2, order="file")
    )
    assert engine.program(one) is engine.program(other)


def test_program_is_traced_once_for_a_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    config = small(batch_size=3, layers=(LayerConfig(units=21),))
    program = engine.program(engine.Architecture.of(config))
    pictures = np.random.default_rng(3).integers(0, 256, (4, 784)).astype(np.uint8)
    position = program.enter(learn_from(pictures, program), initial_weights(config), engine.initial_slots(config))

    def call(steps: int, **numbers: Any) -> None:
        rows, sizes = np.zeros((steps, 3), np.int32), np.full(steps, 3, np.int32)
        program(position, rows, sizes, **{"step": 0, "learning_rate": 0.1, "l2": 0.0, "seed": 0, **numbers})

    call(1)
    assert program._chunk.experimental_get_tracing_count() == 1
    # Later chunks do not even ask TensorFlow which trace fits.
    monkeypatch.setattr(program, "_chunk", None)
    call(2)
    call(5, step=7, learning_rate=0.2, l2=0.1, seed=2**32 - 1)


def test_position_takes_and_gives_arrays_without_tensorflow_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    config = small(optimizer="adam", layers=(LayerConfig(units=6), LayerConfig(units=5)))
    program = engine.program(engine.Architecture.of(config))
    images = learn_from(np.random.default_rng(3).integers(0, 2, (4, 784)).astype(np.uint8), program)
    weights = initial_weights(config)
    slots = tuple(np.full_like(weight, k) for weight in weights for k in (1, 2))
    for operation in ("gather", "transpose", "concat", "reshape"):
        monkeypatch.setattr(tf, operation, None)
    position = program.enter(images, weights, slots)
    for before, after in zip((*weights, *slots), (*position.weights, *position.slots), strict=True):
        np.testing.assert_array_equal(after, before)
        assert after.flags.c_contiguous


@pytest.mark.parametrize(
    "changes",
    [
        {"l2": 0.1},
        {"batch_size": 33},
        {"optimizer": "adam"},
        {"loss": "mean_squared_error"},
        {"layers": ()},
        {"pixels": "raw"},
    ],
)
def test_changes_that_need_another_program(changes: dict[str, Any]) -> None:
    assert engine.Architecture.of(small(**changes)) != engine.Architecture.of(small())


def test_only_dense_networks_use_xla() -> None:
    assert engine.Architecture.of(small()).uses_xla
    assert not engine.Architecture.of(small(layers=(LayerConfig("conv", 2), LayerConfig()))).uses_xla
