"""Orders to pause, step, resume and stop.

Some tests use real workers and wait for what a run shows; others take the turns by hand, one by one.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mnist_core import training
from mnist_core.config import RunConfig
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, loop
from tests.samples import blobs, mislabelled_validation, small
from tests.scheduled_runs import (
    ENDED,
    STEPS_PER_EPOCH,
    Gate,
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


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    monkeypatch.setattr(training, "train", made.train)
    yield made
    made.open()


# Pause, step, resume


def test_pause_and_resume(scheduler: Scheduler, gate: Gate) -> None:
    run = scheduler.submit(small(), blobs())
    gate.allow(3)
    wait_until(lambda: len(run.snapshot.points) == 3)
    scheduler.pause(run)
    gate.open()
    wait_for_status(run, Status.PAUSED)
    held = run.snapshot
    assert len(held.points) <= 4
    # While another run trains from start to end, the first one stays paused.
    other = scheduler.submit(small(seed=1), blobs())
    wait_for_status(other, *ENDED)
    assert_same_as_alone(other)
    assert run.snapshot.status is Status.PAUSED
    assert run.snapshot.points is held.points
    scheduler.resume(run)
    wait_for_status(run, *ENDED)
    assert_same_as_alone(run)


def test_step_does_exactly_one_batch(scheduler: Scheduler) -> None:
    run = scheduler.submit(small(), blobs(), paused=True)
    assert run.snapshot.status is Status.PAUSED
    assert run.snapshot.started is None
    for count in range(1, STEPS_PER_EPOCH + 3):
        scheduler.step(run)
        wait_until(lambda expected=count: len(run.snapshot.points) >= expected)  # type: ignore[misc]
        wait_for_status(run, Status.PAUSED)
        assert len(run.snapshot.points) == count
        # The last step of an epoch comes with its summary.
        assert len(run.snapshot.epochs) == count // STEPS_PER_EPOCH
    scheduler.resume(run)
    wait_for_status(run, *ENDED)
    assert_same_as_alone(run)


def test_steps_in_quick_succession_all_count(scheduler: Scheduler) -> None:
    run = scheduler.submit(small(), blobs(), paused=True)
    for _ in range(5):
        scheduler.step(run)
    wait_until(lambda: len(run.snapshot.points) >= 5)
    other = scheduler.submit(small(seed=1), blobs())
    wait_for_status(other, *ENDED)
    wait_for_status(run, Status.PAUSED)
    assert len(run.snapshot.points) == 5


def test_step_of_a_running_run_does_one_batch_after_its_chunk_and_pauses(scheduler: Scheduler, gate: Gate) -> None:
    run = scheduler.submit(small(), blobs())
    gate.allow(2)
    wait_until(lambda: len(run.snapshot.points) == 2)
    scheduler.step(run)
    gate.open()
    wait_for_status(run, Status.PAUSED)
    # Its third chunk was under way.
    assert len(run.snapshot.points) == 4


def test_run_is_stepped_to_its_end(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=1), blobs(), paused=True)
    for _ in range(STEPS_PER_EPOCH):
        by_hand.step(run)
        take_turns(by_hand, run)
    assert len(run.snapshot.points) == STEPS_PER_EPOCH
    by_hand.step(run)
    take_turns(by_hand, run)
    assert_same_as_alone(run)


def test_pause_before_the_first_turn(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    by_hand.pause(run)
    take_turns(by_hand, run, 3)
    assert not run.snapshot.points
    statuses = [run.snapshot.status]
    by_hand.resume(run)
    statuses.append(run.snapshot.status)
    assert statuses == [Status.PAUSED, Status.WAITING]
    run_to_end(by_hand, run)
    assert_same_as_alone(run)


def test_resume_discards_waiting_steps(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    for _ in range(3):
        by_hand.step(run)
    by_hand.resume(run)
    by_hand.pause(run)
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.PAUSED
    assert not run.snapshot.points


def test_pause_and_resume_within_a_turn(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that arrive during a turn and are revoked before the worker looks."""

    def train(config: RunConfig, dataset: Any, state: Any, dials: Any) -> Iterator[training.Event]:
        for event in real_train(config, dataset, state, dials):
            by_hand.pause(run)
            by_hand.resume(run)
            yield event

    monkeypatch.setattr(training, "train", train)
    run = by_hand.submit(small(), blobs())
    run_to_end(by_hand, run)
    assert_same_as_alone(run)


