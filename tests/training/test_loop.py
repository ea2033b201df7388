"""Training compared with stock Keras: events, validation, early stopping and failures."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import keras
import numpy as np
import pytest
import sklearn.metrics

from mnist_core import network, training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import datasets, splits
from mnist_core.errors import TrainingError
from mnist_core.network.layers import initial_weights
from mnist_core.network.model import _compiled_answer
from mnist_core.presets import PRESETS
from mnist_core.training import EpochEnded, Progress, Started, engine, loop
from tests.events import epochs, events_of, finished, points
from tests.samples import CONVOLUTIONS, blobs, mislabelled_validation, small

HIGH_ENOUGH_TO_DIVERGE = {"layers": (LayerConfig(units=16, activation="linear"),) * 2, "learning_rate": 10.0}


# Compared with stock Keras


def stock_optimizer(config: RunConfig) -> Any:
    rate = config.learning_rate
    return {
        "sgd": keras.optimizers.SGD(rate),
        "momentum": keras.optimizers.SGD(rate, momentum=0.9),
        "rmsprop": keras.optimizers.RMSprop(rate),
        "adam": keras.optimizers.Adam(rate),
        "adamw": keras.optimizers.AdamW(rate),
    }[config.optimizer]


def assert_matches_keras_fit(config: RunConfig, dataset: datasets.Dataset) -> None:
    """`Model.fit` with the same initial weights and order of images has the same weights after each epoch."""
    model = network.to_keras(config)
    model.set_weights(list(initial_weights(config)))
    model.compile(stock_optimizer(config), config.loss, metrics=["accuracy"], jit_compile=False)
    split = splits.split(dataset, config.split, config.validation_fraction, config.training_images)
    images = dataset.train_images.astype(np.float32) / (1 if config.pixels == "raw" else 255)
    labels = keras.utils.to_categorical(dataset.train_labels, 10)
    assert len(split.train_indices) % config.batch_size != 0
    chosen = split.validation_indices
    for event in training.train(config, dataset):
        if not isinstance(event, EpochEnded):
            continue
        order = loop.epoch_order(config, split.train_indices, event.epoch)
        if config.order == "file":
            order = split.train_indices
        stock = model.fit(images[order], labels[order], config.batch_size, verbose=0, shuffle=False).history
        assert event.metrics.loss == pytest.approx(stock["loss"][0], rel=1e-4)
        assert event.metrics.accuracy == pytest.approx(stock["accuracy"][0], abs=1.5 / len(order))
        for own, other in zip(event.state.weights, model.get_weights(), strict=True):
            np.testing.assert_allclose(own, other, rtol=2e-3, atol=2e-5)
        if len(chosen):
            loss, accuracy = model.evaluate(images[chosen], labels[chosen], verbose=0)
            penalty = config.l2 * sum(float((kernel.astype(float) ** 2).sum()) for kernel in event.state.weights[::2])
            assert event.metrics.validation_loss == pytest.approx(loss - penalty, rel=1e-4)
            assert event.metrics.validation_accuracy == pytest.approx(accuracy, abs=1.5 / len(chosen))


def test_kite_epoch_matches_keras_fit() -> None:
    embedded = datasets.load("embedded")
    dataset = dataclasses.replace(
        embedded,
        train_images=embedded.train_images[:1900],
        train_labels=embedded.train_labels[:1900],
        train_groups=None,
    )
    assert_matches_keras_fit(dataclasses.replace(PRESETS["kite"].config, epochs=2), dataset)


FITTED: dict[str, dict[str, Any]] = {
    "sgd-no-hidden-layer": {"layers": (), "validation_fraction": 0.2},
    "momentum-mean-squared-error": {"optimizer": "momentum", "loss": "mean_squared_error"},
    "rmsprop-two-layers": {
        "optimizer": "rmsprop",
        "learning_rate": 0.003,
        "layers": (LayerConfig(units=16, activation="gelu"), LayerConfig(units=8, activation="sigmoid")),
    },
    "adam-penalty": {"optimizer": "adam", "learning_rate": 0.003, "l2": 0.01, "validation_fraction": 0.3},
    "first-images": {"training_images": 100, "validation_fraction": 0.2},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01},
    "convolutions": {"layers": CONVOLUTIONS},
    "raw-pixels-in-the-files-order": {
        "pixels": "raw",
        "order": "file",
        "learning_rate": 1e-5,
        "l2": 0.01,
    },
    "raw-pixels-convolutions": {"pixels": "raw", "layers": CONVOLUTIONS, "learning_rate": 1e-4},
    "convolution-dense-penalty-mean-squared-error": {
        "layers": (LayerConfig("conv", 4, "elu"), LayerConfig(units=8, activation="leaky_relu")),
        "optimizer": "adam",
        "learning_rate": 0.003,
        "loss": "mean_squared_error",
        "l2": 0.001,
    },
}


@pytest.mark.parametrize("case", FITTED)
def test_epochs_match_keras_fit(case: str) -> None:
    assert_matches_keras_fit(small(**FITTED[case]), blobs())


def test_compile_ahead_compiles_everything() -> None:
    config = small(layers=(LayerConfig(units=19, dropout=0.1),), batch_size=23)
    loop.compile_ahead(config, blobs())
    program = engine.program(engine.Architecture.of(config))
    answer = _compiled_answer(config.layers)
    assert [program._chunk.experimental_get_tracing_count(), answer.experimental_get_tracing_count()] == [1, 1]
    finished(events_of(config)).network.predict(blobs().test_images)
    assert [program._chunk.experimental_get_tracing_count(), answer.experimental_get_tracing_count()] == [1, 1]


# Events


def test_order_of_events() -> None:
    events = events_of(small(validation_fraction=0.2))
    kinds = [type(event).__name__ for event in events]
    assert [kind for kind, _ in itertools.groupby(kinds)] == [
        "Started",
        *("Progress", "Validating", "EpochEnded") * 2,
        "Finished",
    ]
    assert isinstance(events[0], Started)
    assert events[0] == Started(steps_per_epoch=8, training_images=240, parameters=784 * 16 + 16 + 170)
    assert [event.epoch for event in epochs(events)] == [1, 2]
    assert finished(events).history == tuple(event.metrics for event in epochs(events))
    assert not finished(events).stopped_early
    assert [event.state.step for event in epochs(events)] == [8, 16]
    assert [event.state.epoch for event in epochs(events)] == [1, 2]


def test_finished_network_is_that_of_the_last_epoch() -> None:
    events = events_of(small())
    last = epochs(events)[-1].state
    assert finished(events).network.config == small()
    for own, other in zip(finished(events).network.weights, last.weights, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize(("count", "size"), [(300, 32), (300, 300), (300, 1), (7, 8), (64, 32), (1, 1)])
def test_an_epoch_sees_every_image_once(count: int, size: int) -> None:
    order = loop.epoch_order(small(), np.arange(1000, 1000 + count, dtype=np.int32), 1)
    rows, counts = loop.batches(order, size)
    assert rows.shape == (-(-count // size), size)
    assert rows.dtype == counts.dtype == np.int32
    seen = np.concatenate([row[:n] for row, n in zip(rows, counts, strict=True)])
    assert sorted(seen) == list(range(1000, 1000 + count))
    assert (counts[:-1] == size).all()
    assert 1 <= counts[-1] <= size
    assert counts.sum() == count


@pytest.mark.parametrize("epoch", [1, 2])
def test_shuffle_false_keeps_file_order(epoch: int) -> None:
    indices = np.array([2, 3, 5, 7, 11], np.int32)
    np.testing.assert_array_equal(loop.epoch_order(small(order="file"), indices, epoch), [2, 3, 5, 7, 11])


def test_epoch_order_depends_only_on_seed_and_epoch() -> None:
    indices = np.arange(50, dtype=np.int32)
    order = loop.epoch_order(small(seed=1), indices, 1)
    np.testing.assert_array_equal(order, loop.epoch_order(small(seed=1, epochs=9, layers=()), indices, 1))
    assert not np.array_equal(order, loop.epoch_order(small(seed=1), indices, 2))
    assert not np.array_equal(order, loop.epoch_order(small(seed=2), indices, 1))
    assert indices.tolist() == list(range(50))


def test_points_add_up_to_the_epoch() -> None:
    """The mean of the points, weighted by their images, is the value of the epoch."""
    config = small()
    for ended in epochs(events_of(config)):
        curve = [point for point in points(events_of(config)) if point.epoch == ended.epoch]
        assert [point.step for point in curve] == list(range(1, 11))
        images = [32] * 9 + [12]
        assert np.average([p.loss for p in curve], weights=images) == pytest.approx(ended.metrics.loss)
        assert np.average([p.accuracy for p in curve], weights=images) == pytest.approx(ended.metrics.accuracy)


def test_points_of_an_epoch_of_many_steps() -> None:
    """At most twelve, evenly spaced, the last at the end of the epoch, and the same in every epoch."""
    events = events_of(small(batch_size=2, epochs=3))
    steps = [[p.step for p in points(events) if p.epoch == epoch] for epoch in (1, 2, 3)]
    assert steps == [[13, 26, 39, 52, 65, 78, 91, 104, 117, 130, 143, 150]] * 3


@pytest.mark.parametrize("name", PRESETS)
def test_points_of_the_presets_come_often_enough(name: str) -> None:
    config = PRESETS[name].config
    per_epoch = -(-60_000 // config.batch_size)
    span = loop.point_steps(config, per_epoch)
    assert 1 <= span <= -(-per_epoch // 12)
    assert span <= engine.MAX_STEPS


@pytest.mark.parametrize("batch_size", [1, 1024])
def test_points_of_the_shortest_and_longest_epochs(batch_size: int) -> None:
    tiny = small(layers=(), batch_size=batch_size)
    huge = small(layers=(LayerConfig(units=2048),) * 6, batch_size=batch_size)
    for config in (tiny, huge):
        assert 1 <= loop.point_steps(config, -(-60_000 // batch_size)) <= engine.MAX_STEPS
    assert loop.point_steps(tiny, 1) == 1


def test_last_point_of_a_chunk_has_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk holds twice as many points as the one before, as long as time allows."""
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 1000.0)
    events = events_of(small(batch_size=2))
    curve = points(events)
    ends = [place for place, point in enumerate(curve, 1) if point.position is not None]
    assert ends == [1, 3, 7, 12, 24]
    for ended in epochs(events):
        last = [point for point in curve if point.epoch == ended.epoch][-1]
        assert last.position is not None
        for own, other in zip(last.position.weights, ended.state.weights, strict=True):
            np.testing.assert_array_equal(own, other)
    assert all(point.samples_per_second > 0 for point in curve)


