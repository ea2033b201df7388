"""Changing the learning rate during a run: events, records, and the same bits as by hand."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from mnist_core import training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import splits
from mnist_core.errors import ConfigError, TrainingError
from mnist_core.network import TrainedNetwork, model
from mnist_core.network.layers import initial_weights
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import (
    Dials,
    EpochEnded,
    Event,
    Progress,
    RateChanged,
    Status,
    TrainingState,
    Validating,
    engine,
    loop,
)
from tests.events import epochs, events_of, finished, points
from tests.samples import blobs, mislabelled_validation, small
from tests.scheduled_runs import STEPS_PER_EPOCH, assert_same_weights, run_to_end, take_turns
from tests.training.test_repeatable import bits

Turns = dict[tuple[int, int], float]
"""Epoch and step after which the rate changes, and its new value; (0, 0) is before the first step."""

NETWORKS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "adam-dropout-penalty": {"optimizer": "adam", "l2": 0.01, "layers": (LayerConfig(units=16, dropout=0.3),)},
    "momentum-convolution": {"optimizer": "momentum", "layers": (LayerConfig("conv", 4), LayerConfig(units=8))},
}
# Diverges with a high learning rate.
LINEAR = (LayerConfig(units=16, activation="linear"),) * 2


def events_with_changes(
    config: RunConfig, turns: Turns, state: TrainingState | None = None, chunk_seconds: float = 0.0
) -> list[Event]:
    """Return the events of a run whose rate changes as soon as a point (step 0: the end of an epoch) is yielded."""
    dials = Dials(learning_rate=turns.get((0, 0)), chunk_seconds=chunk_seconds)
    seen: list[Event] = []
    for event in training.train(config, blobs(), state, dials):
        seen.append(event)
        if isinstance(event, Progress | EpochEnded):
            place = (event.epoch, event.step) if isinstance(event, Progress) else (event.epoch + 1, 0)
            dials.learning_rate = turns.get(place, dials.learning_rate)
    return seen


def changes(events: list[Event]) -> list[tuple[int, int, float]]:
    return [(event.epoch, event.step, event.learning_rate) for event in events if isinstance(event, RateChanged)]


def step_by_step(config: RunConfig, turns: Turns) -> tuple[list[Any], list[Any]]:
    """Return weights and slots after the same run, with a separate call and the expected rate for each step."""
    program = engine.program(engine.Architecture.of(config))
    data = engine.TrainingImages.of(blobs().train_images, blobs().train_labels, program.architecture.uses_xla)
    indices = splits.split(blobs(), config.split, config.validation_fraction).train_indices
    position = program.enter(data, initial_weights(config), engine.initial_slots(config))
    rate = turns.get((0, 0), config.learning_rate)
    number = 0
    for epoch in range(1, config.epochs + 1):
        rows, counts = loop.batches(loop.epoch_order(config, indices, epoch), config.batch_size)
        for step in range(len(rows)):
            rate = turns.get((epoch, step), rate)
            one = slice(step, step + 1)
            result = program(
                position, rows[one], counts[one],
                step=number, learning_rate=rate, l2=config.l2, seed=config.seed,
            )  # fmt: skip
            position, number = result.position, number + 1
    return list(position.weights), list(position.slots)


# Events and records


def test_rate_change_event_comes_between_chunks() -> None:
    events = events_with_changes(small(), {(2, 3): 0.02})
    place = next(i for i, event in enumerate(events) if isinstance(event, RateChanged))
    before, change, after = events[place - 1 : place + 2]
    assert isinstance(before, Progress)
    assert isinstance(after, Progress)
    assert change == RateChanged(epoch=2, step=3, learning_rate=0.02)
    assert [(event.epoch, event.step) for event in (before, after)] == [(2, 3), (2, 4)]
    assert len(changes(events)) == 1


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ({(0, 0): 0.03}, [(1, 0, 0.03)]),
        ({(2, 0): 0.03}, [(2, 0, 0.03)]),
        ({(1, 9): 0.03}, [(1, 9, 0.03)]),
        ({(1, STEPS_PER_EPOCH): 0.03}, [(2, 0, 0.03)]),
        ({(1, 2): 0.03, (1, 3): 0.04, (2, 5): 0.1}, [(1, 2, 0.03), (1, 3, 0.04), (2, 5, 0.1)]),
        ({(0, 0): 0.1, (1, 4): 0.1}, []),
        ({(1, 4): 0.03, (2, 4): 0.03}, [(1, 4, 0.03)]),
        ({(2, STEPS_PER_EPOCH): 0.03}, []),
    ],
    ids=["at-once", "at-an-epoch", "last-step", "after-it", "and-back", "to-the-same", "once-only", "too-late"],
)
def test_each_rate_change_is_reported_once(turns: Turns, expected: list[Any]) -> None:
    events = events_with_changes(small(), turns)
    assert changes(events) == expected
    assert epochs(events)[-1].state.rates == tuple(RateChanged(*change) for change in expected)


def test_rate_change_during_a_chunk_waits_for_its_end() -> None:
    # Without a time limit a chunk holds one point, then two, then four: 1, 2 to 3, 4 to 7, 8 to 10.
    assert changes(events_with_changes(small(), {(1, 4): 0.02}, chunk_seconds=1000.0)) == [(1, 7, 0.02)]


def test_history_and_states_hold_the_current_rate() -> None:
    events = events_with_changes(small(epochs=4), {(2, 3): 0.02, (4, 0): 0.05})
    second, fourth = RateChanged(2, 3, 0.02), RateChanged(4, 0, 0.05)
    assert [metrics.learning_rate for metrics in finished(events).history] == [0.1, 0.02, 0.02, 0.05]
    assert [event.metrics.learning_rate for event in epochs(events)] == [0.1, 0.02, 0.02, 0.05]
    assert [event.state.rates for event in epochs(events)] == [(), (second,), (second,), (second, fourth)]


# Results


@pytest.mark.parametrize(
    "turns", [{}, {(0, 0): 0.03}, {(1, 4): 0.02}, {(2, 0): 0.003, (2, 7): 0.05}], ids=["never", "0-0", "1-4", "2-0-2-7"]
)
@pytest.mark.parametrize("case", NETWORKS)
def test_old_rate_before_and_new_rate_after_the_change(case: str, turns: Turns) -> None:
    config = small(learning_rate=0.01, **NETWORKS[case])
    events = events_with_changes(config, turns)
    weights, slots = step_by_step(config, turns)
    assert_same_weights(finished(events).network.weights, weights)
    assert_same_weights(epochs(events)[-1].state.slots, slots)
    if turns:
        assert not np.array_equal(weights[0], step_by_step(config, {})[0][0])


@pytest.mark.parametrize("case", NETWORKS)
def test_resume_continues_with_the_changed_rate(case: str) -> None:
    config = small(epochs=4, learning_rate=0.01, **NETWORKS[case])
    turns = {(1, 4): 0.02, (2, 7): 0.005, (4, 2): 0.03}
    whole = events_with_changes(config, turns)
    for ended in epochs(whole)[:-1]:
        later = {place: rate for place, rate in turns.items() if place[0] > ended.epoch}
        rest = events_with_changes(config, later, ended.state)
        assert changes(rest) == [(*place, rate) for place, rate in later.items()]
        assert bits(rest)[1:] == bits(whole)[1:]
        assert epochs(rest)[-1].state.rates == epochs(whole)[-1].state.rates


def test_resume_reports_no_old_rate_change() -> None:
    config = small(epochs=3)
    whole = events_with_changes(config, {(1, 4): 0.02})
    rest = events_with_changes(config, {(0, 0): 0.02}, epochs(whole)[0].state)
    assert changes(rest) == []
    assert bits(rest)[1:] == bits(whole)[1:]


@pytest.mark.parametrize("case", NETWORKS)
def test_unchanged_dials_give_identical_bits(case: str) -> None:
    config = small(learning_rate=0.01, **NETWORKS[case])
    expected = bits(events_of(config))
    for dials in (Dials(), Dials(learning_rate=0.01)):
        assert bits(list(training.train(config, blobs(), dials=dials))) == expected


@pytest.mark.parametrize("case", NETWORKS)
def test_chunk_length_with_rate_change_gives_identical_bits(case: str) -> None:
    config = small(epochs=3, learning_rate=0.01, **NETWORKS[case])
    expected = bits(events_of(config))
    for seconds in (0.0, 1000.0):
        assert bits(events_with_changes(config, {}, chunk_seconds=seconds)) == expected
    dials = Dials()
    events = []
    for event in training.train(config, blobs(), dials=dials):
        dials.chunk_seconds = 1000.0 - dials.chunk_seconds
        events.append(event)
    assert bits(events) == expected


@pytest.mark.parametrize("chunk_seconds", [0.0, 1000.0])
def test_chunk_length_after_rate_change_between_epochs(chunk_seconds: float) -> None:
    turns = {(0, 0): 0.05, (2, 0): 0.02}
    assert bits(events_with_changes(small(), turns, chunk_seconds=chunk_seconds)) == bits(
        events_with_changes(small(), turns, chunk_seconds=0.1)
    )


def test_divergence_error_names_the_current_rate() -> None:
    with pytest.raises(TrainingError, match="Lower the learning rate, now 10;") as raised:
        events_with_changes(small(layers=LINEAR, learning_rate=0.01, epochs=5), {(2, 3): 10.0})
    assert "in epoch 2, step" in str(raised.value)
    state = epochs(events_of(small(layers=LINEAR, learning_rate=0.01)))[0].state
    changed = dataclasses.replace(state, rates=(RateChanged(1, 5, 9.5),))
    with pytest.raises(TrainingError, match=r"now 9\.5;"):
        events_with_changes(small(layers=LINEAR, learning_rate=0.01, epochs=5), {}, changed)


# The most steps of a chunk


@pytest.mark.parametrize("case", NETWORKS)
@pytest.mark.parametrize("limits", [(1,), (3,), (1, None, 2, 7)], ids=["one", "three", "mixed"])
@pytest.mark.parametrize("turns", [{}, {(2, 5): 0.02}], ids=["same-rate", "new-rate"])
def test_step_limit_gives_identical_bits(
    case: str, limits: tuple[int | None, ...], turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_POINTS_PER_EPOCH", 3)  # Points after the steps 4, 8 and 10.
    config = small(epochs=3, learning_rate=0.01, **NETWORKS[case])
    expected, _ = step_by_step(config, turns)
    in_chunks = list(training.train(config, blobs()))
    dials, events, wanted = Dials(), [], itertools.cycle(limits)
    for event in training.train(config, blobs(), dials=dials):
        events.append(event)
        dials.most_steps = next(wanted)
        if isinstance(event, Progress) and (event.epoch, event.step) in turns:
            dials.learning_rate = turns[event.epoch, event.step]
    whole = [event for event in events if not isinstance(event, Progress) or not event.is_partial]
    assert len(whole) < len(events)
    if not turns:
        assert bits(whole) == bits(in_chunks)
    if not turns or limits == (1,):  # Otherwise there may be no chunk that ends where the rate should change.
        assert_same_weights(finished(events).network.weights, expected)


def test_points_of_single_steps(monkeypatch: pytest.MonkeyPatch, one_point_a_chunk: None) -> None:
    every_step = points(events_of(small()))  # A point for each step.
    monkeypatch.setattr(loop, "_POINTS_PER_EPOCH", 3)
    found = points(list(training.train(small(), blobs(), dials=Dials(most_steps=1))))
    in_an_epoch = [(1, True), (2, True), (3, True), (4, False), (5, True), (6, True), (7, True), (8, False), (9, True)]
    in_an_epoch.append((10, False))
    assert [(one.step, one.is_partial) for one in found] == 2 * in_an_epoch
    for one, alone in zip(found, every_step, strict=True):
        assert one.position is not None
        assert alone.position is not None
        assert_same_weights(one.position.weights, alone.position.weights)
        if one.is_partial:
            assert (one.loss, one.accuracy) == (alone.loss, alone.accuracy)
    # The batches of `small()` on `blobs()` are of equal size.
    first_four = [one.loss for one in every_step[:4]]
    assert found[3].loss == pytest.approx(np.mean(first_four))


# The dial of a run


def test_run_continues_with_the_new_rate(by_hand: Scheduler, one_point_a_chunk: None) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    assert run.learning_rate == 0.1
    for _ in range(4):
        by_hand.step(run)
        take_turns(by_hand, run)
    by_hand.set_learning_rate(run, 0.02)
    assert run.learning_rate == 0.02
    assert not run.snapshot.rates
    by_hand.step(run)
    take_turns(by_hand, run)
    after_a_chunk = run.snapshot
    assert len(after_a_chunk.points) == 5
    assert after_a_chunk.rates == (RateChanged(1, 4, 0.02),)
    by_hand.resume(run)
    run_to_end(by_hand, run)
    shot = run.snapshot
    assert shot.status is Status.FINISHED
    assert shot.network is not None
    assert shot.state is not None
    assert shot.rates == shot.state.rates == (RateChanged(1, 4, 0.02),)
    assert [metrics.learning_rate for metrics in shot.epochs] == [0.02, 0.02]
    assert_same_weights(shot.network.weights, step_by_step(small(), {(1, 4): 0.02})[0])


def test_rate_change_before_the_first_turn(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    by_hand.set_learning_rate(run, 1)
    run_to_end(by_hand, run)
    assert run.snapshot.rates == (RateChanged(1, 0, 1),)
    assert run.snapshot.network is not None
    assert_same_weights(run.snapshot.network.weights, step_by_step(small(), {(0, 0): 1.0})[0])


@pytest.mark.parametrize("rate", [0, 9e-7, 10.001, -0.1, math.nan, math.inf, True, "0.1", None])
def test_rate_out_of_range_keeps_the_old_rate(rate: Any, by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=1), blobs())
    with pytest.raises(ConfigError, match="learning_rate"):
        by_hand.set_learning_rate(run, rate)
    assert run.learning_rate == 0.1
    by_hand.set_learning_rate(run, 0.05)
    with pytest.raises(ConfigError):
        by_hand.set_learning_rate(run, rate)
    assert run.learning_rate == 0.05
    run_to_end(by_hand, run)
    assert run.snapshot.rates == (RateChanged(1, 0, 0.05),)


# Validation in pieces


@pytest.mark.parametrize(("block", "done"), [(2048, [75]), (32, [32, 64, 75]), (25, [25, 50, 75])])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
def test_validation_progress_adds_up(loss: str, block: int, done: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_MOST_AT_ONCE", block)
    config, dataset = small(validation_fraction=0.25, loss=loss), mislabelled_validation()
    chosen = splits.split(dataset, config.split, config.validation_fraction).validation_indices
    labels = dataset.train_labels[chosen]
    events = list(training.train(config, dataset))
    for ended in epochs(events):
        place = events.index(ended)
        assert events[place - len(done) : place] == [Validating(ended.epoch, count, 75) for count in done]
        answers = TrainedNetwork(config, ended.state.weights).predict(dataset.train_images[chosen])
        expected = (
            float(((answers.astype(np.float64) - np.eye(10)[labels]) ** 2).mean())
            if loss == "mean_squared_error"
            else sklearn.metrics.log_loss(labels, answers, labels=range(10))
        )
        assert ended.metrics.validation_loss == pytest.approx(expected, rel=1e-5)
        right = sklearn.metrics.accuracy_score(labels, answers.argmax(axis=1))
        assert ended.metrics.validation_accuracy == pytest.approx(right)
    assert sum(isinstance(event, Validating) for event in events) == 2 * len(done)
