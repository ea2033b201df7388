"""Runs keep moments, save them, and give them back later."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from mnist_core.errors import RunNotFoundError
from mnist_core.network.layers import Weights, initial_weights
from mnist_core.runs.network_run import Run
from mnist_core.runs.saver import Saver
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from mnist_core.training.moments import START, Place
from tests.events import events_of, finished
from tests.samples import blobs, small
from tests.scheduled_runs import STEPS_PER_EPOCH, run_to_end

MINUTES = 300.0
CONFIG = small(epochs=4)


def end_of(epoch: int) -> Place:
    return Place(epoch, STEPS_PER_EPOCH)


def saved_run(scheduler: Scheduler, saver: Saver, workspace: str, **changes: Any) -> Run:
    """A run that has ended and is saved."""
    run = scheduler.submit(small(**{"epochs": 4, **changes}), blobs())
    saver.save(workspace, run)
    run_to_end(scheduler, run)
    assert saver.wait_until_saved(MINUTES)
    return run


def after_epochs(epochs: int, **changes: Any) -> Weights:
    """The weights of a run of so many epochs, by itself, as float16 holds them."""
    network = finished(events_of(small(**{**changes, "epochs": epochs}))).network
    return tuple(array.astype(np.float16) for array in network.weights)


def assert_same(one: Weights | None, other: Weights) -> None:
    assert one is not None
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs.astype(np.float16).astype(np.float32))


def test_moment_after_an_epoch_is_the_run_that_ends_there(by_hand: Scheduler, saver: Saver, workspace: str) -> None:
    run = saved_run(by_hand, saver, workspace)
    assert run.moments.places[0] == START
    assert_same(run.moments.weights(START), initial_weights(CONFIG))
    for epoch in (1, 2, 3, 4):
        assert_same(run.moments.weights(end_of(epoch)), after_epochs(epoch))
    assert run.past_moments == run.moments.places[:-1]  # The last one is the final network.


@pytest.mark.usefixtures("one_point_a_chunk")
def test_moments_of_the_first_epoch(by_hand: Scheduler, saver: Saver, workspace: str) -> None:
    run = saved_run(by_hand, saver, workspace, epochs=1)
    assert [place.step for place in run.past_moments] == [0, 1, 3, 5]
    early = run.moments.weights(Place(1, 3))
    assert early is not None
    assert np.abs(early[0] - initial_weights(run.config)[0]).max() > 0.001


def test_saved_moments_leave_the_memory(by_hand: Scheduler, saver: Saver, workspace: str) -> None:
    run = saved_run(by_hand, saver, workspace)
    assert not run.moments._held
    saver.store.delete(workspace, run.id)
    with pytest.raises(RunNotFoundError):
        run.moments.weights(end_of(2))


def test_run_that_nobody_saves_keeps_no_moments(by_hand: Scheduler) -> None:
    run = by_hand.submit(CONFIG, blobs())
    run_to_end(by_hand, run)
    assert run.past_moments == ()


def test_saved_run_has_its_moments_in_another_process(
    by_hand: Scheduler, saver: Saver, workspace: str, url: str
) -> None:
    run = saved_run(by_hand, saver, workspace)
    store = RunStore(url)
    again = Run.restored(store.load(workspace, run.id), blobs())
    assert again.past_moments == run.past_moments
    assert_same(again.moments.weights(end_of(2)), after_epochs(2))
    store.close()


def test_copy_in_another_workspace_has_its_own_moments(by_hand: Scheduler, saver: Saver, workspace: str) -> None:
    run = saved_run(by_hand, saver, workspace)
    token = saver.store.shares.share(workspace, run.id)
    other = new_workspace()
    copy = Run.restored(saver.store.shares.load(token), blobs()).copy_of_ended()
    saver.save(other, copy)
    assert saver.wait_until_saved(MINUTES)
    saver.store.delete(workspace, run.id)
    assert copy.past_moments == run.past_moments
    assert_same(copy.moments.weights(end_of(2)), after_epochs(2))
    assert saver.store.load(other, run.id).moments.places == run.moments.places


def test_interrupted_run_goes_on_with_its_moments(by_hand: Scheduler, saver: Saver, workspace: str, url: str) -> None:
    first = Saver(RunStore(url, clock=lambda: time.time() - 3_600))
    run = Run(CONFIG, blobs())
    first.save(workspace, run)
    while len(run.snapshot.epochs) < 2:
        run.take_turn(0.0, 0.0)
    assert first.wait_until_saved(MINUTES)
    first.store.close()
    (unfinished,) = saver.unfinished(workspace)
    assert unfinished.id == run.id
    resumed = saver.resume(workspace, run.id, blobs(), by_hand)
    run_to_end(by_hand, resumed)
    assert saver.wait_until_saved(MINUTES)
    for epoch in (1, 2, 3):
        assert_same(resumed.moments.weights(end_of(epoch)), after_epochs(epoch))
    assert saver.store.load(workspace, run.id).moments.places == resumed.moments.places


def test_longer_run_begins_with_the_moments_of_the_shorter(by_hand: Scheduler, saver: Saver, workspace: str) -> None:
    run = saved_run(by_hand, saver, workspace, epochs=2)
    longer = by_hand.go_on(run, 2)
    saver.save(workspace, longer)
    run_to_end(by_hand, longer)
    assert saver.wait_until_saved(MINUTES)
    saver.store.delete(workspace, run.id)
    for epoch in (1, 2, 3, 4):
        assert_same(longer.moments.weights(end_of(epoch)), after_epochs(epoch))


def test_moments_after_the_best_epoch_stay(by_hand: Scheduler, saver: Saver, workspace: str) -> None:
    changes = {"epochs": 30, "validation_fraction": 0.25, "early_stopping": 1, "learning_rate": 0.3}
    run = saved_run(by_hand, saver, workspace, **changes)
    assert run.snapshot.status is Status.FINISHED
    assert len(run.snapshot.epochs) < 30
    assert run.past_moments == run.moments.places  # The final network is of an earlier epoch.