def test_generator_is_lazy_and_closing_stops() -> None:
    events = training.train(small(), blobs())
    assert isinstance(next(events), Started)
    assert isinstance(next(events), Progress)
    assert hasattr(events, "close")
    events.close()
    assert list(events) == []


def test_training_learns() -> None:
    history = finished(events_of(small(epochs=8))).history
    assert history[-1].loss < 0.5 * history[0].loss
    assert history[-1].accuracy > 0.9


# Validation and early stopping


def test_validation_metrics_match_scikit_learn() -> None:
    dataset = blobs()
    config = small(validation_fraction=0.25, epochs=3)
    chosen = splits.split(dataset, "official", 0.25).validation_indices
    assert len(chosen) == 75
    for ended in epochs(events_of(config)):
        answers = network.TrainedNetwork(config, ended.state.weights).predict(dataset.train_images[chosen])
        labels, exact = dataset.train_labels[chosen], answers.astype(np.float64)
        assert ended.metrics.validation_loss == pytest.approx(
            sklearn.metrics.log_loss(labels, exact / exact.sum(axis=1, keepdims=True), labels=range(10)), rel=1e-5
        )
        assert ended.metrics.validation_accuracy == sklearn.metrics.accuracy_score(labels, answers.argmax(axis=1))


def test_validation_images_are_not_trained_on() -> None:
    """Other labels on the validation images change only the validation metrics."""
    dataset, mislabelled = blobs(), mislabelled_validation()
    config = small(validation_fraction=0.25)
    right, wrong = list(training.train(config, dataset)), list(training.train(config, mislabelled))
    for own, other in zip(finished(right).network.weights, finished(wrong).network.weights, strict=True):
        np.testing.assert_array_equal(own, other)
    metrics, relabelled = finished(right).history[-1], finished(wrong).history[-1]
    assert (metrics.loss, metrics.accuracy) == (relabelled.loss, relabelled.accuracy)
    assert metrics.validation_accuracy is not None
    assert relabelled.validation_accuracy is not None
    assert metrics.validation_accuracy > relabelled.validation_accuracy


