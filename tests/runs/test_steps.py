"""Steps of a paused run: exactly one batch, or exactly what is left of the epoch, with the bits of an unpaused run."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mnist_core import training
from mnist_core.config import LayerConfig
from mnist_core.network import model
from mnist_core.network.layers import Weights
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, loop
from mnist_core.training.moments import Place
from tests.samples import blobs, small
from tests.scheduled_runs import (
    STEPS_PER_EPOCH,
    assert_same_as_alone,
    assert_same_weights,
    real_train,
    run_to_end,
    take_turns,
    wait_until,
)

BATCH, EPOCH = StepSize.BATCH, StepSize.EPOCH
NETWORKS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "adam-dropout-validation": {
        "optimizer": "adam",
        "learning_rate": 0.003,
        "layers": (LayerConfig(units=16, dropout=0.3),),
        "validation_fraction": 0.25,
    },
}


@pytest.fixture(autouse=True)
def long_points_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points after the steps 4, 8 and 10 of an epoch, and chunks as long as an epoch."""
    monkeypatch.setattr(loop, "_POINTS_PER_EPOCH", 3)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 1000.0)


def weights_after_each_step(run: Run) -> list[Weights]:
    """The weights after each step of the run of the same config, in chunks of one step, which are points too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_POINTS_PER_EPOCH", 1000)
        patch.setattr(loop, "CHUNK_SECONDS", 0.0)
        events = [event for event in real_train(run.config, run.dataset) if isinstance(event, training.Progress)]
    return [event.position.weights for event in events if event.position is not None]


def step(scheduler: Scheduler, run: Run, size: StepSize) -> None:
    """Step, and take turns until the run has paused again or ended."""
    scheduler.step(run, size)
    until_it_rests(scheduler, run)


def until_it_rests(scheduler: Scheduler, run: Run) -> None:
    take_turns(scheduler, run)
    while run.snapshot.status in (Status.WAITING, Status.RUNNING):
        take_turns(scheduler, run)


def curve(run: Run) -> list[tuple[int, int]]:
    return [(point.epoch, point.step) for point in run.snapshot.points]


@pytest.mark.parametrize("case", NETWORKS)
def test_after_k_batches_it_stands_after_step_k(by_hand: Scheduler, case: str) -> None:
    run = by_hand.submit(small(**NETWORKS[case]), blobs(), paused=True)
    alone = weights_after_each_step(run)
    steps_per_epoch = len(alone) // 2
    for count in range(1, len(alone)):
        step(by_hand, run, BATCH)
        assert run.snapshot.status is Status.PAUSED
        epoch, done = curve(run)[-1]
        assert (epoch - 1) * steps_per_epoch + done == count
        assert_same_weights(run.snapshot.weights, alone[count - 1])
        # The last batch of an epoch comes with its summary.
        assert len(run.snapshot.epochs) == count // steps_per_epoch
    step(by_hand, run, BATCH)
    assert_same_as_alone(run)


def test_each_batch_shows_a_point_until_the_whole_point_is_there(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    seen = []
    for _ in range(STEPS_PER_EPOCH):
        step(by_hand, run, BATCH)
        seen.append([place for _, place in curve(run)])
        # Of a single batch, which also compiles, the time of an epoch is not known.
        assert (run.snapshot.seconds_an_epoch is None) == (len(seen) < 4)
    assert seen == [
        [1], [1, 2], [1, 2, 3], [4], [4, 5], [4, 5, 6], [4, 5, 6, 7], [4, 8], [4, 8, 9], [4, 8, 10],
    ]  # fmt: skip


@pytest.mark.parametrize("before", [0, 1, 3, 4, 9])
@pytest.mark.parametrize("case", NETWORKS)
def test_step_of_an_epoch_ends_exactly_with_the_epoch(by_hand: Scheduler, case: str, before: int) -> None:
    run = by_hand.submit(small(epochs=3, **NETWORKS[case]), blobs(), paused=True)
    for _ in range(before if case == "sgd" else min(before, 7)):
        step(by_hand, run, BATCH)
    ended = [event for event in real_train(run.config, run.dataset) if isinstance(event, training.EpochEnded)]
    for epoch in (1, 2):
        step(by_hand, run, EPOCH)
        shot = run.snapshot
        assert shot.status is Status.PAUSED
        assert shot.state is not None
        assert len(shot.epochs) == epoch
        assert shot.state.step == ended[epoch - 1].state.step == curve(run)[-1][1] * epoch
        assert curve(run)[-1][0] == epoch
        assert_same_weights(shot.state.weights, ended[epoch - 1].state.weights)
    step(by_hand, run, EPOCH)
    assert_same_as_alone(run)


def test_orders_of_both_sizes_add_up(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=4), blobs(), paused=True)
    for size in (BATCH, EPOCH, BATCH, BATCH):
        by_hand.step(run, size)
    until_it_rests(by_hand, run)
    assert curve(run) == [(1, 4), (1, 8), (1, 10), (2, 1), (2, 2)]
    for size in (EPOCH, EPOCH):
        by_hand.step(run, size)
    until_it_rests(by_hand, run)
    assert curve(run)[-1] == (3, 10)


@pytest.mark.parametrize("case", NETWORKS)
@pytest.mark.parametrize("seed", range(5))
def test_any_steps_and_pauses_give_the_bits_of_a_run_without(by_hand: Scheduler, case: str, seed: int) -> None:
    run = by_hand.submit(small(epochs=4, seed=seed, **NETWORKS[case]), blobs(), paused=True)
    choose = random.Random(seed)
    for _ in range(choose.randint(1, 12)):
        size = choose.choice([BATCH, BATCH, BATCH, EPOCH])
        if run.snapshot.status.is_active:
            step(by_hand, run, size)
    by_hand.resume(run)
    run_to_end(by_hand, run)
    assert_same_as_alone(run)


@pytest.mark.parametrize("workers", [1, 2])
def test_steps_with_real_workers(workers: int) -> None:
    runs = Scheduler(workers)
    run = runs.submit(small(), blobs(), paused=True)
    for size, place in ((BATCH, (1, 1)), (BATCH, (1, 2)), (EPOCH, (1, 10)), (BATCH, (2, 1))):
        runs.step(run, size)
        wait_until(lambda expected=place: curve(run)[-1:] == [expected])  # type: ignore[misc]
        wait_until(lambda: run.snapshot.status is Status.PAUSED)
        assert curve(run)[-1] == place
    runs.resume(run)
    wait_until(lambda: not run.snapshot.status.is_active)
    assert_same_as_alone(run)
    assert runs.close(600)


def test_step_while_validation_images_are_read(by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_MOST_AT_ONCE", 25)  # Three blocks.
    monkeypatch.setattr(scheduling, "TURN_SECONDS", 0.0)
    run = by_hand.submit(small(epochs=3, validation_fraction=0.25), blobs())
    while run.snapshot.started is None or curve(run)[-1:] != [(1, run.snapshot.started.steps_per_epoch)]:
        take_turns(by_hand, run)
    by_hand.pause(run)
    take_turns(by_hand, run)
    assert (run.snapshot.status, run.snapshot.epochs) == (Status.PAUSED, ())
    # The epoch ends first; the batch is one of the next epoch.
    by_hand.step(run, BATCH)
    take_turns(by_hand, run, 10)
    assert len(run.snapshot.epochs) == 1
    assert curve(run)[-1] == (2, 1)


def test_run_that_is_stopped_after_two_batches(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs(), paused=True)
    for _ in range(2):
        step(by_hand, run, BATCH)
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert run.snapshot.network is not None
    assert_same_weights(run.snapshot.network.weights, weights_after_each_step(run)[1])
    assert curve(run) == [(1, 1), (1, 2)]
    assert run.end == Place(1, 2)
    assert run.snapshot.evaluation is not None
    assert run.fraction == pytest.approx(2 / (2 * STEPS_PER_EPOCH))
