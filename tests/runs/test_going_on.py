"""Training an ended run further, as a new run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.errors import RunNotFoundError
from mnist_core.runs.network_run import Run
from mnist_core.runs.saver import Saver
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.samples import blobs, small
from tests.scheduled_runs import assert_same_weights, run_to_end, take_turns


def ended(scheduler: Scheduler, **changes: Any) -> Run:
    run = scheduler.submit(small(**changes), blobs())
    run_to_end(scheduler, run)
    return run


def test_sgd_goes_on_as_if_it_had_never_ended(by_hand: Scheduler) -> None:
    first, whole = ended(by_hand, epochs=2), ended(by_hand, epochs=5)
    assert first.can_go_on
    second = by_hand.go_on(first, 3)
    assert second.snapshot.status.is_active
    assert second.id != first.id
    run_to_end(by_hand, second)
    assert second.snapshot.status is Status.FINISHED
    assert second.snapshot.epochs == whole.snapshot.epochs
    assert second.snapshot.network is not None
    assert whole.snapshot.network is not None
    for one, other in zip(second.snapshot.network.weights, whole.snapshot.network.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [(p.epoch, p.step, p.loss) for p in second.snapshot.points] == [
        (p.epoch, p.step, p.loss) for p in whole.snapshot.points
    ]
    assert second.begins_random
    assert first.snapshot.status is Status.FINISHED


def test_adam_goes_on_with_new_averages(by_hand: Scheduler) -> None:
    first = ended(by_hand, optimizer="adam", learning_rate=0.001, epochs=3)
    second = by_hand.go_on(first, 3)
    assert not second.begins_random
    run_to_end(by_hand, second)
    losses = [one.loss for one in second.snapshot.epochs]
    assert [one.loss for one in first.snapshot.epochs] == losses[:3]
    assert losses[5] < losses[2]  # It goes on to learn.


def test_stopped_run_goes_on_after_its_last_whole_epoch(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(epochs=4), blobs())
    while not run.snapshot.epochs:
        take_turns(by_hand, run)
    by_hand.pause(run)
    by_hand.step(run)
    take_turns(by_hand, run)
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.STOPPED
    done = len(run.snapshot.epochs)
    second = by_hand.go_on(run, 1)
    assert second.config.epochs == done + 1
    assert max(point.epoch for point in second.snapshot.points) == done
    run_to_end(by_hand, second)
    whole = ended(by_hand, epochs=done + 1)
    assert second.snapshot.epochs == whole.snapshot.epochs


def test_what_cannot_go_on(by_hand: Scheduler) -> None:
    run = by_hand.submit(small(), blobs())
    assert not run.can_go_on  # Still active.
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert not run.can_go_on  # Stopped before its first epoch.
    early = ended(by_hand, epochs=60, validation_fraction=0.25, early_stopping=1, learning_rate=1.0)
    assert len(early.snapshot.epochs) < 60
    assert not early.can_go_on


def test_saved_run_that_was_stopped_in_mid_epoch_goes_on(by_hand: Scheduler, tmp_path: Path) -> None:
    saver = Saver(RunStore(f"sqlite:///{tmp_path / 'runs.db'}"))
    run, workspace = by_hand.submit(small(epochs=4), blobs()), new_workspace()
    saver.save(workspace, run)
    while not run.snapshot.epochs:
        run.take_turn(0.0, 0.0)
    run.take_turn(0.0, 0.0)
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert saver.close(300.0)
    stored = saver.store.load(workspace, run.id)
    assert stored.summary.epochs == 1
    assert stored.state is not None
    assert stored.state.weights == ()  # They are read when they are needed.
    restored = Run.restored(stored, blobs())
    assert restored.can_go_on
    second = by_hand.go_on(restored, 1)
    assert second.config.epochs == 2
    run_to_end(by_hand, second)
    assert second.snapshot.epochs == ended(by_hand, epochs=2).snapshot.epochs
    saver.store.discard(workspace, run.id)
    with pytest.raises(RunNotFoundError):
        by_hand.go_on(restored, 1)
    saver.store.close()


@pytest.mark.parametrize(("learning_rate", "is_last_best"), [(0.1, True), (1.0, False)])
def test_saved_run_with_early_stopping_that_did_all_epochs_goes_on(
    learning_rate: float, is_last_best: bool, by_hand: Scheduler, tmp_path: Path
) -> None:
    saver = Saver(RunStore(f"sqlite:///{tmp_path / 'runs.db'}"))
    changes: dict[str, Any] = {"validation_fraction": 0.25, "early_stopping": 3, "learning_rate": learning_rate}
    run, workspace = by_hand.submit(small(epochs=3, **changes), blobs()), new_workspace()
    saver.save(workspace, run)
    run_to_end(by_hand, run)
    assert run.snapshot.status is Status.FINISHED
    assert run.snapshot.state is not None
    assert run.snapshot.network is not None
    assert saver.close(300.0)
    stored = saver.store.load(workspace, run.id)
    assert (stored.load_weights is None) is is_last_best
    restored = Run.restored(stored, blobs())
    assert restored.can_go_on
    second = by_hand.go_on(restored, 2)
    assert second.snapshot.state is not None
    assert second.snapshot.state.best_weights is not None
    assert_same_weights(second.snapshot.state.best_weights, run.snapshot.network.weights)
    run_to_end(by_hand, second)
    whole = ended(by_hand, epochs=5, **changes)
    assert second.snapshot.epochs == whole.snapshot.epochs
    saver.store.close()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adamw"])
def test_every_kind_of_optimizer_goes_on(by_hand: Scheduler, optimizer: str) -> None:
    run = by_hand.go_on(ended(by_hand, optimizer=optimizer, learning_rate=0.01), 1)
    run_to_end(by_hand, run)
    assert run.snapshot.status is Status.FINISHED
    assert len(run.snapshot.epochs) == 3
