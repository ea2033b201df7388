"""What stays in memory of runs, in training and ended, found by counting objects."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mnist_core import training
from mnist_core.errors import StoreError, TrainingError
from mnist_core.network import TrainedNetwork
from mnist_core.runs.network_run import Run
from mnist_core.runs.saver import Saver
from mnist_core.runs.scheduler import Scheduler
from mnist_core.runs.snapshot import Snapshot
from mnist_core.store import reading
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status, engine
from tests.samples import blobs, small
from tests.scheduled_runs import assert_same_weights, run_to_end, take_turns
from tests.stored_runs import assert_same_state, save_run

MINUTES = 300.0
ADAM = small(epochs=3, optimizer="adam", learning_rate=0.001)


@pytest.fixture
def saver(tmp_path: Path) -> Iterator[Saver]:
    saver = Saver(RunStore(f"sqlite:///{tmp_path / 'runs.db'}"), retry_seconds=0.01)
    yield saver
    assert saver.close(MINUTES)
    saver.store.close()


def watch(run: Run, what: str) -> list[Callable[[], Any]]:
    """A list to which each epoch of the run adds weak references to its "weights" or "slots"."""
    found: list[Callable[[], Any]] = []

    def note(run: Run) -> None:
        if run.snapshot.state is not None:
            found.extend(map(weakref.ref, getattr(run.snapshot.state, what)))

    run.tell(note)
    return found


def living(references: Sequence[Callable[[], Any]]) -> int:
    gc.collect()
    return sum(reference() is not None for reference in references)


def counted() -> Counter[str]:
    """Count the objects of runs. No other thread may work: Python shows its unfinished tuples, which breaks them."""
    gc.collect()
    kinds = (Run, Snapshot, TrainedNetwork, training.TrainingState, training.Progress, engine.Position)
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, kinds))


def test_saved_run_frees_the_slots_and_keeps_the_network(by_hand: Scheduler, saver: Saver) -> None:
    run = by_hand.submit(ADAM, blobs())
    slots = watch(run, "slots")
    saver.save(new_workspace(), run)
    run_to_end(by_hand, run)
    assert saver.wait_until_saved(MINUTES)
    assert len(slots) >= 2 * 4 * ADAM.epochs  # Two for each of four weights.
    assert living(slots) == 0
    shot = run.snapshot
    assert shot.network is not None
    assert len(shot.epochs) == ADAM.epochs
    assert shot.network.predict(blobs().test_images).shape == (len(blobs().test_images), 10)


def test_run_that_nobody_saves_frees_the_slots(by_hand: Scheduler) -> None:
    run = by_hand.submit(ADAM, blobs())
    run_to_end(by_hand, run)
    assert run.snapshot.state is not None
    assert run.snapshot.state.slots == ()


def test_slots_stay_until_they_are_saved(by_hand: Scheduler, saver: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, tried, is_full = new_workspace(), threading.Event(), True

    def save_epoch(*what: Any) -> None:
        if is_full and len(what[2].history) == ADAM.epochs:
            tried.set()
            raise StoreError("The disk is full.", "Delete something.")
        RunStore.save_epoch(saver.store, *what)

    monkeypatch.setattr(saver.store, "save_epoch", save_epoch)
    run = by_hand.submit(ADAM, blobs())
    saver.save(workspace, run)
    run_to_end(by_hand, run)
    assert tried.wait(MINUTES)
    state = run.snapshot.state
    assert state is not None
    assert len(state.slots) == 2 * 4
    is_full = False
    assert saver.wait_until_saved(MINUTES)
    assert run.snapshot.state is not None
    assert run.snapshot.state.slots == ()
    assert saver.store.load(workspace, run.id).summary.epochs == ADAM.epochs


def train_into_the_second_epoch(run: Run, saver: Saver, workspace: str) -> None:
    """Train a run, with one point a chunk, until its first epoch is saved and no longer its position."""
    saver.save(workspace, run)
    while not run.snapshot.epochs:
        run.take_turn(0.0)
    assert saver.wait_until_saved(MINUTES)
    run.take_turn(0.0)  # The position of the epoch's end gives way to the next one.
    assert run.snapshot.status.is_active
    assert len(run.snapshot.epochs) == 1


@pytest.mark.usefixtures("one_point_a_chunk")
def test_active_run_frees_slots_that_are_saved_and_trains_on(by_hand: Scheduler, saver: Saver) -> None:
    workspace = new_workspace()
    run = by_hand.submit(ADAM, blobs())
    slots = watch(run, "slots")
    train_into_the_second_epoch(run, saver, workspace)
    assert len(slots) == 2 * 4
    assert living(slots) == 0
    other = Scheduler(workers=0)
    resumed = other.take_over(saver.store.load(workspace, run.id), blobs())
    assert resumed.snapshot.state is not None
    assert len(resumed.snapshot.state.slots) == 2 * 4
    for one, turns in ((run, by_hand), (resumed, other)):
        run_to_end(turns, one)
    assert run.snapshot.network is not None
    assert resumed.snapshot.network is not None
    assert_same_weights(run.snapshot.network.weights, resumed.snapshot.network.weights)


def saved_in_training(by_hand: Scheduler, saver: Saver) -> tuple[Run, list[Callable[[], Any]], training.TrainingState]:
    """A run that is within its second epoch, references to the weights of the first, and its saved state."""
    workspace = new_workspace()
    run = by_hand.submit(ADAM, blobs())
    weights = watch(run, "weights")
    train_into_the_second_epoch(run, saver, workspace)
    state = saver.store.load(workspace, run.id).state
    assert state is not None
    return run, weights, state


@pytest.mark.usefixtures("one_point_a_chunk")
def test_active_run_frees_weights_that_are_saved_and_trains_on(by_hand: Scheduler, saver: Saver) -> None:
    run, weights, _saved = saved_in_training(by_hand, saver)
    assert len(weights) >= 4
    assert living(weights) == 0
    run_to_end(by_hand, run)
    alone = [event for event in training.train(ADAM, blobs()) if isinstance(event, training.Finished)]
    assert run.snapshot.network is not None
    assert_same_weights(run.snapshot.network.weights, alone[0].network.weights)
    assert run.can_go_on


@pytest.mark.usefixtures("one_point_a_chunk")
def test_resumed_run_has_weights_to_show_before_its_first_point(
    by_hand: Scheduler, saver: Saver, tmp_path: Path
) -> None:
    workspace, run = new_workspace(), Run(ADAM, blobs())
    dead = Saver(RunStore(f"sqlite:///{tmp_path / 'runs.db'}", clock=lambda: time.time() - 3_600))
    train_into_the_second_epoch(run, dead, workspace)
    dead.store.close()
    resumed = saver.resume(workspace, run.id, blobs(), by_hand)
    resumed.take_turn(0.0)
    resumed.want_resume()  # It is saved once more.
    assert saver.wait_until_saved(MINUTES)
    assert resumed.snapshot.status.is_active
    assert resumed.snapshot.position is None
    saved = saver.store.load(workspace, run.id).state
    assert saved is not None
    assert resumed.snapshot.weights is not None
    assert_same_weights(resumed.snapshot.weights, saved.weights)


@pytest.mark.usefixtures("one_point_a_chunk")
def test_stopped_run_reads_its_last_finished_epoch_when_it_goes_on(by_hand: Scheduler, saver: Saver) -> None:
    run, weights, saved = saved_in_training(by_hand, saver)
    by_hand.stop(run)
    take_turns(by_hand, run)
    assert run.snapshot.status is Status.STOPPED
    assert saver.wait_until_saved(MINUTES)
    assert living(weights) == 0
    state = run.whole_state()
    assert state is not None
    assert_same_weights(state.weights, saved.weights)
    assert run.can_go_on
    going_on = by_hand.go_on(run, 1)
    run_to_end(by_hand, going_on)
    assert going_on.snapshot.status is Status.FINISHED


@pytest.mark.usefixtures("one_point_a_chunk")
def test_failed_run_ends_with_its_last_finished_epoch(
    by_hand: Scheduler, saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _weights, saved = saved_in_training(by_hand, saver)
    monkeypatch.setattr(engine.Program, "__call__", no_numbers)
    run_to_end(by_hand, run)
    assert run.snapshot.status is Status.FAILED
    assert run.snapshot.network is not None
    assert_same_weights(run.snapshot.network.weights, saved.weights)


@pytest.mark.usefixtures("one_point_a_chunk")
@pytest.mark.parametrize("is_failing", [False, True])
def test_run_ends_while_its_last_epoch_cannot_be_read(
    is_failing: bool, by_hand: Scheduler, saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _weights, _saved = saved_in_training(by_hand, saver)

    def away(*_args: object) -> None:
        raise StoreError("The database is away.", "Try again.")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "_load_weights", away)
        if is_failing:
            patch.setattr(engine.Program, "__call__", no_numbers)
        else:
            by_hand.stop(run)
        take_turns(by_hand, run)
        assert run.snapshot.status is (Status.FAILED if is_failing else Status.STOPPED)
        assert (run.snapshot.network is None) is is_failing
        assert run.can_go_on is not is_failing
        if not is_failing:
            with pytest.raises(StoreError, match="away"):
                by_hand.go_on(run, 1)


def no_numbers(*_args: object, **_values: object) -> None:
    raise TrainingError("The loss is no longer a finite number.", "Lower the learning rate.")


def test_resumed_run_keeps_its_slots_until_its_first_turn(by_hand: Scheduler, saver: Saver) -> None:
    workspace = new_workspace()
    state = save_run(saver.store, workspace, "run", status=None, config=ADAM)
    run = by_hand.take_over(saver.store.load(workspace, "run"), blobs())
    run.forget_slots(ADAM.epochs)
    assert_same_state(run.snapshot.state, state)


def test_left_runs_are_gone_when_they_have_ended(
    by_hand: Scheduler, saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_UNWATCHED_SECONDS", "0")
    before = counted()
    tab = {"is open": True}
    runs = [
        by_hand.submit(small(epochs=100, optimizer="adam"), blobs(), is_watched=lambda: tab["is open"])
        for _ in range(10)
    ]
    for run in runs:
        saver.save(new_workspace(), run)
        while len(run.snapshot.epochs) < 2:
            run.take_turn(0.0, 0.0)
    assert saver.wait_until_saved(MINUTES)
    assert counted()["Run"] >= 10
    tab["is open"] = False
    for run in runs:
        take_turns(by_hand, run)
        assert run.snapshot.status is Status.STOPPED
        assert run.snapshot.network is not None
    assert saver.wait_until_saved(MINUTES)
    del run, runs
    by_hand._queue.clear()
    assert not counted() - before  # What an earlier test has left may go meanwhile.