def test_without_validation_there_are_no_validation_figures() -> None:
    for metrics in finished(events_of(small())).history:
        assert metrics.validation_loss is None
        assert metrics.validation_accuracy is None


def test_early_stopping_keeps_the_best_epoch() -> None:
    config = small(validation_fraction=0.25, early_stopping=3, epochs=30)
    events = list(training.train(config, mislabelled_validation()))
    history = finished(events).history
    losses = [metrics.validation_loss for metrics in history]
    best = int(np.argmin([loss for loss in losses if loss is not None]))
    assert finished(events).stopped_early
    assert len(history) == best + 1 + 3
    kept = epochs(events)[best].state.weights
    for own, other in zip(finished(events).network.weights, kept, strict=True):
        np.testing.assert_array_equal(own, other)
    assert not np.array_equal(kept[0], epochs(events)[-1].state.weights[0])


def test_no_early_stopping_while_the_loss_falls() -> None:
    events = events_of(small(validation_fraction=0.25, early_stopping=2, epochs=5, learning_rate=0.02))
    assert len(finished(events).history) == 5
    assert not finished(events).stopped_early


def test_early_stopping_on_the_last_epoch() -> None:
    config = small(validation_fraction=0.25, early_stopping=3, epochs=30)
    full = finished(list(training.train(config, mislabelled_validation())))
    cut = dataclasses.replace(config, epochs=len(full.history))
    again = finished(list(training.train(cut, mislabelled_validation())))
    assert not again.stopped_early
    for own, other in zip(again.network.weights, full.network.weights, strict=True):
        np.testing.assert_array_equal(own, other)


