"""Runs that share the processor: same results as alone, failures, memory, and what a page shows.

Some tests use real workers and wait for what a run shows; others take the turns by hand, one by one.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from mnist_core import training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.errors import CapacityError, DataError, TrainingError
from mnist_core.network import TrainedNetwork, training_bytes
from mnist_core.runs import network_run
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, capacity, loop
from tests.samples import blobs, mislabelled_validation, small
from tests.scheduled_runs import (
    ENDED,
    STEPS_PER_EPOCH,
    assert_evaluated,
    assert_same_as_alone,
    assert_same_weights,
    real_train,
    run_to_end,
    take_turns,
    wait_for_status,
    wait_until,
)

# Chunks grow with the computer's speed; here they stay at one point, so that points can be counted.
pytestmark = pytest.mark.usefixtures("one_point_a_chunk")


# To the end


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "rmsprop", "learning_rate": 0.003, "layers": (LayerConfig(units=16, dropout=0.3),)},
        {"layers": (LayerConfig("conv", 4), LayerConfig("conv", 6, "tanh")), "validation_fraction": 0.25},
    ],
    ids=["dense", "dropout", "convolutions"],
)
def test_run_is_the_same_as_training_alone(changes: dict[str, Any], scheduler: Scheduler) -> None:
    run = scheduler.submit(small(**changes), blobs())
    wait_for_status(run, *ENDED)
    assert_same_as_alone(run)
    assert_evaluated(run)
    assert run.snapshot.message == ""
    assert run.fraction == 1.0
    assert run.seconds_left == 0


def test_thirty_runs_all_finish(scheduler: Scheduler) -> None:
    runs = [scheduler.submit(small(seed=seed), blobs()) for seed in range(30)]
    for run in runs:
        wait_for_status(run, *ENDED)
    assert len({run.id for run in runs}) == 30
    for run in runs:
        assert_same_as_alone(run)
    assert scheduler.active_runs == 0


def test_convolutions_beside_dense_networks(scheduler: Scheduler) -> None:
    runs = [
        scheduler.submit(small(layers=layers, seed=seed), blobs())
        for seed in (1, 2)
        for layers in ((LayerConfig("conv", 4), LayerConfig("conv", 6, "tanh")), (LayerConfig(units=16),))
    ]
    for run in runs:
        wait_for_status(run, *ENDED)
        assert_same_as_alone(run)


def test_wait_until_begun_ends_with_the_first_point(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    assert not run.wait_until_begun(0.0)
    take_turns(by_hand, run)
    assert run.snapshot.points
    assert run.wait_until_begun(0.0)


def test_wait_until_begun_ends_with_a_run_that_fails(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    assert not run.wait_until_begun(0.0)
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert not run.snapshot.points
    assert run.wait_until_begun(0.0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_training_threads_have_lower_priority() -> None:
    before = {thread.native_id for thread in threading.enumerate()}
    Scheduler(workers=2)
    workers = [thread.native_id or 0 for thread in threading.enumerate() if thread.native_id not in before]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    wait_until(lambda: [os.getpriority(os.PRIO_PROCESS, worker) for worker in workers] == [min(19, own + 10)] * 2)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


def test_early_stop_is_explained(by_hand: Scheduler) -> None:
    config = small(validation_fraction=0.25, early_stopping=1, epochs=30)
    run = by_hand.submit(config, mislabelled_validation())
    run_to_end(by_hand, run)
    assert run.snapshot.status is Status.FINISHED
    assert len(run.snapshot.epochs) < 30
    assert run.snapshot.message.startswith(f"Stopped early after epoch {len(run.snapshot.epochs)}:")
    assert run.fraction == 1.0


# Failing


def failing_after_an_epoch(error: Exception) -> Callable[..., Iterator[training.Event]]:
    def train(config: RunConfig, dataset: Any, state: Any, dials: Any) -> Iterator[training.Event]:
        for event in real_train(config, dataset, state, dials):
            yield event
            if config.seed == 13 and isinstance(event, training.EpochEnded):
                raise error

    return train


def test_run_that_diverges_at_once(scheduler: Scheduler) -> None:
    config = small(layers=(LayerConfig(units=16, activation="linear"),) * 2, learning_rate=10.0)
    run = scheduler.submit(config, blobs())
    wait_for_status(run, *ENDED)
    shot = run.snapshot
    assert shot.status is Status.FAILED
    assert "no longer a finite number" in shot.message
    assert "Lower the learning rate" in shot.message
    assert "is kept" not in shot.message
    assert (shot.network, shot.evaluation) == (None, None)


def test_failing_run_leaves_its_last_good_epoch(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    error = TrainingError("The loss is no number.", "Lower the learning rate.")
    monkeypatch.setattr(training, "train", failing_after_an_epoch(error))
    run = scheduler.submit(small(seed=13), blobs())
    wait_for_status(run, *ENDED)
    shot = run.snapshot
    assert shot.status is Status.FAILED
    assert shot.message == "The loss is no number. Lower the learning rate."
    assert shot.network is not None
    assert shot.state is not None
    assert_same_weights(shot.network.weights, shot.state.weights)
    assert_evaluated(run)


def test_unexpected_error_is_logged_and_others_go_on(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training, "train", failing_after_an_epoch(RuntimeError("a bug")))
    with caplog.at_level(logging.ERROR, logger="mnist_core.runs.scheduler"):
        # More runs than workers, so that a dead worker would be noticed.
        broken = [scheduler.submit(small(seed=13), blobs()) for _ in range(2 * scheduling.WORKERS)]
        for run in broken:
            wait_for_status(run, *ENDED)
    for run in broken:
        assert run.snapshot.status is Status.FAILED
        assert "a bug" not in run.snapshot.message
        assert "log" in run.snapshot.message
        assert_evaluated(run)
    assert len(caplog.records) == len(broken)
    for record in caplog.records:
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], RuntimeError)
    healthy = scheduler.submit(small(seed=1), blobs())
    wait_for_status(healthy, *ENDED)
    assert_same_as_alone(healthy)


def test_running_out_of_memory_says_what_to_do(
    by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training, "train", failing_after_an_epoch(MemoryError()))
    run = by_hand.submit(small(seed=13), blobs())
    run_to_end(by_hand, run)
    assert run.snapshot.status is Status.FAILED
    assert "Use fewer units" in run.snapshot.message
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize("error", [RuntimeError("a bug"), DataError("No images.", "Get some.")])
def test_evaluation_that_fails_is_logged_and_ends_the_run(
    error: Exception, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def evaluate(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(network_run, "evaluate_on_test", evaluate)
    run = by_hand.submit(small(), blobs())
    run_to_end(by_hand, run)
    assert run.snapshot.status is Status.FAILED
    assert run.snapshot.message
    assert run.snapshot.evaluation is None
    assert any(record.exc_info and record.exc_info[1] is error for record in caplog.records)


# What fits


def test_too_many_runs(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MAX_ACTIVE_RUNS", 2)
    first, second = (by_hand.submit(small(), blobs(), paused=paused) for paused in (False, True))
    with pytest.raises(CapacityError, match="already has 2 runs in training"):
        by_hand.submit(small(), blobs())
    by_hand.stop(first)
    take_turns(by_hand, first)
    third = by_hand.submit(small(), blobs())
    assert {second.snapshot.status, third.snapshot.status} == {Status.PAUSED, Status.WAITING}


def test_forgotten_run_gives_its_place_back(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MAX_ACTIVE_RUNS", 1)
    forgotten = by_hand.submit(small(), blobs(), paused=True)
    assert forgotten.snapshot.status is Status.PAUSED
    del forgotten
    gc.collect()
    assert by_hand.submit(small(), blobs()).snapshot.status is Status.WAITING


def test_run_that_does_not_fit_in_memory(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "1")
    with pytest.raises(CapacityError, match="needs about"):
        by_hand.submit(small(), blobs())
    assert by_hand.active_runs == 0


def test_memory_of_waiting_runs_is_reserved(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    config = RunConfig(layers=(LayerConfig(units=2048),) * 2, optimizer="adam")
    needed = training_bytes(config)
    monkeypatch.setattr(capacity, "free_bytes", lambda: 128 * 2**20 + 2 * needed + needed // 2)
    waiting = [by_hand.submit(config, blobs()) for _ in range(2)]
    with pytest.raises(CapacityError, match="needs about"):
        by_hand.submit(config, blobs())
    by_hand.stop(waiting[0])
    take_turns(by_hand, waiting[0])
    waiting.append(by_hand.submit(config, blobs()))
    assert by_hand.active_runs == 2


# What a page shows


def test_waiting_until_the_first_point_then_running(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    assert run.snapshot.status is Status.WAITING
    assert (run.fraction, run.seconds_left, run.samples_per_second) == (0.0, None, None)
    assert by_hand.active_runs == 1
    take_turns(by_hand, run)
    assert run.snapshot.status in (Status.RUNNING, Status.FINISHED)


def test_turn_ends_with_a_chunk(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of any length shows the points of a chunk together with its weights."""
    monkeypatch.setattr(scheduling, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 1000.0)
    run = by_hand.submit(small(epochs=1), blobs())
    shown = []
    while run.snapshot.status.is_active:
        take_turns(by_hand, run)
        shown.append(len(run.snapshot.points))
        if len(shown) > 1 and shown[-1] > shown[-2]:
            assert run.snapshot.weights is not None
    # A chunk holds twice as many points as the one before it.
    assert sorted(set(shown)) == [0, 1, 3, 7, 10]
    assert_same_as_alone(run)