def test_orders_from_many_threads(scheduler: Scheduler) -> None:
    """No order is lost, and two workers never train the same run, which would make it fail."""
    runs = [scheduler.submit(small(epochs=20, seed=seed), blobs()) for seed in (1, 2)]

    def command(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(300):
            run = choose.choice(runs)
            choose.choice([scheduler.pause, scheduler.resume, scheduler.step])(run)

    threads = [threading.Thread(target=command, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        scheduler.resume(run)
        wait_for_status(run, *ENDED)
        assert_same_as_alone(run)


# Stop


def test_stopped_run_keeps_and_evaluates_its_network(scheduler: Scheduler, gate: Gate) -> None:
    run = scheduler.submit(small(), blobs())
    gate.allow(STEPS_PER_EPOCH + 3)
    wait_until(lambda: len(run.snapshot.points) == STEPS_PER_EPOCH + 3)
    scheduler.stop(run)
    gate.open()
    wait_for_status(run, *ENDED)
    shot = run.snapshot
    assert shot.status is Status.STOPPED
    assert STEPS_PER_EPOCH + 3 <= len(shot.points) < 2 * STEPS_PER_EPOCH
    assert len(shot.epochs) == 1
    assert_evaluated(run)
    assert 0.5 < run.fraction < 1


@pytest.mark.parametrize(
    ("chunk_seconds", "chunks", "points"),
    [
        (0.0, 1, 1),
        (0.0, 3, 3),
        (0.0, STEPS_PER_EPOCH + 1, STEPS_PER_EPOCH + 1),
        # Each chunk holds twice as many points as the one before it, up to the end of its epoch.
        (1000.0, 1, 1),
        (1000.0, 2, 3),
        (1000.0, 3, 7),
        (1000.0, 4, STEPS_PER_EPOCH),
        (1000.0, 5, 2 * STEPS_PER_EPOCH),
    ],
)
def test_stopped_network_is_that_of_the_last_point(
    by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch, chunk_seconds: float, chunks: int, points: int
) -> None:
    monkeypatch.setattr(loop, "CHUNK_SECONDS", chunk_seconds)
    monkeypatch.setattr(scheduling, "TURN_SECONDS", 0.0)  # A chunk a turn, after one that only begins.
    run = by_hand.submit(small(), blobs())
    take_turns(by_hand, run, 1 + chunks)
    assert len(run.snapshot.points) == points
    by_hand.stop(run)
    take_turns(by_hand, run)
    shot = run.snapshot
    assert shot.status is Status.STOPPED
    assert shot.network is not None
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    alone = [event for event in real_train(run.config, run.dataset) if isinstance(event, training.Progress)]
    last = alone[len(shot.points) - 1]
    assert last.position is not None
    assert_same_weights(shot.network.weights, last.position.weights)


def test_stop_while_paused(scheduler: Scheduler, gate: Gate) -> None:
    run = scheduler.submit(small(), blobs())
    gate.allow(3)
    wait_until(lambda: len(run.snapshot.points) == 3)
    scheduler.pause(run)
    gate.open()
    wait_for_status(run, Status.PAUSED)
    scheduler.stop(run)
    wait_for_status(run, *ENDED)
    assert run.snapshot.status is Status.STOPPED
    assert_evaluated(run)


def test_stop_before_the_first_point(scheduler: Scheduler) -> None:
    run = scheduler.submit(small(), blobs(), paused=True)
    scheduler.stop(run)
    wait_for_status(run, *ENDED)
    shot = run.snapshot
    assert shot.status is Status.STOPPED
    assert (shot.network, shot.evaluation, shot.points, shot.message) == (None, None, (), "")
    assert run.fraction == 0.0
    assert run.seconds_left is None


def test_stop_while_waiting_in_the_queue(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.STOPPED
    assert not run.snapshot.points


def test_stop_wins_over_later_orders(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    by_hand.stop(run)
    by_hand.pause(run)
    by_hand.resume(run)
    by_hand.step(run)
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.STOPPED


def test_orders_after_the_end_change_nothing(scheduler: Scheduler) -> None:
    run = scheduler.submit(small(epochs=1), blobs())
    wait_for_status(run, *ENDED)
    end = run.snapshot
    scheduler.pause(run)
    scheduler.step(run)
    scheduler.resume(run)
    scheduler.stop(run)
    other = scheduler.submit(small(seed=1, epochs=1), blobs())
    wait_for_status(other, *ENDED)
    assert run.snapshot is end


def test_stop_with_early_stopping_keeps_the_best_epoch_and_shows_it(by_hand: Scheduler) -> None:
    dataset = mislabelled_validation()
    config = small(epochs=9, validation_fraction=0.25, early_stopping=9)
    run = by_hand.submit(config, dataset, paused=True)
    while len(run.snapshot.epochs) < 3:
        by_hand.step(run)
        take_turns(by_hand, run)
    by_hand.stop(run)
    take_turns(by_hand, run)
    # With these data the validation loss rises in each epoch, so the first one is the best.
    losses = [metrics.validation_loss for metrics in run.snapshot.epochs]
    assert losses == sorted(losses, key=float)  # type: ignore[arg-type]
    first = next(event for event in real_train(config, dataset) if isinstance(event, training.EpochEnded))
    assert run.snapshot.network is not None
    assert_same_weights(run.snapshot.network.weights, first.state.weights)
    assert_same_weights(run.snapshot.weights, first.state.weights)