# Failures


def test_nan_loss_ends_the_run_with_advice() -> None:
    events = training.train(small(epochs=20, **HIGH_ENOUGH_TO_DIVERGE), blobs())
    with pytest.raises(TrainingError, match="no longer a finite number") as caught:
        list(events)
    assert "learning rate, now 10" in caught.value.remedy
    assert list(events) == []


def test_failure_keeps_the_last_good_epoch() -> None:
    gentle = small(layers=HIGH_ENOUGH_TO_DIVERGE["layers"], epochs=2, learning_rate=0.01)
    state = epochs(events_of(gentle))[-1].state
    wild = small(epochs=20, **HIGH_ENOUGH_TO_DIVERGE)
    before = [array.copy() for array in state.weights]
    with pytest.raises(TrainingError, match="epoch 3"):
        events_of(wild, state)
    for own, other in zip(state.weights, before, strict=True):
        np.testing.assert_array_equal(own, other)
    events = events_of(dataclasses.replace(gentle, epochs=3), state)
    assert np.isfinite(finished(events).history[-1].loss)


def test_error_names_the_failing_step() -> None:
    """The step with a NaN loss is found by single steps of the plain chunk."""
    config = small(**HIGH_ENOUGH_TO_DIVERGE)
    dataset = blobs()
    rows, counts = loop.batches(loop.epoch_order(config, np.arange(300, dtype=np.int32), 1), 32)
    program = engine.program(engine.Architecture.of(config))
    images = engine.TrainingImages.of(dataset.train_images, dataset.train_labels, only_inked=True)
    result = program(
        program.enter(images, initial_weights(config), ()),
        rows,
        counts,
        step=0,
        learning_rate=10.0,
        l2=0.0,
        seed=0,
    )
    first = int(np.flatnonzero(~np.isfinite(result.losses))[0]) + 1
    with pytest.raises(TrainingError, match=f"epoch 1, step {first}, "):
        events_of(config)


def test_one_copy_of_each_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[engine.TrainingImages] = []
    of = engine.TrainingImages.of

    def counted(*arguments: Any) -> engine.TrainingImages:
        made.append(of(*arguments))
        return made[-1]

    monkeypatch.setattr(engine.TrainingImages, "of", counted)
    sets = [dataclasses.replace(blobs(), name=f"blobs-{k}") for k in range(4)]
    runs = [training.train(small(epochs=3), dataset) for _ in range(3) for dataset in sets]
    for _ in range(3):
        for run in runs:
            while not isinstance(next(run), EpochEnded):
                pass
    assert len(made) == len(sets)