def test_pauses_do_not_count_as_time(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(network_run, "time", SimpleNamespace(monotonic=lambda: now))
    run = by_hand.submit(small(), blobs(), paused=True)
    for expected in (0.0, 1.0, 2.0):
        now += 500.0
        by_hand.step(run)
        now += 1.0
        take_turns(by_hand, run)
        assert run.snapshot.seconds == pytest.approx(expected)
    now += 500.0
    by_hand.resume(run)
    now += 1.0
    by_hand.pause(run)
    take_turns(by_hand, run)
    by_hand.step(run)
    take_turns(by_hand, run)
    assert len(run.snapshot.points) == 4
    assert run.snapshot.seconds <= 3.0 + 1e-9


def test_time_left_and_pace(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(network_run, "time", SimpleNamespace(monotonic=lambda: now))
    run = by_hand.submit(small(), blobs(), paused=True)
    for _ in range(STEPS_PER_EPOCH // 2):
        by_hand.step(run)
        now += 1.0
        take_turns(by_hand, run)
    # Five of the twenty steps took four seconds; the first chunk does not count.
    assert run.fraction == pytest.approx(0.25)
    assert run.snapshot.seconds == pytest.approx(4.0)
    assert run.seconds_left == pytest.approx(12.0)
    assert run.samples_per_second == pytest.approx(0.25 * 600 / 4)


def test_active_runs_are_waiting_or_running(by_hand: Scheduler) -> None:
    runs = [by_hand.submit(small(seed=seed), blobs(), paused=seed == 0) for seed in range(3)]
    assert by_hand.active_runs == 2
    run_to_end(by_hand, runs[1])
    assert by_hand.active_runs == 1
    by_hand.resume(runs[0])
    assert by_hand.active_runs == 2


def test_network_of_a_run_predicts_alone(scheduler: Scheduler) -> None:
    run = scheduler.submit(small(epochs=6), blobs())
    wait_for_status(run, *ENDED)
    trained = run.snapshot.network
    assert isinstance(trained, TrainedNetwork)
    assert trained.config == run.config
    assert (trained.predict(run.dataset.test_images).argmax(axis=1) == run.dataset.test_labels).mean() > 0.8


def test_shared_scheduler_is_a_singleton() -> None:
    assert scheduling.shared() is scheduling.shared()
